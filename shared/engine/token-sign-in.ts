import { EnrollmentError } from '../errors/enrollment-error.ts';
import { withLimit } from './limits.ts';
import type { Clock, TokenSet } from './ports.ts';

/** Of all questions about one token together. */
const CHECK_LIMIT_MS = 30_000;

/** Sign-ins with a token that a person hands in: the newest is asked about, and one that is given up ends at once. */
export class TokenSignIn {
  readonly #clock: Clock;
  #asking: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#asking?.abort(new EnrollmentError('IDENTITY_SIGN_IN_CANCELLED'));
  }

  /**
   * Asks about a token, and uses it once the provider has told whose it is.
   * @param check asks, within the limit
   * @param use is not called for one that was refused or given up
   * @throws what the check throws, IDENTITY_UNREACHABLE at the limit, IDENTITY_SIGN_IN_CANCELLED
   */
  async run(
    check: (signal: AbortSignal) => Promise<TokenSet>,
    remember: boolean,
    use: (tokens: TokenSet, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    this.cancel();
    const asking = new AbortController();
    const { signal } = asking;
    this.#asking = asking;
    try {
      const onLimit = (): EnrollmentError =>
        new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } });
      const checked = await withLimit(
        { clock: this.#clock, limitMs: CHECK_LIMIT_MS, signal, onLimit },
        check,
      );
      signal.throwIfAborted();
      await use({ ...checked, handedIn: remember ? 'kept' : 'for-now' }, signal);
    } finally {
      if (this.#asking === asking) this.#asking = undefined;
    }
  }
}
