import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import type { Lamp, SessionView } from '../model/station-state.ts';
import { asEnrollmentError, Stopped, waitUnlessAborted, withLimit } from './limits.ts';
import type { AccessTokenSource, Clock, Logger, SignInClient, TokenCache, TokenSet } from './ports.ts';

/** A token this close to its end is renewed before it is handed out. */
const RENEW_BEFORE_END_MS = 60_000;
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
  #refreshing: Promise<TokenSet> | undefined;
  #signingIn: AbortController | undefined;
  #isShownSignedIn = false;
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
    if (remembered === undefined) return;
    this.#tokens = remembered;
    try {
      await this.accessToken(signal);
    } catch (thrown) {
      const error = asEnrollmentError(thrown);
      // A provider that does not answer now may answer later: the sign-in is kept.
      if (error.code === 'IDENTITY_SESSION_ENDED') await this.#forget(error);
      else this.#showSignedOut(error);
      return;
    }
    if (!this.#isShownSignedIn) this.#beginSignedIn();
  }

  /** Begins a device-code sign-in; a call while one is under way, or while signed in, changes nothing. */
  async signIn(): Promise<void> {
    if (this.#signingIn || this.#isShownSignedIn) return;
    const controller = new AbortController();
    this.#signingIn = controller;
    let approved = false;
    this.#handlers.onSession({ state: 'starting' });
    try {
      const tokens = await this.#client.signIn((prompt) => {
        const requestedAt = this.#clock.nowMs();
        const view: SessionView = { state: 'awaiting-approval', ...prompt, requestedAt };
        this.#handlers.onSession(view);
        void this.#handlers.openBrowser(prompt.verificationUriComplete).then((browserOpened) => {
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
      if (controller.signal.aborted) this.#handlers.onSession({ state: 'signed-out' });
      else this.#showSignedOut(asEnrollmentError(thrown));
    }
  }

  /** Ends a sign-in under way. */
  cancel(): void {
    this.#signingIn?.abort(new Stopped('sign-in cancelled'));
  }

  /** Revokes and forgets the sign-in. What cannot be revoked is forgotten all the same, and logged. */
  async signOut(signal: AbortSignal): Promise<void> {
    const tokens = this.#tokens;
    await this.#forget(undefined);
    if (tokens !== undefined) await this.#revoke(tokens, signal);
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
    if (!isRejected && tokens.expiresAt - this.#clock.nowMs() > RENEW_BEFORE_END_MS)
      return tokens.accessToken;
    const refreshed = await waitUnlessAborted(this.#refreshOnce(tokens), signal);
    return refreshed.accessToken;
  }

  get isSignedIn(): boolean {
    return this.#tokens !== undefined;
  }

  /** One refresh for all callers. It does not end with the caller that happened to begin it. */
  #refreshOnce(tokens: TokenSet): Promise<TokenSet> {
    this.#refreshing ??= this.#refresh(tokens).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(tokens: TokenSet): Promise<TokenSet> {
    if (tokens.refreshToken === undefined) {
      const error = new EnrollmentError('IDENTITY_SESSION_ENDED', {
        evidence: 'The provider gave no refresh token.',
      });
      await this.#forget(error);
      throw error;
    }
    const never = new AbortController().signal;
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } });
    try {
      const renewed = await withLimit(
        { clock: this.#clock, limitMs: REFRESH_LIMIT_MS, signal: never, onLimit },
        (limited) => this.#client.refresh(tokens, limited),
      );
      if (this.#tokens !== tokens) {
        // Signed out, or signed in anew, meanwhile: what came back belongs to nobody.
        await this.#revoke(renewed, never);
        throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
      }
      await this.#take(renewed, never);
      if (this.#isShownSignedIn) this.#showSignedIn();
      else this.#beginSignedIn();
      return renewed;
    } catch (thrown) {
      const error = asEnrollmentError(thrown);
      if (error.code === 'IDENTITY_SESSION_ENDED' && this.#tokens === tokens) await this.#forget(error);
      throw error;
    }
  }

  /** The new refresh token is stored before anybody uses the new access token: the old one is worth nothing now. */
  async #take(tokens: TokenSet, signal: AbortSignal): Promise<void> {
    this.#tokens = tokens;
    await this.#withKeychain(signal, (limited) => this.#cache.save(tokens, limited));
  }

  async #forget(error: EnrollmentError | undefined): Promise<void> {
    this.#tokens = undefined;
    await this.#withKeychain(new AbortController().signal, (limited) => this.#cache.remove(limited));
    this.#showSignedOut(error);
  }

  /** A sign-in became usable: shown, and told once, also when the provider answers only long after the start. */
  #beginSignedIn(): void {
    this.#showSignedIn();
    this.#handlers.onSignedIn();
  }

  #showSignedOut(error: EnrollmentError | undefined): void {
    this.#isShownSignedIn = false;
    this.#handlers.onSession({
      state: 'signed-out',
      ...(error === undefined ? {} : { error: toErrorView(error) }),
    });
  }

  #showSignedIn(): void {
    const tokens = this.#tokens;
    if (tokens === undefined) return;
    this.#isShownSignedIn = true;
    this.#handlers.onSession({
      state: 'signed-in',
      account: tokens.account,
      ...(tokens.organisation === undefined ? {} : { organisation: tokens.organisation }),
      expiresAt: tokens.expiresAt,
      renewable: tokens.refreshToken !== undefined,
      remembered: this.#remembered.where,
      rememberedNote: this.#remembered.note,
    });
  }

  /** A keychain that fails costs the memory of the sign-in, never the sign-in itself. */
  async #withKeychain<T>(
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
