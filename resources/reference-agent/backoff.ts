const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

/**
 * Milliseconds to wait before the next attempt, after `failures` in a row: 1 s, 2 s, 4 s … 30 s, of which a
 * random half is taken off, so that a fleet that lost its server does not come back in one instant.
 * `random` gives a number in [0, 1).
 */
export function backoffMs(failures: number, random: () => number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(full * (0.5 + random() / 2));
}
