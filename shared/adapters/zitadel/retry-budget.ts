/** Keeps repeats a fraction of all calls, so that a provider in trouble is not buried in them. */
export interface RetryBudget {
  /** Notes a first try. */
  earn(): void;
  /** True when one more repeat is affordable; takes it then. */
  spend(): boolean;
}

const START = 24;
const MOST = 48;
/** One repeat for every two calls that were made. */
const EARNED_PER_CALL = 0.5;

/** A budget shared by all calls of one sign-in. */
export function createRetryBudget(): RetryBudget {
  let repeats = START;
  return {
    earn: () => {
      repeats = Math.min(MOST, repeats + EARNED_PER_CALL);
    },
    spend: () => {
      if (repeats < 1) return false;
      repeats -= 1;
      return true;
    },
  };
}

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;

/** Wait before repeat number `attempt` (from 1): anything up to a ceiling that doubles ("full jitter"). */
export function backoffMs(attempt: number, fraction: number): number {
  return fraction * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
}

/** Wait a `Retry-After` header asks for: seconds or an HTTP date; undefined when it says nothing usable. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,6}$/.test(header.trim())) return Number(header.trim()) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
