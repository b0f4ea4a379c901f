/**
 * When something that a test waits for counts as hanging: a little before the test itself is ended (vitest.config.ts), so
 * that what was waited for is told. Whether a computer is quick is nothing that a test asks.
 */
export const HANGS_AFTER_MS = 150_000;

/** Ends what hangs. One for every wait: one for a whole file would end the last of its tests on a slow computer. */
export function limit(): AbortSignal {
  return AbortSignal.timeout(HANGS_AFTER_MS);
}
