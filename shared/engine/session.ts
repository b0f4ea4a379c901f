import { describeThrown, EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import type { Lamp, SessionView } from '../model/station-state.ts';
import { asEnrollmentError, Stopped, waitUnlessAborted, withLimit } from './limits.ts';
import type { AccessTokenSource, Clock, Logger, SignInClient, TokenCache, TokenSet } from './ports.ts';

/** A token this close to its end is renewed before it is handed out; a short-lived one in its last third. */
const RENEW_BEFORE_END_MS = 60_000;
const RENEW_IN_LAST_PART = 3;
/** Between two tries to take up a remembered sign-in whose provider does not answer. */
const RESUME_AGAIN_AFTER_MS = 30_000;
const KEYCHAIN_LIMIT_MS = 10_000;
const REFRESH_LIMIT_MS = 30_000;
const REVOKE_LIMIT_MS = 10_000;

export interface SessionHandlers {
  onSession(session: SessionView): void;
  onKeychain(lamp: Lamp): void;
  openBrowser(url: string): Promise<boolean>;
  /** Called whenever a valid sign-in begins: at start from the keychain, or after the approval. */
  onSignedIn(): void;
}

/** The same person's, and not the same: somebody has renewed them. Another person's sign-in is never taken up so. */
function isRenewedFrom(found: TokenSet, tokens: TokenSet): boolean {
  return found.subject === tokens.subject && !found.accessToken.equals(tokens.accessToken);
}

/**
 * One sign-in for the whole station. Every device of every batch gets its token from here; all callers share one
 * refresh in flight, and a token the provider rejected is renewed once for everybody.
 */
export class Session implements AccessTokenSource {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #client: SignInClient;
  readonly #cache: TokenCache;
  readonly #handlers: SessionHandlers;
  #tokens: TokenSet | undefined;
  #renewBeforeEndMs = RENEW_BEFORE_END_MS;
  #refreshing: { readonly of: TokenSet; readonly renewed: Promise<TokenSet> } | undefined;
  #signingIn: AbortController | undefined;
  /** The tokens have proven to be usable, and everybody was told. */
  #isBegun = false;
  /** Why tokens that are kept could not be renewed lately. */
  #notRenewed: EnrollmentError | undefined;
  #keychainTurn: Promise<unknown> = Promise.resolve();
  #remembered: { readonly where: 'keychain' | 'memory'; readonly note: string };

  constructor(
    ports: { clock: Clock; logger: Logger; client: SignInClient; cache: TokenCache },
    handlers: SessionHandlers,
  ) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#client = ports.client;
    this.#cache = ports.cache;
    this.#handlers = handlers;
    this.#remembered = { where: 'keychain', note: ports.cache.place };
  }

  /** Takes up a remembered sign-in, renewing it silently where it has expired. Never opens a browser. */
  async resume(signal: AbortSignal): Promise<void> {
    const remembered = await this.#withKeychain(signal, (limited) => this.#cache.load(limited));
    // Somebody may have signed in while the keychain was asked: theirs is the newer sign-in.
    if (remembered === undefined || this.#tokens !== undefined) return;
    this.#hold(remembered);
    try {
      await this.accessToken(signal);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      // What became of these tokens is shown already; a newer sign-in has nothing to do with it.
      this.#logger.log('warn', 'sign-in-not-taken-up', { error: describeThrown(thrown) });
      if (this.#tokens === remembered) void this.#resumeLater(remembered, signal);
      return;
    }
    if (this.#tokens === remembered && !this.#isBegun) this.#beginSignedIn();
  }

  /** Asks again until the provider answers, or the sign-in is another one. */
  async #resumeLater(remembered: TokenSet, signal: AbortSignal): Promise<void> {
    while (this.#tokens === remembered && !signal.aborted) {
      try {
        await this.#clock.sleep(RESUME_AGAIN_AFTER_MS, signal);
        if (this.#tokens === remembered) await this.accessToken(signal);
      } catch (thrown) {
        if (!signal.aborted)
          this.#logger.log('debug', 'sign-in-not-taken-up', { error: describeThrown(thrown) });
      }
    }
  }

  /**
   * Begins a device-code sign-in. While one is under way, or while signed in with one that renews itself, a call
   * changes nothing.
   */
  async signIn(): Promise<void> {
    if (this.#signingIn || (this.#isShownSignedIn && this.#isRenewable)) return;
    const controller = new AbortController();
    this.#signingIn = controller;
    let approved = false;
    this.#handlers.onSession({ state: 'starting' });
    try {
      const tokens = await this.#client.signIn((prompt) => {
        const requestedAt = this.#clock.nowMs();
        const view: SessionView = { state: 'awaiting-approval', ...prompt, requestedAt };
        this.#handlers.onSession(view);
        void this.#openBrowser(prompt.verificationUriComplete).then((browserOpened) => {
          if (this.#signingIn === controller && !controller.signal.aborted && !approved) {
            this.#handlers.onSession({ ...view, browserOpened });
          }
        });
      }, controller.signal);
      approved = true;
      // Too late to cancel: the sign-in is there, whether or not it can still be remembered.
      await this.#take(tokens, new AbortController().signal);
      this.#signingIn = undefined;
      this.#beginSignedIn();
    } catch (thrown) {
      this.#signingIn = undefined;
      this.#show(controller.signal.aborted ? undefined : asEnrollmentError(thrown));
    }
  }

  async #openBrowser(url: string): Promise<boolean> {
    try {
      return await this.#handlers.openBrowser(url);
    } catch (thrown) {
      this.#logger.log('warn', 'browser-not-opened', { error: describeThrown(thrown) });
      return false;
    }
  }

  /** Ends a sign-in under way. */
  cancel(): void {
    this.#signingIn?.abort(new Stopped('sign-in cancelled'));
  }

  /** Revokes and forgets the sign-in. What cannot be revoked is forgotten all the same, and logged. */
  async signOut(signal: AbortSignal): Promise<void> {
    const tokens = this.#tokens;
    this.#hold(undefined);
    // In one turn: what another station renews meanwhile would outlive the sign-out.
    const remembered = await this.#inTurn(async () => {
      const found = await this.#withKeychain(signal, (limited) => this.#cache.load(limited));
      await this.#forget(undefined);
      return found;
    }, signal);
    if (tokens === undefined) return;
    await this.#revoke(tokens, signal);
    if (remembered !== undefined && isRenewedFrom(remembered, tokens)) await this.#revoke(remembered, signal);
  }

  /** Work that reads and writes what is remembered. Where no turn can be had, the sign-in is nobody else's either. */
  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let isBegun = false;
    const begin = (): Promise<T> => {
      isBegun = true;
      return work();
    };
    try {
      return await this.#cache.exclusively(begin, signal);
    } catch (thrown) {
      if (isBegun || signal.aborted) throw thrown;
      this.#logger.log('warn', 'no-turn-for-the-sign-in', { error: describeThrown(thrown) });
      return begin();
    }
  }

  async #revoke(tokens: TokenSet, signal: AbortSignal): Promise<void> {
    try {
      const onLimit = (): EnrollmentError =>
        new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } });
      await withLimit({ clock: this.#clock, limitMs: REVOKE_LIMIT_MS, signal, onLimit }, (limited) =>
        this.#client.revoke(tokens, limited),
      );
    } catch (thrown) {
      this.#logger.log('warn', 'sign-in-not-revoked', { error: String(thrown) });
    }
  }

  async accessToken(signal: AbortSignal, rejected?: Secret): Promise<Secret> {
    const tokens = this.#tokens;
    if (tokens === undefined) throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
    const isRejected = rejected !== undefined && tokens.accessToken.equals(rejected);
    if (!isRejected && this.#leftMs(tokens) > this.#renewBeforeEndMs) return tokens.accessToken;
    try {
      const refreshed = await waitUnlessAborted(this.#refreshOnce(tokens), signal);
      return refreshed.accessToken;
    } catch (thrown) {
      // Somebody signed in anew meanwhile: theirs is the token now.
      if (!signal.aborted && this.#tokens !== undefined && this.#tokens !== tokens)
        return this.accessToken(signal, rejected);
      // It was renewed early; while the provider does not answer, what is left of it is as good as before.
      const isDown = thrown instanceof EnrollmentError && thrown.code === 'IDENTITY_UNREACHABLE';
      if (isDown && !isRejected && this.#tokens === tokens && this.#leftMs(tokens) > 0)
        return tokens.accessToken;
      throw thrown;
    }
  }

  #leftMs(tokens: TokenSet): number {
    return tokens.expiresAt - this.#clock.nowMs();
  }

  get isSignedIn(): boolean {
    return this.#tokens !== undefined;
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
      const renewed = await this.#inTurn(() => this.#renew(tokens, never), never);
      if (this.#tokens === renewed) {
        if (this.#isBegun) this.#show();
        else this.#beginSignedIn();
      }
      return renewed;
    } catch (thrown) {
      const error = asEnrollmentError(thrown);
      // Only what happened to the tokens that are still in use says something about the sign-in.
      if (this.#tokens === tokens) {
        if (error.code === 'IDENTITY_SESSION_ENDED') await this.#forget(error);
        else this.#keep(error);
      }
      throw error;
    }
  }

  /** Another station may have renewed them while this one waited for its turn: then theirs are taken up. */
  async #renew(tokens: TokenSet, signal: AbortSignal): Promise<TokenSet> {
    const found = await this.#withKeychain(signal, (limited) => this.#cache.load(limited));
    const newest = found !== undefined && isRenewedFrom(found, tokens) ? found : tokens;
    if (newest !== tokens && this.#tokens === tokens && this.#leftMs(newest) > RENEW_BEFORE_END_MS) {
      this.#hold(newest);
      return newest;
    }
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } });
    const renewed = await withLimit(
      { clock: this.#clock, limitMs: REFRESH_LIMIT_MS, signal, onLimit },
      (limited) => this.#client.refresh(newest, limited),
    );
    if (this.#tokens !== tokens) {
      // Signed out, or signed in anew, meanwhile: what came back belongs to nobody.
      await this.#revoke(renewed, signal);
      throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
    }
    await this.#take(renewed, signal);
    return renewed;
  }

  /** A provider that does not answer now may answer later: the sign-in stays, and the window says what is wrong. */
  #keep(error: EnrollmentError): void {
    this.#notRenewed = error;
    this.#show();
  }

  #hold(tokens: TokenSet | undefined): void {
    this.#tokens = tokens;
    this.#notRenewed = undefined;
    if (tokens === undefined) this.#isBegun = false;
    else
      this.#renewBeforeEndMs = Math.min(
        RENEW_BEFORE_END_MS,
        Math.max(0, this.#leftMs(tokens)) / RENEW_IN_LAST_PART,
      );
  }

  /** The new refresh token is stored before anybody uses the new access token: the old one is worth nothing now. */
  async #take(tokens: TokenSet, signal: AbortSignal): Promise<void> {
    this.#hold(tokens);
    await this.#withKeychain(signal, (limited) => this.#cache.save(tokens, limited));
  }

  async #forget(error: EnrollmentError | undefined): Promise<void> {
    this.#hold(undefined);
    await this.#withKeychain(new AbortController().signal, (limited) => this.#cache.remove(limited));
    this.#show(error);
  }

  /** A sign-in became usable: shown, and told once, also when the provider answers only long after the start. */
  #beginSignedIn(): void {
    if (this.#tokens === undefined) return;
    this.#isBegun = true;
    this.#show();
    this.#handlers.onSignedIn();
  }

  /** One that cannot renew itself may be replaced before it ends; until then it stays in use. */
  get #isRenewable(): boolean {
    return this.#tokens?.refreshToken !== undefined;
  }

  /** Tokens that nobody has tried yet are not shown. */
  get #isShownSignedIn(): boolean {
    return this.#tokens !== undefined && (this.#isBegun || this.#notRenewed !== undefined);
  }

  /** Shows where the sign-in stands; `error` tells why nobody is signed in. One under way shows itself. */
  #show(error?: EnrollmentError): void {
    if (this.#signingIn !== undefined) return;
    const tokens = this.#tokens;
    if (tokens === undefined || !this.#isShownSignedIn) {
      this.#handlers.onSession({
        state: 'signed-out',
        ...(error === undefined ? {} : { error: toErrorView(error) }),
      });
      return;
    }
    this.#handlers.onSession({
      state: 'signed-in',
      account: tokens.account,
      ...(tokens.organisation === undefined ? {} : { organisation: tokens.organisation }),
      expiresAt: tokens.expiresAt,
      renewable: tokens.refreshToken !== undefined,
      remembered: this.#remembered.where,
      rememberedNote: this.#remembered.note,
      ...(this.#notRenewed === undefined ? {} : { error: toErrorView(this.#notRenewed) }),
    });
  }

  /** One call after the other: what is removed for an old sign-in must not take a new one with it. */
  #withKeychain<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const turn = this.#keychainTurn.then(() => this.#askKeychain(signal, work));
    this.#keychainTurn = Promise.allSettled([turn]);
    return turn;
  }

  /** A keychain that fails costs the memory of the sign-in, never the sign-in itself. */
  async #askKeychain<T>(
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE', { details: { problem: 'it does not answer.' } });
    try {
      const value = await withLimit(
        { clock: this.#clock, limitMs: KEYCHAIN_LIMIT_MS, signal, onLimit },
        work,
      );
      this.#remembered = { where: 'keychain', note: this.#cache.place };
      this.#handlers.onKeychain({ state: 'ok', word: 'ok', detail: this.#cache.place });
      return value;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const view = toErrorView(asEnrollmentError(thrown));
      this.#logger.log('warn', 'keychain-unavailable', { code: view.code, evidence: view.evidence });
      this.#remembered = { where: 'memory', note: view.says };
      this.#handlers.onKeychain({ state: 'attention', word: 'not available', detail: view.says });
      return undefined;
    }
  }
}
