import type { StepId } from '../model/enrollment.ts';

/** How long an exchange with a device may take. */
export interface ExchangeLimits {
  /** Of the whole: so that every wait ends, not to tell slow from stuck. */
  readonly limitMs: number;
  /** Of a stretch in which nothing moves. */
  readonly quietLimitMs: number;
}

const MINUTE_MS = 60_000;

/** The slowest share of a link that an upload still has to end on: 64 kbit/s. */
const SLOWEST_BYTES_PER_MS = 8;
/** The slowest card: a binary is put on it and read again in silence, after its last byte has come. */
const CARD_BYTES_PER_MS = 1000;
/** Some servers confirm only every two megabytes, which take over four minutes on the slowest link. */
const UPLOAD_QUIET_MS = 5 * MINUTE_MS;
const UPLOAD_EXTRA_MS = 20 * MINUTE_MS;

/** Limits of the upload of a file of so many bytes. */
export function uploadLimits(sizeBytes: number): ExchangeLimits {
  return {
    limitMs: UPLOAD_EXTRA_MS + sizeBytes / SLOWEST_BYTES_PER_MS,
    quietLimitMs: UPLOAD_QUIET_MS + sizeBytes / CARD_BYTES_PER_MS,
  };
}

/**
 * apt says nothing while it waits for a lock of dpkg's, while it fetches one package, and while one unpacks or sets itself
 * up: five minutes for the lock, and as much again and more for a large package on a slow link or card.
 */
const PACKAGES: ExchangeLimits = { limitMs: 120 * MINUTE_MS, quietLimitMs: 15 * MINUTE_MS };
/** Everything else is quick and tells where it is by the marks of its commands; a service has 90 s to stop (systemd). */
const OTHER_STEPS: ExchangeLimits = { limitMs: 20 * MINUTE_MS, quietLimitMs: 5 * MINUTE_MS };

/** Limits of a trip with the commands of these steps. */
export function tripLimits(steps: readonly StepId[]): ExchangeLimits {
  return steps.includes('packages') ? PACKAGES : OTHER_STEPS;
}
