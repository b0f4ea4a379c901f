import type { EnrollmentError } from '../errors/enrollment-error.ts';
import { notForgotten, worthOf } from './not-forgotten.ts';
import { notRevoked } from './not-revoked.ts';
import type { Clock, TokenCache, TokenSet } from './ports.ts';
import type { RememberedSignIn } from './remembered-sign-in.ts';
import { isAnother, isRenewedFrom, type TokenUpkeep } from './token-upkeep.ts';

export interface EndSignInPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly cache: Pick<TokenCache, 'place' | 'deletedByHand'>;
  readonly remembered: RememberedSignIn;
  readonly upkeep: Pick<TokenUpkeep, 'revoke'>;
}

/**
 * Forgets and revokes a sign-in that the station does not use any more. What cannot be forgotten is revoked all the same,
 * and what cannot be revoked is forgotten.
 * @param tokens what was in use; undefined where nothing was
 * @param onForgotten called once it is known what has become of the memory, before the provider is asked
 * @returns STATION_SIGN_IN_NOT_FORGOTTEN, IDENTITY_NOT_REVOKED: what is left of it
 */
export async function endSignIn(
  ports: EndSignInPorts,
  tokens: TokenSet | undefined,
  onForgotten: () => void,
  signal: AbortSignal,
): Promise<readonly EnrollmentError[]> {
  const { clock, cache, remembered, upkeep } = ports;
  // In one turn: what another station renews meanwhile would outlive the sign-out.
  const { renewed, stays } = await remembered.inTurn(async () => {
    const found = await remembered.load(signal);
    // The sign-in of another person, who has signed in at another station since, is not ours to end.
    const isOther = found !== undefined && tokens !== undefined && isAnother(found, tokens);
    const left = isOther || tokens?.handedIn === 'for-now' ? undefined : await remembered.remove();
    onForgotten();
    const isRenewed = found !== undefined && (tokens === undefined || isRenewedFrom(found, tokens));
    return { renewed: isRenewed ? found : undefined, stays: left };
  }, signal);
  const newest = renewed ?? tokens;
  if (renewed !== undefined && tokens !== undefined) await upkeep.revoke(tokens, signal);
  const isOurs = newest !== undefined && newest.handedIn === undefined;
  const problem = isOurs ? await upkeep.revoke(newest, signal) : undefined;
  const left: EnrollmentError[] = [];
  if (stays !== undefined) {
    left.push(notForgotten(cache, stays, { account: newest?.account, worth: worthOf(newest, problem) }));
  }
  if (newest !== undefined && problem !== undefined) left.push(notRevoked(newest, problem, clock.nowMs()));
  return left;
}
