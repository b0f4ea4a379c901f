import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { Secret } from '../model/secret.ts';
import type { AccessTokenSource, Clock } from './ports.ts';

/** How long devices of a batch wait for somebody to sign in again. */
const PATIENCE_MS = 30 * 60_000;

const isOver = new Set<EnrollmentErrorCode>(['IDENTITY_SESSION_ENDED', 'IDENTITY_NOT_SIGNED_IN']);

export interface AwaitedSignInOptions {
  readonly tokens: AccessTokenSource;
  readonly clock: Pick<Clock, 'after'>;
  /** Somebody is there to sign in, and devices depend on it. */
  mayWait(): boolean;
  /** Called once, when the first of those that wait begins to. */
  onWaiting(): void;
}

/**
 * Tokens for devices at work. A sign-in that ends in the middle of a batch fails none of them: whoever needs a token
 * waits for the next sign-in, all for the same one.
 */
export class AwaitedSignIn implements AccessTokenSource {
  readonly #options: AwaitedSignInOptions;
  readonly #waiting = new Set<() => void>();

  constructor(options: AwaitedSignInOptions) {
    this.#options = options;
  }

  /** Somebody has signed in: those that wait go on. */
  signedIn(): void {
    for (const goOn of [...this.#waiting]) goOn();
  }

  async accessToken(signal: AbortSignal, rejected?: Secret): Promise<Secret> {
    for (;;) {
      try {
        return await this.#options.tokens.accessToken(signal, rejected);
      } catch (thrown) {
        const isEnded = thrown instanceof EnrollmentError && isOver.has(thrown.code);
        if (!isEnded || signal.aborted || !this.#options.mayWait()) throw thrown;
        await this.#nextSignIn(signal, thrown);
      }
    }
  }

  /** Ends with the next sign-in; with `ended` when nobody signs in for too long. */
  #nextSignIn(signal: AbortSignal, ended: EnrollmentError): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        cancelLimit();
        this.#waiting.delete(goOn);
        signal.removeEventListener('abort', onAbort);
        outcome();
      };
      const goOn = (): void => settle(resolve);
      const onAbort = (): void => settle(() => reject(signal.reason));
      const cancelLimit = this.#options.clock.after(PATIENCE_MS, () => settle(() => reject(ended)));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(goOn);
      if (this.#waiting.size === 1) this.#options.onWaiting();
    });
  }
}
