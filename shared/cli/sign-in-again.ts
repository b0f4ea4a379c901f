import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { SessionView } from '../model/station-state.ts';

/** Between two tries to get a code from a provider that does not answer. */
const ASK_AGAIN_MS = 5_000;

/** Nobody has answered yet: another code may be. */
const askAnew = new Set<EnrollmentErrorCode | undefined>(['IDENTITY_CODE_EXPIRED']);
const askLater = new Set<EnrollmentErrorCode | undefined>(['IDENTITY_UNREACHABLE', 'IDENTITY_CALL_FAILED']);

export interface SignInAgainOptions {
  /** Begins a sign-in; does nothing while one is under way. */
  begin(): void;
  /** Ends one that is under way. */
  cancel(): void;
  /** What waits fails with what ended the sign-in. */
  giveUp(): void;
}

/**
 * Asks for a new sign-in as long as something waits for one: once for all that does, again when the code has ended, and
 * no more once somebody has refused. How long is waited at all is not said here.
 */
export class SignInAgain {
  readonly #options: SignInAgainOptions;
  /** The sign-in that is under way, or that has just ended, was begun here. */
  #isAsking = false;
  #isPlanned = false;
  #isClosed = false;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SignInAgainOptions) {
    this.#options = options;
  }

  /** Takes how it stands after every change: of the sign-in, and of whether anything waits for one. */
  take(session: SessionView, isAwaited: boolean): void {
    if (this.#isClosed || this.#isPlanned || this.#later !== undefined) return;
    const isUnderWay = !['signed-in', 'signed-out'].includes(session.state);
    if (session.state === 'signed-in') this.#isAsking = false;
    else if (isUnderWay && this.#isAsking && !isAwaited) this.#soon(() => this.#options.cancel());
    else if (session.state === 'signed-out' && isAwaited) this.#ask(session.error?.code);
  }

  #ask(why: EnrollmentErrorCode | undefined): void {
    const begin = (): void => {
      this.#isAsking = true;
      this.#options.begin();
    };
    if (!this.#isAsking || askAnew.has(why)) this.#soon(begin);
    else if (askLater.has(why)) {
      this.#later = setTimeout(() => {
        this.#later = undefined;
        if (!this.#isClosed) begin();
      }, ASK_AGAIN_MS);
    } else this.#soon(() => this.#options.giveUp());
  }

  /** Whoever told the change is done with it first. */
  #soon(act: () => void): void {
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      if (!this.#isClosed) act();
    });
  }

  /** Asks no more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#later);
  }
}
