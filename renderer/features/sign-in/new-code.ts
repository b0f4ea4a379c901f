import { create } from 'zustand';
import { act } from '../../app/bridge.ts';
import { stationNow, stationStore } from '../../app/station-store.ts';

/** A provider that does not answer holds the old sign-in back for at most so long. */
const OLD_ENDS_WITHIN_MS = 10_000;

interface CodeMemory {
  /** The newest code that was shown; it stays readable, struck, when it is worth nothing any more. */
  readonly lastCode: string | undefined;
  /** The old sign-in is being ended, so that a new code can be asked for. */
  readonly renewing: boolean;
}

export const useCodeMemory = create<CodeMemory>(() => ({ lastCode: undefined, renewing: false }));

/** Remembers the code on the screen. */
export function rememberCode(lastCode: string): void {
  useCodeMemory.setState({ lastCode });
}

/**
 * Puts a new code in the place of the one on the screen. The station keeps one sign-in at a time, so the old one is
 * ended first.
 */
export async function fetchNewCode(): Promise<void> {
  if (useCodeMemory.getState().renewing) return;
  useCodeMemory.setState({ renewing: true });
  try {
    await endUnderWay();
    await act('session.signIn');
  } finally {
    useCodeMemory.setState({ renewing: false });
  }
}

/** Ends a sign-in under way. Gives whether there is none any more. */
export async function endUnderWay(): Promise<boolean> {
  if (isUnderWay() && (await act('session.cancel'))) await whenEnded();
  return !isUnderWay();
}

function isUnderWay(): boolean {
  const { state } = stationNow().session;
  return state === 'starting' || state === 'awaiting-approval' || state === 'other-signs-in';
}

function whenEnded(): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const unsubscribe = stationStore.subscribe(() => {
      if (!isUnderWay()) done();
    });
    const timer = setTimeout(done, OLD_ENDS_WITHIN_MS);
    if (!isUnderWay()) done();
  });
}
