import type { Clock } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { HttpClient, HttpReply } from '../http/http.ts';

/**
 * A clock may be off by this much. Tokens and keys live for hours at least; devices may differ from the station by
 * five minutes, and whoever checks their logins allows little more.
 */
const TOLERANCE_MS = 2 * 60_000;
/** `Date` has whole seconds (RFC 9110, section 6.6.1). */
const DATE_STEP_MS = 1000;

export interface ProviderClock {
  /** Sends as the client does, and reads the clock off every answer. */
  readonly http: HttpClient;
  /** IDENTITY_CLOCK_SKEW when the newest answer tells that this computer's clock is wrong for certain. */
  problem(): EnrollmentError | undefined;
}

interface Reading {
  /** This computer's clock minus the provider's, between these two for certain. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly hereMs: number;
  readonly thereMs: number;
}

/** Tells from the `Date` of a provider's answers whether this computer's clock is right. */
export function watchProviderClock(
  http: HttpClient,
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>,
  issuer: string,
): ProviderClock {
  let newest: Reading | undefined;
  return {
    http: {
      request: async (request) => {
        const sentAt = clock.monotonicMs();
        const reply = await http.request(request);
        newest = readClock(reply, clock.nowMs(), clock.monotonicMs() - sentAt) ?? newest;
        return reply;
      },
      close: () => http.close(),
    },
    problem: () => (newest === undefined ? undefined : problemOf(newest, issuer)),
  };
}

/** Undefined for an answer without a date. One out of a cache has its age beside it. */
function readClock({ headers }: HttpReply, hereMs: number, tookMs: number): Reading | undefined {
  const writtenMs = Date.parse(headers.date ?? '');
  if (Number.isNaN(writtenMs)) return undefined;
  const ageSeconds = Number(headers.age ?? 0);
  const thereMs = writtenMs + (Number.isFinite(ageSeconds) ? ageSeconds * 1000 : 0);
  return { fromMs: hereMs - tookMs - thereMs - DATE_STEP_MS, toMs: hereMs - thereMs, hereMs, thereMs };
}

function problemOf({ fromMs, toMs, hereMs, thereMs }: Reading, issuer: string): EnrollmentError | undefined {
  const isAhead = fromMs > TOLERANCE_MS;
  if (!isAhead && toMs >= -TOLERANCE_MS) return undefined;
  const [here, there] = [hereMs, thereMs].map((ms) => new Date(ms).toISOString());
  return new EnrollmentError('IDENTITY_CLOCK_SKEW', {
    details: {
      issuer,
      offset: offsetText(Math.abs(fromMs + toMs) / 2),
      direction: isAhead ? 'ahead of' : 'behind',
      correction: isAhead ? 'back' : 'forward',
      ...{ here: here ?? '', there: there ?? '' },
    },
    subject: issuer,
    evidence: `This computer: ${here}\nDate of the answer: ${there}`,
  });
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A span in one unit, as somebody says it who sets a clock: `7 minutes`, `2 hours`, `3 days`. */
function offsetText(ms: number): string {
  const [unitMs, unit] =
    ms < 2 * HOUR_MS ? [MINUTE_MS, 'minutes'] : ms < 2 * DAY_MS ? [HOUR_MS, 'hours'] : [DAY_MS, 'days'];
  return `${Math.round(ms / unitMs)} ${unit}`;
}
