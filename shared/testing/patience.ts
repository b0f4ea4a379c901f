/**
 * How long a test gives work that is sure to end, milliseconds. It only ends what hangs: how long a thing takes is the
 * affair of the computer, which others keep busy too. Below the limit of a test against real parts (vitest.config.ts),
 * so that what hangs is named.
 */
export const HANGS_AFTER_MS = 100_000;

/** The same for a state that a test looks for, again and again (`expect.poll`, `vi.waitFor`). */
export const patience = { timeout: 50_000, interval: 20 } as const;

/** A keychain that is there gets more time than a person would give it; one that asks for its password counts as none. */
export const KEYCHAIN_LIMIT_MS = 25_000;

/** A signal for work that is sure to end. */
export function unlessItHangs(): AbortSignal {
  return AbortSignal.timeout(HANGS_AFTER_MS);
}
