import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import { HeldTokens } from './held-tokens.ts';
import { asEnrollmentError, waitUnlessAborted, withLimit } from './limits.ts';
import type { AccessTokenSource, Clock, Logger, SignInClient, TokenSet } from './ports.ts';
import type { RememberedSignIn } from './remembered-sign-in.ts';
import { revoke } from './revoke.ts';

const REFRESH_LIMIT_MS = 30_000;

export interface UpkeepHandlers {
  /** The tokens in use are new ones. */
  onRenewed(): void;
  /** They could not be renewed now; they stay, and so does {@link TokenUpkeep.problem}. */
  onNotRenewed(): void;
  /** The provider has ended the sign-in: there are no tokens any more. */
  onEnded(error: EnrollmentError): void;
}

/** The same person's, and not the same: somebody has renewed them. Another person's sign-in is never taken up so. */
export function isRenewedFrom(found: TokenSet, tokens: TokenSet): boolean {
  return found.subject === tokens.subject && !found.accessToken.equals(tokens.accessToken);
}

/** Tokens in use: handed out while they live, renewed once for all callers and for all stations that share them. */
export class TokenUpkeep implements AccessTokenSource {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #client: SignInClient;
  readonly #remembered: RememberedSignIn;
  readonly #handlers: UpkeepHandlers;
  #held: HeldTokens | undefined;
  #refreshing: { readonly of: TokenSet; readonly renewed: Promise<TokenSet> } | undefined;
  #problem: EnrollmentError | undefined;

  constructor(
    ports: {
      readonly clock: Clock;
      readonly logger: Logger;
      readonly client: SignInClient;
      readonly remembered: RememberedSignIn;
    },
    handlers: UpkeepHandlers,
  ) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#client = ports.client;
    this.#remembered = ports.remembered;
    this.#handlers = handlers;
  }

  get tokens(): TokenSet | undefined {
    return this.#held?.tokens;
  }

  /** Why tokens that are kept could not be renewed lately. */
  get problem(): EnrollmentError | undefined {
    return this.#problem;
  }

  hold(tokens: TokenSet | undefined): void {
    this.#held = tokens === undefined ? undefined : new HeldTokens(tokens, this.#clock);
    this.#problem = undefined;
  }

  /** The new refresh token is stored before anybody uses the new access token: the old one is worth nothing now. */
  async take(tokens: TokenSet, signal: AbortSignal): Promise<void> {
    this.hold(tokens);
    await this.#remembered.save(tokens, signal);
  }

  /**
   * Goes on with tokens that another station has remembered. What this station had before comes back if they have
   * ended.
   * @returns false when they are of no use, or no news
   */
  async takeUp(found: TokenSet): Promise<boolean> {
    const before = this.#held;
    if (before?.tokens.accessToken.equals(found.accessToken)) return false;
    this.hold(found);
    try {
      await this.accessToken(new AbortController().signal);
      return true;
    } catch (thrown) {
      if (!hasEnded(thrown)) throw thrown;
      this.#held ??= before;
      return false;
    }
  }

  async accessToken(signal: AbortSignal, rejected?: Secret): Promise<Secret> {
    const held = this.#held;
    if (held === undefined) throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
    const { tokens } = held;
    const isRejected = rejected !== undefined && tokens.accessToken.equals(rejected);
    if (!isRejected && !held.isDue) return tokens.accessToken;
    try {
      const refreshed = await waitUnlessAborted(this.#refreshOnce(tokens), signal);
      return refreshed.accessToken;
    } catch (thrown) {
      // Somebody signed in anew meanwhile: theirs is the token now.
      if (!signal.aborted && this.tokens !== undefined && this.tokens !== tokens)
        return this.accessToken(signal, rejected);
      // It was renewed early; while the provider does not answer, what is left of it is as good as before.
      const isDown = thrown instanceof EnrollmentError && thrown.code === 'IDENTITY_UNREACHABLE';
      if (isDown && !isRejected && this.tokens === tokens && held.isAlive) return tokens.accessToken;
      throw thrown;
    }
  }

  /** One refresh for all callers of these tokens. It does not end with the caller that happened to begin it. */
  #refreshOnce(tokens: TokenSet): Promise<TokenSet> {
    if (this.#refreshing?.of === tokens) return this.#refreshing.renewed;
    const renewed = this.#refresh(tokens).finally(() => {
      if (this.#refreshing?.of === tokens) this.#refreshing = undefined;
    });
    this.#refreshing = { of: tokens, renewed };
    return renewed;
  }

  async #refresh(tokens: TokenSet): Promise<TokenSet> {
    const never = new AbortController().signal;
    try {
      const renewed = await this.#remembered.inTurn(() => this.#renew(tokens, never), never);
      if (this.tokens === renewed) this.#handlers.onRenewed();
      return renewed;
    } catch (thrown) {
      const error = asEnrollmentError(thrown);
      // Only what happened to the tokens that are still in use says something about the sign-in.
      if (this.tokens === tokens && !hasEnded(error)) {
        this.#problem = error;
        this.#handlers.onNotRenewed();
      }
      throw error;
    }
  }

  /** Another station may have renewed them while this one waited for its turn: then theirs are taken up. */
  async #renew(tokens: TokenSet, signal: AbortSignal): Promise<TokenSet> {
    const found = await this.#remembered.load(signal);
    const newest = found !== undefined && isRenewedFrom(found, tokens) ? found : tokens;
    if (newest !== tokens && this.tokens === tokens && new HeldTokens(newest, this.#clock).isFresh) {
      this.hold(newest);
      return newest;
    }
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } });
    let renewed: TokenSet;
    try {
      renewed = await withLimit(
        { clock: this.#clock, limitMs: REFRESH_LIMIT_MS, signal, onLimit },
        (limited) => this.#client.refresh(newest, limited),
      );
    } catch (thrown) {
      if (hasEnded(thrown) && this.tokens === tokens) {
        this.hold(undefined);
        // In the same turn, and only what has ended: somebody else may have signed in meanwhile.
        const isOthers = found !== undefined && !found.accessToken.equals(newest.accessToken);
        if (!isOthers) await this.#remembered.remove();
        this.#handlers.onEnded(thrown);
      }
      throw thrown;
    }
    if (this.tokens !== tokens) {
      // Signed out, or signed in anew, meanwhile: what came back belongs to nobody.
      await this.revoke(renewed, signal);
      throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
    }
    await this.take(renewed, signal);
    return renewed;
  }

  /** @returns why it was not revoked */
  revoke(tokens: TokenSet, signal: AbortSignal): Promise<EnrollmentError | undefined> {
    return revoke({ clock: this.#clock, logger: this.#logger, client: this.#client }, tokens, signal);
  }
}

/** The provider refuses to go on with the sign-in. */
function hasEnded(thrown: unknown): thrown is EnrollmentError {
  return thrown instanceof EnrollmentError && thrown.code === 'IDENTITY_SESSION_ENDED';
}
