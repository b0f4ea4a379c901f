import type { Clock } from '../engine/ports.ts';

/** Searches lag behind writes, by milliseconds or by seconds. */
const LOOK_AGAIN_AFTER_MS = [100, 200, 400, 800, 1600, 3200];

/**
 * Looks for what has to be there until it is seen; undefined when it is not there after some six seconds, which is
 * longer than searches lag.
 */
export async function lookAgain<T>(
  look: () => Promise<T | undefined>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T | undefined> {
  for (const waitMs of LOOK_AGAIN_AFTER_MS) {
    const found = await look();
    if (found !== undefined) return found;
    await clock.sleep(waitMs, signal);
  }
  return look();
}
