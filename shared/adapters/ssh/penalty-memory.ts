import type { Clock } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../../model/error-codes.ts';
import type { Hop } from './route.ts';
import { blockedError, type SshPlace } from './ssh-errors.ts';

/** sshd's longest penalty by default (PerSourcePenalties max, sshd_config(5)). */
const REMEMBERED_MS = 10 * 60_000;
const MOST_HOSTS = 4096;
/** What sshd counts as a failed login. */
const refusals = new Set<EnrollmentErrorCode>([
  'DEVICE_LOGIN_REFUSED',
  'DEVICE_KEY_REFUSED',
  'DEVICE_LOGIN_UNSUITABLE',
  'DEVICE_JUMP_REFUSED',
]);

/** Remembers where logins failed, to explain connections that are turned away there afterwards. */
export interface PenaltyMemory {
  note(hop: Hop, error: EnrollmentError): void;
  /** The error itself, or a better one. */
  explain(hop: Hop, place: SshPlace, thrown: unknown): unknown;
}

export function createPenaltyMemory(clock: Clock): PenaltyMemory {
  const failedAt = new Map<string, number>();
  const nameOf = ({ target }: Hop) => `${target.host} ${target.port}`;
  return {
    note: (hop, { code }) => {
      if (!refusals.has(code)) return;
      if (failedAt.size >= MOST_HOSTS) failedAt.clear();
      failedAt.set(nameOf(hop), clock.monotonicMs());
    },
    explain: (hop, place, thrown) => {
      if (!(thrown instanceof EnrollmentError) || thrown.code !== 'DEVICE_CONNECTION_LOST') return thrown;
      const since = failedAt.get(nameOf(hop));
      const isRecent = since !== undefined && clock.monotonicMs() - since < REMEMBERED_MS;
      return isRecent ? blockedError(place, thrown) : thrown;
    },
  };
}
