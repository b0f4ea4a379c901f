import { useEffect, useRef } from 'react';
import { goTo, showSignIn, useNavigation } from './navigation.ts';
import { useStation } from './station-store.ts';

/** Moves the window on where the work has moved on: to the screen after a sign-in, to the Board when a batch starts. */
export function useFlow(): void {
  const sessionState = useStation((station) => station.session.state);
  const batchId = useStation((station) => station.batch?.batchId);
  const batchRuns = useStation(
    (station) => station.batch !== undefined && station.batch.state !== 'finished',
  );
  const knownBatch = useRef<string | undefined>(undefined);

  useEffect(() => {
    if (sessionState === 'signed-in') showSignIn(false);
    // A sign-in that was started anywhere else (a batch that needs it) comes to the front.
    if (sessionState === 'awaiting-approval' && useNavigation.getState().screen === 'bench') showSignIn(true);
  }, [sessionState]);

  useEffect(() => {
    if (batchId === undefined || batchId === knownBatch.current) return;
    knownBatch.current = batchId;
    if (batchRuns) goTo('board');
  }, [batchId, batchRuns]);
}
