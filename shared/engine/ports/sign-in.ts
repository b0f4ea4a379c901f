import type { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Secret } from '../../model/secret.ts';

/** When a token ends that does not tell; later than any date there is. */
export const UNKNOWN_END = Number.MAX_SAFE_INTEGER;

/** Tokens of one sign-in. */
export interface TokenSet {
  readonly accessToken: Secret;
  readonly refreshToken: Secret | undefined;
  /** {@link UNKNOWN_END} where nobody but the provider knows it. */
  readonly expiresAt: number;
  readonly subject: string;
  /** Name shown to the operator. */
  readonly account: string;
  readonly organisation: string | undefined;
  /** When it was handed out, by the station's clock. A clock that is before this now was set back since. */
  readonly receivedAt?: number;
  /**
   * An access token that a person has handed in. The station did not have it issued, so it neither renews nor revokes it.
   * `kept`: it is remembered, because somebody asked for that; `for-now`: it is in memory only.
   */
  readonly handedIn?: 'for-now' | 'kept';
}

/** Asks the provider about an access token that a person hands in. */
export interface TokenCheck {
  /**
   * Whose token it is, and whether it may enroll. Changes nothing.
   * @throws IDENTITY_TOKEN_UNUSABLE before it is sent anywhere, IDENTITY_TOKEN_REFUSED, _AUDIENCE_INVALID, _ROLE_MISSING,
   * _ORGANISATION_UNKNOWN, _PROJECT_NOT_VISIBLE, and what a provider that does not answer leads to
   */
  check(token: Secret, signal: AbortSignal): Promise<TokenSet>;
}

export interface DeviceCodePrompt {
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  readonly expiresAt: number;
  readonly intervalSeconds: number;
}

/** RFC 8628 sign-in and token upkeep. */
export interface SignInClient {
  /**
   * Signs in by device code: hands the prompt to `onPrompt`, then waits for the approval.
   * @throws IDENTITY_CLIENT_UNKNOWN, _CLIENT_NOT_ALLOWED, _SIGN_IN_DENIED, _CODE_EXPIRED, _UNREACHABLE, _ISSUER_MISMATCH,
   * _CLOCK_SKEW before there is a code
   */
  signIn(onPrompt: (prompt: DeviceCodePrompt) => void, signal: AbortSignal): Promise<TokenSet>;
  /**
   * @throws IDENTITY_SESSION_ENDED when the provider refuses or there is no refresh token, IDENTITY_UNREACHABLE when it
   * does not answer, IDENTITY_TOKEN_REFUSED for a token that was handed in and cannot be renewed. Where the refresh token is
   * known to be unused, the error says `noEffect`; in every other case it may have been rotated, and the new one lost:
   * then it is refused the next time.
   */
  refresh(tokens: TokenSet, signal: AbortSignal): Promise<TokenSet>;
  /**
   * Revokes refresh and access token.
   * @throws IDENTITY_CALL_FAILED where the provider names no place for it, and what `refresh` throws
   */
  revoke(tokens: TokenSet, signal: AbortSignal): Promise<void>;
  /** IDENTITY_CLOCK_SKEW while the provider's newest answer tells that this computer's clock is wrong. */
  clockProblem?(): EnrollmentError | undefined;
}

/** Remembered sign-ins, keyed by issuer and client id. */
export interface TokenCache {
  /** Name of the place, for the operator: `System keychain`. */
  readonly place: string;
  /** How a person takes away what is remembered here, without Muster; one or two sentences. */
  readonly deletedByHand: string;
  /** Why no other station looks into this place, as a sentence; undefined where all stations of this account do. */
  readonly notShared: string | undefined;
  /** @throws STATION_KEYCHAIN_UNAVAILABLE, STATION_KEYCHAIN_LOCKED, STATION_TOKEN_FILE_FOREIGN; so do `save` and `remove` */
  load(signal: AbortSignal): Promise<TokenSet | undefined>;
  save(tokens: TokenSet, signal: AbortSignal): Promise<void>;
  remove(signal: AbortSignal): Promise<void>;
  /**
   * Runs `work` while no other station has its turn that remembers its sign-in in the same place. A refresh token can
   * be used once: whoever renews reads, renews and saves in one turn.
   * @throws STATION_KEYCHAIN_UNAVAILABLE when no turn can be had, or what `work` throws
   */
  exclusively<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * Runs `work` while no other station asks a person to sign in for the same place. A turn lasts as long as its owner
   * shows signs of life.
   * @param onWaiting called once, when another station has its turn
   * @throws STATION_KEYCHAIN_UNAVAILABLE when no turn can be had, or what `work` throws
   */
  whileSigningIn<T>(work: () => Promise<T>, onWaiting: () => void, signal: AbortSignal): Promise<T>;
}

/** Hands out a valid access token; all callers share one refresh in flight. */
export interface AccessTokenSource {
  /**
   * @param rejected a token the provider answered 401 to: refreshed once for everybody.
   * @param ends where `rejected` came in place of a rejected one itself: no refresh helps, and the sign-in ends with this
   *   error, once for everybody. A source that cannot end one goes on as if it had been left out.
   * @throws IDENTITY_NOT_SIGNED_IN, IDENTITY_SESSION_ENDED
   */
  accessToken(signal: AbortSignal, rejected?: Secret, ends?: EnrollmentError): Promise<Secret>;
}
