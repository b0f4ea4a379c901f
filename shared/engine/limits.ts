import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import type { Clock } from './ports.ts';

/**
 * Runs work that has to end within a limit. The work's signal is aborted when the limit passes or the outer
 * signal is; the error of the limit wins over whatever the aborted work throws then.
 * @throws the error of `onLimit`, the outer signal's reason, or what the work threw
 */
export async function withLimit<T>(
  options: {
    readonly clock: Clock;
    readonly limitMs: number;
    readonly signal: AbortSignal;
    readonly onLimit: () => EnrollmentError;
  },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const cancel = options.clock.after(options.limitMs, () => limit.abort(options.onLimit()));
  try {
    return await work(AbortSignal.any([options.signal, limit.signal]));
  } catch (thrown) {
    if (options.signal.aborted) throw options.signal.reason;
    if (limit.signal.aborted) throw limit.signal.reason;
    throw thrown;
  } finally {
    cancel();
  }
}

/** The reason a signal is aborted with when the operator stops a batch: an outcome, not an error. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Throws the signal's reason when it is aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason;
}

/** The error as {@link EnrollmentError}; anything else is a fault of the station and is told as such. */
export function asEnrollmentError(thrown: unknown): EnrollmentError {
  return thrown instanceof EnrollmentError
    ? thrown
    : new EnrollmentError('STATION_BUG', { cause: thrown, evidence: describeThrown(thrown) });
}

/** Waits for work that others wait for too: an aborted signal ends the waiting, not the work. */
export async function waitUnlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw signal.reason;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}

/**
 * Waits for work that goes on without us, but no longer than a limit.
 * @returns whether the work has ended
 * @throws what the work threw, or the signal's reason
 */
export async function waitAtMost(
  options: { readonly clock: Clock; readonly limitMs: number; readonly signal: AbortSignal },
  work: Promise<unknown>,
): Promise<boolean> {
  let cancel: (() => void) | undefined;
  const limit = new Promise<boolean>((resolve) => {
    cancel = options.clock.after(options.limitMs, () => resolve(false));
  });
  try {
    return await waitUnlessAborted(Promise.race([work.then(() => true), limit]), options.signal);
  } finally {
    cancel?.();
  }
}
