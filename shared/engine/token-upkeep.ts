import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import { HeldTokens } from './held-tokens.ts';
import { asEnrollmentError, waitUnlessAborted } from './limits.ts';
import type { AccessTokenSource, Clock, Logger, Random, SignInClient, TokenSet } from './ports.ts';
import type { RememberedSignIn } from './remembered-sign-in.ts';
import { repeatRenewal } from './repeat-renewal.ts';
import { revoke } from './revoke.ts';

/** Of a renewal with all its tries. */
const REFRESH_LIMIT_MS = 30_000;

/** A renewal that all callers share. */
interface Renewal {
  readonly of: TokenSet;
  readonly renewed: Promise<TokenSet>;
  /** Resolves with its end, or as soon as it was put off: then it goes on, but may take long. */
  readonly decided: Promise<'ended' | 'put-off'>;
}

export interface UpkeepHandlers {
  /** The tokens in use are new ones. */
  onRenewed(): void;
  /** They could not be renewed now; they stay, and so does {@link TokenUpkeep.problem}. */
  onNotRenewed(): void;
  /** The provider has ended the sign-in: there are no tokens any more. */
  onEnded(error: EnrollmentError): void;
}

/**
 * The same person's, and not the same: somebody has renewed them. Another person's sign-in is never taken up so, and nobody
 * renews a token that was handed in.
 */
export function isRenewedFrom(found: TokenSet, tokens: TokenSet): boolean {
  if (found.handedIn !== undefined || tokens.handedIn !== undefined) return false;
  return found.subject === tokens.subject && !found.accessToken.equals(tokens.accessToken);
}

/** What is remembered is a sign-in of its own, not the one in use. */
export function isAnother(found: TokenSet, tokens: TokenSet): boolean {
  return !found.accessToken.equals(tokens.accessToken) && !isRenewedFrom(found, tokens);
}

/** Tokens in use: handed out while they live, renewed once for all callers and for all stations that share them. */
export class TokenUpkeep implements AccessTokenSource {
  readonly #clock: Clock;
  readonly #random: Pick<Random, 'fraction'>;
  readonly #logger: Logger;
  readonly #client: SignInClient;
  readonly #remembered: RememberedSignIn;
  readonly #handlers: UpkeepHandlers;
  #held: HeldTokens | undefined;
  /** Resolves once those that are held are remembered, or once that took too long; never rejects. */
  #kept: Promise<unknown> = Promise.resolve();
  /** Aborted when the tokens in use are others, or none. */
  #inUse = new AbortController();
  #refreshing: Renewal | undefined;
  #problem: EnrollmentError | undefined;

  constructor(
    ports: {
      readonly clock: Clock;
      readonly random: Pick<Random, 'fraction'>;
      readonly logger: Logger;
      readonly client: SignInClient;
      readonly remembered: RememberedSignIn;
    },
    handlers: UpkeepHandlers,
  ) {
    this.#clock = ports.clock;
    this.#random = ports.random;
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
    this.#kept = Promise.resolve();
    this.#problem = undefined;
    this.#inUse.abort(new EnrollmentError('IDENTITY_NOT_SIGNED_IN'));
    this.#inUse = new AbortController();
  }

  /**
   * The new refresh token is stored before anybody uses the new access token: the old one is worth nothing now, and a
   * station that dies in between would have lost the sign-in. A keychain that fails, or takes longer than its limit,
   * holds up nobody any longer. A token that is in use for now alone is stored nowhere.
   */
  async take(tokens: TokenSet, signal: AbortSignal): Promise<void> {
    this.hold(tokens);
    if (tokens.handedIn === 'for-now') return;
    const saving = this.#remembered.save(tokens, signal);
    this.#kept = Promise.allSettled([saving]);
    await saving;
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

  async accessToken(signal: AbortSignal, rejected?: Secret, ends?: EnrollmentError): Promise<Secret> {
    const held = this.#held;
    if (held === undefined) throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
    const { tokens } = held;
    const isRejected = rejected !== undefined && tokens.accessToken.equals(rejected);
    if (isRejected && ends !== undefined) {
      await waitUnlessAborted(this.#end(tokens, ends), signal);
      if (this.#held === undefined) throw ends;
      return this.accessToken(signal, rejected);
    }
    if (!isRejected && !held.isDue) {
      await waitUnlessAborted(this.#kept, signal);
      // Signed out, or in anew, while it was being remembered.
      return this.#held === held ? tokens.accessToken : this.accessToken(signal, rejected);
    }
    // It is renewed early; while the provider cannot do that, what is left of it is as good as before.
    const isOfUse = (): boolean => !isRejected && this.tokens === tokens && held.isAlive;
    try {
      const { renewed, decided } = this.#refreshOnce(tokens);
      if ((await waitUnlessAborted(decided, signal)) === 'put-off' && isOfUse()) return tokens.accessToken;
      return (await waitUnlessAborted(renewed, signal)).accessToken;
    } catch (thrown) {
      // Somebody signed in anew meanwhile: theirs is the token now.
      if (!signal.aborted && this.tokens !== undefined && this.tokens !== tokens)
        return this.accessToken(signal, rejected);
      const isDown = thrown instanceof EnrollmentError && thrown.code === 'IDENTITY_UNREACHABLE';
      if (isDown && isOfUse()) return tokens.accessToken;
      throw thrown;
    }
  }

  /**
   * Ends a sign-in that the provider still renews and does not accept: it is forgotten, so that nobody takes it up again, and
   * revoked. Where another station has renewed it meanwhile, theirs is tried.
   */
  async #end(tokens: TokenSet, error: EnrollmentError): Promise<void> {
    const never = new AbortController().signal;
    await this.#remembered.inTurn(async () => {
      const found = await this.#remembered.load(never);
      // One of all who were refused ends it for everybody.
      if (this.tokens !== tokens) return;
      if (found !== undefined && isRenewedFrom(found, tokens)) {
        this.hold(found);
        return;
      }
      this.hold(undefined);
      const isOthers = found !== undefined && !found.accessToken.equals(tokens.accessToken);
      if (!isOthers && tokens.handedIn !== 'for-now') await this.#remembered.remove();
      this.#handlers.onEnded(error);
      // What it leaves at the provider is told to the log alone: the operator has a sign-in to make.
      if (tokens.handedIn === undefined) void this.revoke(tokens, never);
    }, never);
  }

  /** One refresh for all callers of these tokens. It does not end with the caller that happened to begin it. */
  #refreshOnce(tokens: TokenSet): Renewal {
    if (this.#refreshing?.of === tokens) return this.#refreshing;
    let putOff = (): void => undefined;
    const firstPutOff = new Promise<'put-off'>((resolve) => {
      putOff = () => resolve('put-off');
    });
    const renewed = this.#refresh(tokens, () => putOff()).finally(() => {
      if (this.#refreshing?.of === tokens) this.#refreshing = undefined;
    });
    const ended = renewed.then(
      () => 'ended' as const,
      () => 'ended' as const,
    );
    this.#refreshing = { of: tokens, renewed, decided: Promise.race([firstPutOff, ended]) };
    return this.#refreshing;
  }

  async #refresh(tokens: TokenSet, onPutOff: () => void): Promise<TokenSet> {
    const never = new AbortController().signal;
    const unwanted = this.#inUse.signal;
    const refresh = (newest: TokenSet): Promise<TokenSet> =>
      repeatRenewal(
        {
          ...{ clock: this.#clock, random: this.#random, limitMs: REFRESH_LIMIT_MS, signal: never, unwanted },
          onLimit: () =>
            new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } }),
          onPutOff: (error, waitMs) => {
            this.#logger.log('info', 'sign-in-renewal-put-off', { code: error.code, waitMs });
            this.#showNotRenewed(tokens, error);
            onPutOff();
          },
        },
        (limited) => this.#client.refresh(newest, limited),
      );
    try {
      const renewed = await this.#remembered.inTurn(() => this.#renew(tokens, refresh, never), never);
      if (this.tokens === renewed) this.#handlers.onRenewed();
      return renewed;
    } catch (thrown) {
      const error = asEnrollmentError(thrown);
      if (!hasEnded(error)) this.#showNotRenewed(tokens, error);
      throw error;
    }
  }

  /** Only what happened to the tokens that are still in use says something about the sign-in. */
  #showNotRenewed(tokens: TokenSet, error: EnrollmentError): void {
    if (this.tokens !== tokens) return;
    this.#problem = error;
    this.#handlers.onNotRenewed();
  }

  /** Another station may have renewed them while this one waited for its turn: then theirs are taken up. */
  async #renew(
    tokens: TokenSet,
    refresh: (newest: TokenSet) => Promise<TokenSet>,
    signal: AbortSignal,
  ): Promise<TokenSet> {
    const found = await this.#remembered.load(signal);
    const newest = found !== undefined && isRenewedFrom(found, tokens) ? found : tokens;
    if (newest !== tokens && this.tokens === tokens && new HeldTokens(newest, this.#clock).isFresh) {
      this.hold(newest);
      return newest;
    }
    let renewed: TokenSet;
    try {
      renewed = await refresh(newest);
    } catch (thrown) {
      if (hasEnded(thrown) && this.tokens === tokens) {
        this.hold(undefined);
        // In the same turn, and only what has ended: somebody else may have signed in meanwhile.
        const isOthers = found !== undefined && !found.accessToken.equals(newest.accessToken);
        if (!isOthers && newest.handedIn !== 'for-now') await this.#remembered.remove();
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
