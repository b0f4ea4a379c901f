import { create } from 'zustand';
import type { EnrollmentRow, StationState } from '#shared/model/station-state.ts';

/** Causes that a new sign-in removes. */
const sessionCodes: readonly string[] = ['IDENTITY_SESSION_ENDED', 'IDENTITY_NOT_SIGNED_IN'];

/** Whether this device stopped because nobody is signed in. */
export function stoppedBySignOut(row: EnrollmentRow): boolean {
  return row.state === 'failed' && row.error !== undefined && sessionCodes.includes(row.error.code);
}

/** How a batch stands that lost its sign-in. */
export interface SignedOutBatch {
  readonly name: string;
  /** Failed for it; they go on after the sign-in. */
  readonly stopped: number;
  /** Wait for it where they are; they go on by themselves. */
  readonly awaiting: number;
  /** Not ended yet either: waiting or running. */
  readonly open: number;
}

/** The batch that cannot go on before somebody signs in, or undefined. */
export function signedOutBatch({ batch, session, rows }: StationState): SignedOutBatch | undefined {
  if (batch === undefined || session.state !== 'signed-out' || batch.state === 'stopping') return undefined;
  const all = Object.values(rows);
  const stopped = all.filter(stoppedBySignOut).length;
  const inState = (...states: EnrollmentRow['state'][]) =>
    batch.state === 'running' ? all.filter((row) => states.includes(row.state)).length : 0;
  const awaiting = inState('awaiting-sign-in');
  const open = inState('waiting', 'running');
  return stopped + awaiting + open === 0 ? undefined : { name: batch.name, stopped, awaiting, open };
}

interface GoingOn {
  /** The batch whose dialog was put off. */
  readonly putOff: string | undefined;
  /** The sign-in that was begun is for going on with the batch. */
  readonly wanted: boolean;
}

export const useGoingOn = create<GoingOn>(() => ({ putOff: undefined, wanted: false }));
