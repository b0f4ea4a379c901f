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
