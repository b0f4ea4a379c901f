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
  /** Not ended yet: waiting or running. */
  readonly open: number;
}

/** The batch that cannot go on before somebody signs in, or undefined. */
export function signedOutBatch({ batch, session, rows }: StationState): SignedOutBatch | undefined {
  if (batch === undefined || session.state !== 'signed-out' || batch.state === 'stopping') return undefined;
  const all = Object.values(rows);
  const stopped = all.filter(stoppedBySignOut).length;
  const open =
    batch.state === 'running'
      ? all.filter((row) => row.state === 'waiting' || row.state === 'running').length
      : 0;
  return stopped + open === 0 ? undefined : { name: batch.name, stopped, open };
}

interface GoingOn {
  /** The batch whose dialog was put off. */
  readonly putOff: string | undefined;
  /** The sign-in that was begun is for going on with the batch. */
  readonly wanted: boolean;
}

export const useGoingOn = create<GoingOn>(() => ({ putOff: undefined, wanted: false }));
