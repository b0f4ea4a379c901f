import type { EnrollmentRow } from '../model/station-state.ts';
import { UsageError } from './usage-error.ts';

/** A fingerprint as OpenSSH prints it: 32 bytes in base64 without padding. */
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** @throws UsageError for what is no fingerprint */
export function readFingerprints(given: readonly string[] | undefined): readonly string[] {
  for (const one of given ?? [])
    if (!FINGERPRINT.test(one))
      throw new UsageError(
        `--trust-host-key: "${one}" is no fingerprint like ssh-keygen -l prints it (SHA256:…).`,
      );
  return given ?? [];
}

export type ChangedHostKey = NonNullable<NonNullable<EnrollmentRow['error']>['hostKey']>;

/**
 * Which changed host keys are expected: those whose fingerprint was named on the command line, each once for every device.
 * A device that shows another key, or a third one later, stays refused.
 */
export class TrustedHostKeys {
  readonly #fingerprints: readonly string[];
  readonly #trusted = new Set<string>();

  constructor(fingerprints: readonly string[]) {
    this.#fingerprints = fingerprints;
  }

  /** The change that is to be accepted of a row that has just failed, or undefined. */
  take({ deviceId, state, error }: EnrollmentRow): ChangedHostKey | undefined {
    const hostKey = state === 'failed' ? error?.hostKey : undefined;
    if (hostKey === undefined || !this.#fingerprints.includes(hostKey.actual)) return undefined;
    const key = `${deviceId} ${hostKey.place} ${hostKey.actual}`;
    if (this.#trusted.has(key)) return undefined;
    this.#trusted.add(key);
    return hostKey;
  }
}
