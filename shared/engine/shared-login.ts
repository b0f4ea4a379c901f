import { Stopped, waitAtMost } from './limits.ts';
import type { Clock, DeviceCodePrompt, SignInClient, TokenSet } from './ports.ts';
import type { RememberedSignIn } from './remembered-sign-in.ts';

/** Nobody waits longer for a code because a keychain is slow. */
const LOOK_LIMIT_MS = 2_000;

export interface LoginHandlers {
  /** Another station of this computer has the turn: its sign-in is waited for. */
  onOther(): void;
  /** The other one has ended without a sign-in, or is not waited for any longer. */
  onAsking(): void;
  onPrompt(prompt: DeviceCodePrompt): void;
  /**
   * A sign-in that another station has made. False when it is of no use: then a person is asked.
   * Not called for what this station had itself.
   */
  takeUp(found: TokenSet): Promise<boolean>;
  /** A person has approved. Ends when the sign-in is remembered, so that whoever waits finds it. */
  onTokens(tokens: TokenSet): Promise<void>;
}

/**
 * One login of this station. Stations that share a memory ask a person one at a time: who waited finds the sign-in of
 * the other in it and asks nobody. When the other gives up or dies, the next one asks.
 */
export class SharedLogin {
  readonly #clock: Clock;
  readonly #client: SignInClient;
  readonly #remembered: RememberedSignIn;
  readonly #handlers: LoginHandlers;
  readonly #here = new AbortController();
  readonly #cancelled = new AbortController();
  #hasWaited = false;
  #isApproved = false;

  constructor(
    ports: { readonly clock: Clock; readonly client: SignInClient; readonly remembered: RememberedSignIn },
    handlers: LoginHandlers,
  ) {
    this.#clock = ports.clock;
    this.#client = ports.client;
    this.#remembered = ports.remembered;
    this.#handlers = handlers;
  }

  /** A person is still asked. */
  get isAsking(): boolean {
    return !this.isCancelled && !this.#isApproved;
  }

  get isCancelled(): boolean {
    return this.#cancelled.signal.aborted;
  }

  cancel(): void {
    this.#cancelled.abort(new Stopped('sign-in cancelled'));
  }

  /** Does not wait for another station any longer. */
  goOnHere(): void {
    this.#here.abort(new Stopped('signs in here'));
  }

  /** @throws what the client throws, or {@link Stopped} once it was cancelled */
  async run(): Promise<void> {
    const signal = this.#cancelled.signal;
    // A memory that cannot be read is shared with nobody: waiting for another one's sign-in would be in vain.
    const looking = this.#remembered.load(signal);
    const hasLooked = await waitAtMost({ clock: this.#clock, limitMs: LOOK_LIMIT_MS, signal }, looking);
    if (!hasLooked || this.#remembered.notShared !== undefined) return this.#ask(signal);
    let isMine = false;
    try {
      await this.#remembered.whileSigningIn(
        async () => {
          isMine = true;
          if (!(await this.#takeUp(signal))) await this.#ask(signal);
        },
        () => {
          this.#hasWaited = true;
          this.#handlers.onOther();
        },
        AbortSignal.any([signal, this.#here.signal]),
      );
    } catch (thrown) {
      if (isMine || signal.aborted || !this.#here.signal.aborted) throw thrown;
      await this.#ask(signal);
    }
  }

  async #takeUp(signal: AbortSignal): Promise<boolean> {
    const found = await this.#remembered.load(signal);
    return found !== undefined && (await this.#handlers.takeUp(found));
  }

  async #ask(signal: AbortSignal): Promise<void> {
    if (this.#hasWaited) this.#handlers.onAsking();
    const tokens = await this.#client.signIn((prompt) => this.#handlers.onPrompt(prompt), signal);
    // Too late to cancel: the sign-in is there, whether or not it can still be remembered.
    this.#isApproved = true;
    await this.#handlers.onTokens(tokens);
  }
}
