import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../../model/error-codes.ts';
import { printable } from '../../model/printable.ts';
import type { LoginAttempts } from './login.ts';

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

/** A host as errors name it. */
export interface SshPlace {
  readonly address: string;
  readonly user: string;
  /** True of a host that is only on the way to the device. */
  readonly isJump: boolean;
}

/** What was seen of a connection by the time an error came. */
export interface Sighting {
  readonly login: LoginAttempts;
  /** What the device said before its version line. */
  readonly greeting: string;
  /** What the server offers that the station does not speak; empty when they agree. */
  readonly disagreements: readonly string[];
}

interface LibraryError {
  readonly level?: string;
  readonly code?: string | number;
  readonly message?: string;
}

/** sshd's words for a source that it holds failed logins against (PerSourcePenalties, OpenSSH 9.8 and newer). */
const PENALTY = /not allowed at this time/i;
const TOO_MANY_TRIES = /too many authentication failures/i;
/** ssh2's words for a device that hung up before it showed a version. */
export const HUNG_UP_EARLY = 'Connection lost before handshake';

/** Translates an error of the library that came before the login was complete. */
export function connectError(thrown: unknown, place: SshPlace, sighting: Sighting): EnrollmentError {
  const { level, code, message = '' } = (thrown ?? {}) as LibraryError;
  const evidence = [describeThrown(thrown), sighting.greeting].filter((text) => text !== '').join('\n');
  if (PENALTY.test(sighting.greeting)) return placed('DEVICE_LOGIN_BLOCKED', place, evidence, thrown);
  if (level === 'client-authentication' || TOO_MANY_TRIES.test(message))
    return loginRefused(place, sighting.login, thrown);
  if (sighting.disagreements.length > 0)
    return placed('DEVICE_SSH_OUTDATED', place, sighting.disagreements.join('\n'), thrown);
  const isSystemCode = typeof code === 'string';
  if (level === 'client-timeout' || level === 'client-dns' || (isSystemCode && NOBODY_THERE.has(code)))
    return placed('DEVICE_UNREACHABLE', place, evidence, thrown);
  // A number is the reason of an orderly goodbye.
  if (isSystemCode || typeof code === 'number' || message === HUNG_UP_EARLY)
    return placed('DEVICE_CONNECTION_LOST', place, evidence, thrown);
  return misbehaves(place, printable(message).slice(0, 200).replace(/\.$/, ''), thrown);
}

/** The device took none of the logins. A jump host is not asked a password for, so nobody has to enter one. */
function loginRefused(place: SshPlace, login: LoginAttempts, cause: unknown): EnrollmentError {
  const code = place.isJump ? 'DEVICE_JUMP_REFUSED' : refusalOf(login);
  const keys = login.keys.length === 0 ? {} : { keys: login.keys.join(', ') };
  return placed(code, place, login.evidence, cause, keys);
}

/** Which refusal it is hangs on what can be done: nobody is asked for a password that would never be offered. */
function refusalOf({ accepted, keys, asksForOther }: LoginAttempts): EnrollmentErrorCode {
  if (asksForOther) return 'DEVICE_LOGIN_UNSUITABLE';
  if (accepted.includes('password') || accepted.includes('keyboard-interactive'))
    return 'DEVICE_LOGIN_REFUSED';
  if (keys.length > 0) return 'DEVICE_KEY_REFUSED';
  return accepted.includes('publickey') ? 'DEVICE_KEY_NEEDED' : 'DEVICE_LOGIN_UNSUITABLE';
}

/** The error of a device that wants something for the login that is neither a key nor the password. */
export function loginUnsuitable(place: SshPlace, wanted: string): EnrollmentError {
  return placed(place.isJump ? 'DEVICE_JUMP_REFUSED' : 'DEVICE_LOGIN_UNSUITABLE', place, wanted);
}

/** The error of a connection that was up and is not any more. */
export function lostError(place: SshPlace, evidence: string, cause?: unknown): EnrollmentError {
  return placed('DEVICE_CONNECTION_LOST', place, evidence, cause);
}

/** The error of a device that turns connections away since a login failed. */
export function blockedError(place: SshPlace, cause: EnrollmentError): EnrollmentError {
  const evidence = `${cause.evidence ?? ''}\nA login failed there shortly before.`;
  return placed('DEVICE_LOGIN_BLOCKED', place, evidence, cause);
}

/** The error of what does not behave as an SSH server. `problem` is the rest of a sentence. */
export function misbehaves(place: SshPlace, problem: string, cause?: unknown): EnrollmentError {
  return placed('DEVICE_SSH_MISBEHAVES', place, undefined, cause, { problem });
}

/** The error of a host that nobody gets a connection to within the limit. */
export function noConnection(place: SshPlace, limitMs: number): EnrollmentError {
  return placed('DEVICE_UNREACHABLE', place, `No connection after ${limitMs / 1000} s.`);
}

/** The error of a host that does not complete the login within the limit. */
export function notInTime(place: SshPlace, limitMs: number, greeting: string): EnrollmentError {
  const said = greeting === '' ? '' : `\n${greeting}`;
  return placed('DEVICE_UNREACHABLE', place, `Not logged in after ${limitMs / 1000} s.${said}`);
}

/** The error of a jump host that is logged into and does not open a way to the next host. */
export function jumpError(jump: SshPlace, next: SshPlace, cause: unknown): EnrollmentError {
  return placed('DEVICE_JUMP_FAILED', next, describeThrown(cause), cause, { hop: jump.address });
}

function placed(
  code: EnrollmentErrorCode,
  { address, user, isJump }: SshPlace,
  evidence: string | undefined,
  cause?: unknown,
  more: Readonly<Record<string, string>> = {},
): EnrollmentError {
  const onTheWay = isJump ? `${address} is a jump host on the way to the device.` : undefined;
  const text = [evidence, onTheWay].filter((line) => line !== undefined && line !== '').join('\n');
  return new EnrollmentError(code, {
    details: { address, user, ...(isJump ? { hop: address } : {}), ...more },
    subject: address,
    phase: 'connect',
    ...(text === '' ? {} : { evidence: printable(text, { keepNewlines: true }) }),
    ...(cause === undefined ? {} : { cause }),
  });
}
