import { SIGN_IN_PATIENCE_MS } from '../engine/awaited-sign-in.ts';
import type { CommandContext } from './command-context.ts';
import type { GivenSecrets } from './given-secrets.ts';
import { UsageError } from './usage-error.ts';

/** A day: whoever comes to work the next morning finds what was begun waiting. */
const MOST_PATIENCE_MINUTES = 1440;

/** How long a command waits for somebody to sign in again when the sign-in ends on the way. */
export interface SignInPatience {
  /** When left out, the station's own limit, or that of {@link patienceOfLooking}; 0 asks nobody. */
  readonly signInPatienceMs?: number;
}

/** What `--wait-for-sign-in` says. @throws UsageError */
export function readPatience(minutes: string | undefined): SignInPatience {
  if (minutes === undefined) return {};
  const value = /^\d+(\.\d+)?$/.test(minutes) ? Number(minutes) : Number.NaN;
  if (!(value <= MOST_PATIENCE_MINUTES))
    throw new UsageError(`--wait-for-sign-in: minutes, 0 to ${MOST_PATIENCE_MINUTES}.`);
  return { signInPatienceMs: Math.round(value * 60_000) };
}

/**
 * How long a command waits that only looks, and has nothing to lose. Without a terminal not at all unless it was asked to:
 * a script that wants to know what is wrong is not to hang for half an hour because nobody is there.
 */
export function patienceOfLooking(
  { terminal }: Pick<CommandContext, 'terminal'>,
  { signInPatienceMs }: SignInPatience,
): number {
  return signInPatienceMs ?? (terminal === undefined ? 0 : SIGN_IN_PATIENCE_MS);
}

/** A person's sign-in may be renewed by a person, with a terminal or without; a token that was handed in never. */
export function maySignInAgain(
  { token }: Pick<GivenSecrets, 'token'>,
  { signInPatienceMs }: SignInPatience,
): boolean {
  return token === undefined && signInPatienceMs !== 0;
}
