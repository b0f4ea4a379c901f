import type { EnrollmentError } from '../errors/enrollment-error.ts';
import { notRevoked } from './not-revoked.ts';
import type { Clock, Logger, SignInClient, TokenCache } from './ports.ts';
import { RememberedSignIn } from './remembered-sign-in.ts';
import { revoke } from './revoke.ts';

/** What became of a remembered sign-in. */
export type ForgottenSignIn =
  | { readonly state: 'nothing' }
  | { readonly state: 'revoked'; readonly account: string }
  | { readonly state: 'not-revoked'; readonly account: string; readonly error: EnrollmentError };

/**
 * Revokes and forgets what is remembered, without a station that uses it. It is revoked first: one that is cut off in
 * between finds it again. What cannot be revoked is forgotten all the same, and told.
 * @throws STATION_KEYCHAIN_UNAVAILABLE, STATION_KEYCHAIN_LOCKED when nobody can look, or what was found stays there;
 *   the signal's reason
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
    const problem = tokens === undefined ? undefined : await revoke(ports, tokens, signal);
    signal.throwIfAborted();
    // Also where nothing was found: what is damaged, or of another version, is not read and does not stay either.
    await cache.remove(signal);
    if (tokens === undefined) return { state: 'nothing' };
    const { account } = tokens;
    if (problem === undefined) return { state: 'revoked', account };
    return { state: 'not-revoked', account, error: notRevoked(tokens, problem, clock.nowMs()) };
  }, signal);
}
