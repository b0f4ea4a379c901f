const WINDOW_MS = 60_000;
const MAX_RESTARTS = 5;
const FIRST_DELAY_MS = 200;

/**
 * How long to wait before a crashed part is started again, or undefined when it crashed too often: five times
 * within a minute. `crashes`: instants of all crashes so far in milliseconds, the newest last.
 */
export function restartDelayMs(crashes: readonly number[]): number | undefined {
  const newest = crashes.at(-1);
  if (newest === undefined) return 0;
  const recent = crashes.filter((at) => newest - at < WINDOW_MS).length;
  return recent > MAX_RESTARTS ? undefined : FIRST_DELAY_MS * 2 ** (recent - 1);
}
