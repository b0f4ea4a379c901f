import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { Secret } from '../model/secret.ts';
import type { AccessTokenSource, Clock } from './ports.ts';

/** How long devices of a batch wait for somebody to sign in again. */
export const SIGN_IN_PATIENCE_MS = 30 * 60_000;

const isOver = new Set<EnrollmentErrorCode>(['IDENTITY_SESSION_ENDED', 'IDENTITY_NOT_SIGNED_IN']);

export interface AwaitedSignInOptions {
  readonly tokens: AccessTokenSource;
  readonly clock: Pick<Clock, 'after'>;
  /** From the first that waits, for all of them; {@link SIGN_IN_PATIENCE_MS} when left out. */
  readonly patienceMs?: number | undefined;
  /** Somebody is there to sign in, and devices depend on it. */
  mayWait(): boolean;
  /** A sign-in is awaited from now on, told once for all who wait, or is not any more. */
  onAwaited(isAwaited: boolean): void;
}

interface Waiting {
  goOn(): void;
  fail(): void;
}

/**
 * Tokens for devices at work. A sign-in that ends in the middle of a batch fails none of them: whoever needs a token
 * waits for the next sign-in, all for the same one and all until the same end. After that, nobody waits until somebody
 * has signed in: the devices that follow would each take the same time to fail.
 */
export class AwaitedSignIn implements AccessTokenSource {
  readonly #options: AwaitedSignInOptions;
  readonly #waiting = new Set<Waiting>();
  #cancelLimit: (() => void) | undefined;
  #hasGivenUp = false;

  constructor(options: AwaitedSignInOptions) {
    this.#options = options;
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Somebody has signed in: those that wait go on. */
  signedIn(): void {
    this.#hasGivenUp = false;
    for (const one of [...this.#waiting]) one.goOn();
  }

  /** Nobody will sign in: those that wait fail with what ended their sign-in, and so do those that follow. */
  giveUp(): void {
    this.#hasGivenUp = true;
    for (const one of [...this.#waiting]) one.fail();
  }

  async accessToken(signal: AbortSignal, rejected?: Secret, ends?: EnrollmentError): Promise<Secret> {
    for (;;) {
      try {
        return await this.#options.tokens.accessToken(signal, rejected, ends);
      } catch (thrown) {
        const isEnded = thrown instanceof EnrollmentError && isOver.has(thrown.code);
        if (!isEnded || signal.aborted || this.#hasGivenUp || !this.#options.mayWait()) throw thrown;
        await this.#nextSignIn(signal, thrown);
      }
    }
  }

  /** Ends with the next sign-in; with `ended` when nobody signs in for too long. */
  #nextSignIn(signal: AbortSignal, ended: EnrollmentError): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        signal.removeEventListener('abort', onAbort);
        this.#leave(waiting);
        outcome();
      };
      const onAbort = (): void => settle(() => reject(signal.reason));
      const waiting: Waiting = { goOn: () => settle(resolve), fail: () => settle(() => reject(ended)) };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#enter(waiting);
    });
  }

  #enter(waiting: Waiting): void {
    this.#waiting.add(waiting);
    if (this.#waiting.size > 1) return;
    const { clock, patienceMs = SIGN_IN_PATIENCE_MS } = this.#options;
    this.#cancelLimit = clock.after(patienceMs, () => this.giveUp());
    this.#options.onAwaited(true);
  }

  #leave(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size > 0) return;
    this.#cancelLimit?.();
    this.#options.onAwaited(false);
  }
}
