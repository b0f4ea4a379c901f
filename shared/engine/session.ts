import { describeThrown, EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import type { Lamp, SessionView } from '../model/station-state.ts';
import { endSignIn } from './end-sign-in.ts';
import { asEnrollmentError } from './limits.ts';
import {
  type AccessTokenSource,
  type Clock,
  type DeviceCodePrompt,
  type Logger,
  type Random,
  type SignInClient,
  type TokenCache,
  type TokenSet,
  UNKNOWN_END,
} from './ports.ts';
import { type RememberedPlace, RememberedSignIn } from './remembered-sign-in.ts';
import { SharedLogin } from './shared-login.ts';
import { TokenSignIn } from './token-sign-in.ts';
import { TokenUpkeep } from './token-upkeep.ts';

/** Between two tries to take up a remembered sign-in whose provider does not answer. */
const RESUME_AGAIN_AFTER_MS = 30_000;

const notAskedFor: RememberedPlace = {
  where: 'memory',
  note: 'The access token was pasted without asking to remember it.',
};

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
  readonly #remembered: RememberedSignIn;
  readonly #handlers: SessionHandlers;
  readonly #upkeep: TokenUpkeep;
  readonly #tokenSignIn: TokenSignIn;
  #login: SharedLogin | undefined;
  /** The tokens have proven to be usable, and everybody was told. */
  #isBegun = false;

  constructor(
    ports: {
      clock: Clock;
      random: Pick<Random, 'fraction'>;
      logger: Logger;
      client: SignInClient;
      cache: TokenCache;
    },
    handlers: SessionHandlers,
  ) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#client = ports.client;
    this.#cache = ports.cache;
    this.#remembered = new RememberedSignIn(ports, (lamp) => handlers.onKeychain(lamp));
    this.#handlers = handlers;
    this.#tokenSignIn = new TokenSignIn(ports.clock);
    this.#upkeep = new TokenUpkeep(
      { ...ports, remembered: this.#remembered },
      {
        onRenewed: () => (this.#isBegun ? this.#show() : this.#beginSignedIn()),
        onNotRenewed: () => this.#show(),
        onEnded: (error) => {
          this.#isBegun = false;
          this.#show(error);
        },
      },
    );
  }

  get #tokens(): TokenSet | undefined {
    return this.#upkeep.tokens;
  }

  /** Takes up a remembered sign-in, renewing it silently where it has expired. Never opens a browser. */
  async resume(signal: AbortSignal): Promise<void> {
    const remembered = await this.#remembered.load(signal);
    // Somebody may have signed in while the keychain was asked: theirs is the newer sign-in.
    if (this.#tokens !== undefined) return;
    if (remembered === undefined) {
      if (this.#remembered.locked !== undefined) this.#show(this.#remembered.locked);
      return;
    }
    this.#upkeep.hold(remembered);
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
   * Begins a sign-in: with what another station of this computer has remembered meanwhile, else by device code. While
   * one is under way, or while signed in with one that renews itself, a call changes nothing.
   */
  async signIn(): Promise<void> {
    if (this.#isTaken) return;
    this.#tokenSignIn.cancel();
    const wasBegun = this.#isBegun;
    const login: SharedLogin = new SharedLogin(
      { clock: this.#clock, client: this.#client, remembered: this.#remembered },
      {
        onOther: () => this.#handlers.onSession({ state: 'other-signs-in', since: this.#clock.nowMs() }),
        onAsking: () => this.#handlers.onSession({ state: 'starting' }),
        onPrompt: (prompt) => this.#showPrompt(login, prompt),
        takeUp: (found) => this.#upkeep.takeUp(found),
        onTokens: async (tokens) => {
          const never = new AbortController().signal;
          await this.#remembered.inTurn(() => this.#upkeep.take(tokens, never), never);
        },
      },
    );
    this.#login = login;
    this.#handlers.onSession({ state: 'starting' });
    try {
      await login.run();
      this.#login = undefined;
      this.#beginSignedIn();
    } catch (thrown) {
      this.#login = undefined;
      // What was looked at on the way may have ended; the sign-in that was in use has not.
      this.#isBegun ||= wasBegun && this.#tokens !== undefined;
      this.#show(login.isCancelled ? undefined : asEnrollmentError(thrown));
    }
  }

  /**
   * Signs in with an access token that a person has handed in. What is wrong with it leaves everything as it was.
   * @param check asks the provider about it
   * @throws STATION_REQUEST_INVALID while a sign-in is under way, or in use that renews itself; what {@link TokenSignIn.run}
   *   throws
   */
  async signInWithToken(check: (signal: AbortSignal) => Promise<TokenSet>, remember: boolean): Promise<void> {
    this.#requireFree();
    await this.#tokenSignIn.run(check, remember, async (tokens, signal) => {
      // Given up while it waits for its turn; once the token is in use it is taken to the end.
      const never = new AbortController().signal;
      await this.#remembered.inTurn(async () => {
        signal.throwIfAborted();
        this.#requireFree();
        await this.#upkeep.take(tokens, never);
      }, signal);
    });
    this.#beginSignedIn();
  }

  #requireFree(): void {
    const details = { problem: 'somebody is signing in, or signed in already' };
    if (this.#isTaken) throw new EnrollmentError('STATION_REQUEST_INVALID', { details });
  }

  /** Shows a code here, although another station of this computer is signing in. */
  signInHere(): void {
    this.#login?.goOnHere();
  }

  /** Ends a sign-in under way. */
  cancel(): void {
    this.#tokenSignIn.cancel();
    this.#login?.cancel();
  }

  #showPrompt(login: SharedLogin, prompt: DeviceCodePrompt): void {
    const { notShared } = this.#remembered;
    const view: SessionView = {
      state: 'awaiting-approval',
      ...prompt,
      requestedAt: this.#clock.nowMs(),
      ...(notShared === undefined ? {} : { notShared }),
    };
    this.#handlers.onSession(view);
    void this.#openBrowser(prompt.verificationUriComplete).then((browserOpened) => {
      if (this.#login === login && login.isAsking) this.#handlers.onSession({ ...view, browserOpened });
    });
  }

  async #openBrowser(url: string): Promise<boolean> {
    try {
      return await this.#handlers.openBrowser(url);
    } catch (thrown) {
      this.#logger.log('warn', 'browser-not-opened', { error: describeThrown(thrown) });
      return false;
    }
  }

  /**
   * Revokes and forgets the sign-in. What cannot be revoked is forgotten all the same and the other way round, and both
   * are told.
   * @returns STATION_SIGN_IN_NOT_FORGOTTEN when it is still kept here, IDENTITY_NOT_REVOKED when the provider may still
   *   accept it
   */
  async signOut(signal: AbortSignal): Promise<readonly EnrollmentError[]> {
    const tokens = this.#tokens;
    this.#upkeep.hold(undefined);
    this.#isBegun = false;
    const left = await endSignIn(
      { clock: this.#clock, cache: this.#cache, remembered: this.#remembered, upkeep: this.#upkeep },
      tokens,
      () => this.#show(),
      signal,
    );
    const error = left.at(-1);
    if (error !== undefined && this.#tokens === undefined) this.#show(error);
    return left;
  }

  accessToken(signal: AbortSignal, rejected?: Secret, ends?: EnrollmentError): Promise<Secret> {
    return this.#upkeep.accessToken(signal, rejected, ends);
  }

  get isSignedIn(): boolean {
    return this.#tokens !== undefined;
  }

  /** A sign-in became usable: shown, and told once, also when the provider answers only long after the start. */
  #beginSignedIn(): void {
    if (this.#tokens === undefined) return;
    this.#isBegun = true;
    this.#show();
    this.#handlers.onSignedIn();
  }

  /** The account of a token in use that a person has handed in. */
  get handedInAccount(): string | undefined {
    const tokens = this.#tokens;
    return tokens?.handedIn === undefined ? undefined : tokens.account;
  }

  /** A sign-in is under way, or in use and not to be replaced. */
  get #isTaken(): boolean {
    return this.#login !== undefined || (this.#isShownSignedIn && this.#isRenewable);
  }

  /** One that cannot renew itself may be replaced before it ends; until then it stays in use. */
  get #isRenewable(): boolean {
    return this.#tokens?.refreshToken !== undefined;
  }

  /** Tokens that nobody has tried yet are not shown. */
  get #isShownSignedIn(): boolean {
    return this.#tokens !== undefined && (this.#isBegun || this.#upkeep.problem !== undefined);
  }

  /** Shows where the sign-in stands; `error` tells why nobody is signed in. One under way shows itself. */
  #show(error?: EnrollmentError): void {
    if (this.#login !== undefined) return;
    const tokens = this.#tokens;
    if (tokens === undefined || !this.#isShownSignedIn) {
      this.#handlers.onSession({
        state: 'signed-out',
        ...(error === undefined ? {} : { error: toErrorView(error) }),
      });
      return;
    }
    const isForNow = tokens.handedIn === 'for-now';
    const place = isForNow ? notAskedFor : this.#remembered.place;
    const problem = this.#upkeep.problem ?? this.#client.clockProblem?.();
    this.#handlers.onSession({
      state: 'signed-in',
      account: tokens.account,
      ...(tokens.organisation === undefined ? {} : { organisation: tokens.organisation }),
      ...(tokens.expiresAt === UNKNOWN_END ? {} : { expiresAt: tokens.expiresAt }),
      ...(tokens.handedIn === undefined ? {} : { handedIn: true }),
      renewable: tokens.refreshToken !== undefined,
      remembered: place.where,
      rememberedNote: place.note,
      ...(problem === undefined ? {} : { error: toErrorView(problem) }),
    });
  }
}
