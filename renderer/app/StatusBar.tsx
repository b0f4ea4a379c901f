import { Fragment } from 'react';
import type { StationState } from '#shared/model/station-state.ts';
import { countOf, formatTimeOfDay } from '../lib/format.ts';
import { useStation } from './station-store.ts';
import { useNow } from './ticker.ts';

/** Left: what happens now. Right: which station, which version, what time. */
export function StatusBar() {
  const station = useStation((state) => state.station);
  const doing = useStation(whatHappens);
  const now = useNow();
  return (
    <footer
      data-region="status"
      className="caption col-span-2 flex items-center border-t border-line-2 bg-frame px-3 text-2xs text-ink-2"
    >
      <Facts facts={doing.split('\n')} />
      <div className="ml-auto flex items-center">
        <Facts facts={[`Station ${station.name}`, `Muster ${station.version}`, formatTimeOfDay(now)]} />
      </div>
    </footer>
  );
}

function Facts({ facts }: { readonly facts: readonly string[] }) {
  return facts.map((fact, place) => (
    <Fragment key={fact.replace(/\d/g, '')}>
      {place > 0 ? <span className="mx-4 h-3 w-px bg-line-2" aria-hidden="true" /> : null}
      <span className="whitespace-nowrap">{fact}</span>
    </Fragment>
  ));
}

/** One fact per line; text, so that the bar is drawn again only when it reads differently. */
function whatHappens(station: StationState): string {
  const { batch, session } = station;
  const rows = Object.values(station.rows);
  if (batch !== undefined && batch.state !== 'finished') {
    const busy = rows.filter((row) => row.state === 'running').length;
    const awaiting = rows.filter((row) => row.state === 'awaiting-sign-in').length;
    if (awaiting > 0 && batch.state === 'running')
      return `Batch ${batch.name} waits for a sign-in\n${awaiting + busy} of ${batch.concurrency} lanes busy, ${awaiting} of them ${awaiting === 1 ? 'waits' : 'wait'}`;
    const word = batch.state === 'stopping' ? 'is stopping' : 'running';
    return `Batch ${batch.name} ${word}\n${busy} of ${batch.concurrency} lanes busy`;
  }
  if (session.state === 'awaiting-approval') return 'Waiting for your approval of the sign-in';
  if (session.state === 'other-signs-in') return 'Another Muster on this computer is signing in';
  if (session.state === 'starting') return 'Asking the identity provider for a code';
  if (station.bench.length === 0) return 'Nothing is running\nThe bench is empty';
  const found = `${countOf(station.bench.length, 'device')} on the bench`;
  if (batch === undefined) return `Nothing is running\n${found}`;
  return `Batch ${batch.name} finished\n${found}`;
}
