import { useEffect, useRef, useState } from 'react';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { spokenDecommissions } from './spoken-decommissions.ts';
import { spokenSession } from './spoken-session.ts';
import { summarise } from './spoken-summary.ts';
import { stationStore, useStation } from './station-store.ts';

/** Screen readers get at most one message in this time. */
const QUIET_MS = 5000;

/** Speaks what happened, for those who do not see the board. Ticking figures are never spoken. */
export function LiveAnnouncer() {
  const [polite, setPolite] = useState('');
  const urgent = useStation((station) => {
    if (station.batch?.state === 'stopping') return 'The batch is being stopped.';
    const lost = station.notices.find((notice) => notice.tone === 'failed');
    if (lost !== undefined) return lost.text;
    if (station.session.state === 'awaiting-approval')
      return `Sign in with the code ${spelled(station.session.userCode)}.`;
    return '';
  });
  const spoken = useRef<Readonly<Record<string, EnrollmentRow>>>({});

  useEffect(() => {
    spoken.current = stationStore.getState().station.rows;
    const timer = setInterval(() => {
      const { rows } = stationStore.getState().station;
      const sentence = summarise(spoken.current, rows);
      spoken.current = rows;
      if (sentence !== '') setPolite(sentence);
    }, QUIET_MS);
    return () => clearInterval(timer);
  }, []);

  const session = useStation((station) => station.session);
  const sessionBefore = useRef(session);
  useEffect(() => {
    const sentence = spokenSession(sessionBefore.current, session);
    sessionBefore.current = session;
    if (sentence !== '') setPolite(sentence);
  }, [session]);

  const decommissions = useStation((station) => station.decommissions);
  const decommissionsBefore = useRef(decommissions);
  useEffect(() => {
    const sentence = spokenDecommissions(decommissionsBefore.current, decommissions);
    decommissionsBefore.current = decommissions;
    if (sentence !== '') setPolite(sentence);
  }, [decommissions]);

  return (
    <>
      <div className="visually-hidden" role="status" aria-live="polite">
        {polite}
      </div>
      <div className="visually-hidden" role="alert" aria-live="assertive">
        {urgent}
      </div>
    </>
  );
}

function spelled(code: string): string {
  return [...code].map((letter) => (letter === '-' ? 'dash' : letter)).join(' ');
}
