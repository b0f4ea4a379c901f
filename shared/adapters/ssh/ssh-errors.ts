import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';
import { printable } from '../../model/printable.ts';
import { formatAddress, type SshTarget } from '../../model/target.ts';

/** System errors that mean: nobody took the call. Others broke off a conversation. */
const NOBODY_THERE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EINVAL',
]);

export interface SshPlace {
  readonly target: SshTarget;
  readonly user: string;
}

interface LibraryError {
  readonly level?: string;
  readonly code?: string;
}

/** Translates an error of the library that came before the login was complete. */
export function connectError(thrown: unknown, place: SshPlace, loginEvidence: string): EnrollmentError {
  const address = formatAddress(place.target);
  const { level, code } = (thrown ?? {}) as LibraryError;
  const options = {
    details: { address, user: place.user },
    subject: address,
    phase: 'connect',
    cause: thrown,
  } as const;
  const evidence = printable(describeThrown(thrown));
  if (level === 'client-authentication') {
    return new EnrollmentError('DEVICE_LOGIN_REFUSED', { ...options, evidence: loginEvidence });
  }
  if (
    level === 'client-timeout' ||
    level === 'client-dns' ||
    (code !== undefined && NOBODY_THERE.has(code))
  ) {
    return new EnrollmentError('DEVICE_UNREACHABLE', { ...options, evidence });
  }
  return new EnrollmentError('DEVICE_CONNECTION_LOST', { ...options, evidence });
}

/** The error of a connection that was up and is not any more. */
export function lostError(place: SshPlace, evidence: string, cause?: unknown): EnrollmentError {
  const address = formatAddress(place.target);
  return new EnrollmentError('DEVICE_CONNECTION_LOST', {
    details: { address },
    subject: address,
    evidence: printable(evidence),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The error of a jump host that is logged into and does not open a way to the next host. */
export function jumpError(hop: string, place: SshPlace, evidence: string, cause?: unknown): EnrollmentError {
  const address = formatAddress(place.target);
  return new EnrollmentError('DEVICE_JUMP_FAILED', {
    details: { hop, address },
    subject: address,
    phase: 'connect',
    evidence: printable(evidence),
    ...(cause === undefined ? {} : { cause }),
  });
}
