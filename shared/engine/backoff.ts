const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;

/** Wait before repeat number `attempt` (from 1): anything up to a ceiling that doubles ("full jitter"). */
export function backoffMs(attempt: number, fraction: number): number {
  return fraction * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
}
