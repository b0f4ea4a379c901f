import { EnrollmentError } from '../errors/enrollment-error.ts';
import { backoffMs } from './backoff.ts';
import { withLimit } from './limits.ts';
import type { Clock, Random } from './ports.ts';

/**
 * Does what must not be done twice, and again only after a try that is known to have changed nothing. Waits grow, and are
 * no shorter than the pause that was asked for; all tries and waits together stay within the limit.
 * @throws what the last try threw, as soon as the next one would be too late; the error of the limit when it ends a
 * try under way; the reason of `signal`, or of `unwanted`, which ends a wait and no try
 */
export function repeatWithoutEffect<T>(
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
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, random, limitMs, unwanted } = options;
  const endsAt = clock.monotonicMs() + limitMs;
  return withLimit(options, async (signal) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work(signal);
      } catch (thrown) {
        if (!(thrown instanceof EnrollmentError) || thrown.noEffect === undefined) throw thrown;
        const { pauseMs = 0 } = thrown.noEffect;
        const waitMs = Math.max(pauseMs, backoffMs(attempt, random.fraction()));
        if (signal.aborted || clock.monotonicMs() + waitMs >= endsAt) throw thrown;
        options.onPutOff(thrown, waitMs);
        await clock.sleep(waitMs, AbortSignal.any([signal, unwanted]));
      }
    }
  });
}
