import { EnrollmentError } from '../errors/enrollment-error.ts';
import { backoffMs } from './backoff.ts';
import { withLimit } from './limits.ts';
import type { Clock, Random } from './ports.ts';

/**
 * Renews a sign-in, and again while the provider gives no decision: where it said that it did nothing, and also where nobody
 * knows whether it did (a lost answer, a proxy's 502 or 504). There is never more than one request under way. Waits grow,
 * and are no shorter than the pause that was asked for; all tries and waits together stay within the limit.
 *
 * A refresh token can be used once, and a provider may take a second use for theft and end all that came from it. That costs
 * nothing here: the new refresh token was in the answer that is lost, so where the old one was used there is no sign-in left
 * to lose but the last minute of an access token. The provider refuses the second use, which ends the sign-in for everybody
 * at once, and whoever waits waits for the next one. Where it was not used, the second try is the first.
 * @throws what the last try threw, as soon as the next one would be too late; the error of the limit when it ends a
 * try under way; the reason of `signal`, or of `unwanted`, which ends a wait and no try
 */
export function repeatRenewal<T>(
  options: {
    readonly clock: Clock;
    readonly random: Pick<Random, 'fraction'>;
    readonly limitMs: number;
    readonly signal: AbortSignal;
    readonly onLimit: () => EnrollmentError;
    /** Aborted when nobody wants it done any more. */
    readonly unwanted: AbortSignal;
    onPutOff(error: EnrollmentError, waitMs: number): void;
  },
  renew: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, random, limitMs, unwanted } = options;
  const endsAt = clock.monotonicMs() + limitMs;
  return withLimit(options, async (signal) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await renew(signal);
      } catch (thrown) {
        if (!isUndecided(thrown)) throw thrown;
        const pauseMs = thrown.noEffect?.pauseMs ?? 0;
        const waitMs = Math.max(pauseMs, backoffMs(attempt, random.fraction()));
        if (signal.aborted || clock.monotonicMs() + waitMs >= endsAt) throw thrown;
        options.onPutOff(thrown, waitMs);
        await clock.sleep(waitMs, AbortSignal.any([signal, unwanted]));
      }
    }
  });
}

/** The provider has neither renewed the sign-in nor refused to, as far as anybody knows. */
function isUndecided(thrown: unknown): thrown is EnrollmentError {
  if (!(thrown instanceof EnrollmentError)) return false;
  return thrown.noEffect !== undefined || thrown.code === 'IDENTITY_UNREACHABLE';
}
