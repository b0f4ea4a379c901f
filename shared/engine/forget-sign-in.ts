import type { EnrollmentError } from '../errors/enrollment-error.ts';
import { asEnrollmentError } from './limits.ts';
import { isReplaced, notForgotten, worthOf } from './not-forgotten.ts';
import { notRevoked } from './not-revoked.ts';
import type { Clock, Logger, SignInClient, TokenCache } from './ports.ts';
import { RememberedSignIn } from './remembered-sign-in.ts';
import { revoke } from './revoke.ts';

/** What became of a remembered sign-in. */
export type ForgottenSignIn =
  | { readonly state: 'nothing' }
  | {
      /** `handed-in`: a token that was not issued for this station; forgotten, and valid as before. */
      readonly state: 'revoked' | 'not-revoked' | 'handed-in';
      readonly account: string;
      /** STATION_SIGN_IN_NOT_FORGOTTEN, IDENTITY_NOT_REVOKED: what is left of it. */
      readonly left: readonly EnrollmentError[];
    };

/**
 * Revokes and forgets what is remembered, without a station that uses it. It is revoked first: one that is cut off in
 * between finds it again. What cannot be revoked is forgotten all the same, what cannot be forgotten is revoked, and both
 * are told.
 * @throws STATION_KEYCHAIN_UNAVAILABLE, STATION_KEYCHAIN_LOCKED when nobody can look; STATION_TOKEN_FILE_FOREIGN where
 *   something else lies in its place; STATION_SIGN_IN_NOT_FORGOTTEN for what could not be read and stays; the signal's reason
 */
export async function forgetSignIn(
  ports: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly client: SignInClient;
    readonly cache: TokenCache;
  },
  signal: AbortSignal,
): Promise<ForgottenSignIn> {
  const { clock, cache } = ports;
  // In one turn: what a station renews meanwhile would outlive the sign-out.
  return new RememberedSignIn(ports, () => undefined).inTurn(async () => {
    const tokens = await cache.load(signal);
    const isOurs = tokens !== undefined && tokens.handedIn === undefined;
    const problem = isOurs ? await revoke(ports, tokens, signal) : undefined;
    signal.throwIfAborted();
    // Also where nothing was found: what is damaged, or of another version, is not read and does not stay either.
    const stays = await problemOfRemoving(cache, signal);
    const kept =
      stays === undefined
        ? []
        : [notForgotten(cache, stays, { account: tokens?.account, worth: worthOf(tokens, problem) })];
    if (tokens === undefined) {
      for (const error of kept) throw error;
      return { state: 'nothing' };
    }
    const { account } = tokens;
    if (!isOurs) return { state: 'handed-in', account, left: kept };
    if (problem === undefined) return { state: 'revoked', account, left: kept };
    return { state: 'not-revoked', account, left: [...kept, notRevoked(tokens, problem, clock.nowMs())] };
  }, signal);
}

/** Why it stays. @throws the signal's reason */
async function problemOfRemoving(
  cache: TokenCache,
  signal: AbortSignal,
): Promise<EnrollmentError | undefined> {
  try {
    await cache.remove(signal);
    return undefined;
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asEnrollmentError(thrown);
    return isReplaced(error) ? undefined : error;
  }
}
