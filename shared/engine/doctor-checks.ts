import { EnrollmentError, type ErrorView, toErrorView } from '../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';

/** What a doctor looks at, in the order in which one thing needs the other. */
export const doctorChecks = [
  'connection',
  'host-key',
  'login',
  'sudo',
  'system',
  'clock',
  'architecture',
  'space',
  'packages',
  'apt-lock',
  'agent',
  'key',
  'unit',
  'identity',
  'nats',
] as const;
export type DoctorCheck = (typeof doctorChecks)[number];

export const doctorTitles: Readonly<Record<DoctorCheck, string>> = {
  connection: 'Connection',
  'host-key': 'Host key',
  login: 'Login',
  sudo: 'Root',
  system: 'System',
  clock: 'Clock',
  architecture: 'Agent binary',
  space: 'Space',
  packages: 'Packages',
  'apt-lock': 'Package lock',
  agent: 'Agent',
  key: 'Machine key',
  unit: 'Unit',
  identity: 'Identity',
  nats: 'NATS',
};

/** What was found about one thing. `unknown`: it could not be looked at, and `says` tells why. */
export interface Finding {
  readonly check: DoctorCheck;
  readonly state: 'ok' | 'problem' | 'unknown';
  readonly says: string;
  /** What to do about a problem. */
  readonly operatorDoes: string | undefined;
  readonly code: EnrollmentErrorCode | undefined;
  readonly evidence: string | undefined;
}

export function ok(check: DoctorCheck, says: string): Finding {
  return { check, state: 'ok', says, operatorDoes: undefined, code: undefined, evidence: undefined };
}

export function unknown(check: DoctorCheck, says: string): Finding {
  return { check, state: 'unknown', says, operatorDoes: undefined, code: undefined, evidence: undefined };
}

export function problem(check: DoctorCheck, says: string, operatorDoes: string, evidence?: string): Finding {
  return { check, state: 'problem', says, operatorDoes, code: undefined, evidence };
}

/** An error of the enrollment, as the finding it is. Anything else that is thrown is a fault of the station. */
export function problemOf(check: DoctorCheck, thrown: unknown): Finding {
  const { says, operatorDoes, code, evidence }: ErrorView = toErrorView(thrown);
  return { check, state: 'problem', says, operatorDoes, code, evidence };
}

/** Runs a check that throws what is wrong; a thrown error is a problem, what it returns is fine. */
export async function examine(check: DoctorCheck, look: () => string | Promise<string>): Promise<Finding> {
  try {
    return ok(check, await look());
  } catch (thrown) {
    if (!(thrown instanceof EnrollmentError)) throw thrown;
    return problemOf(check, thrown);
  }
}

/** Which check an error of connecting belongs to. */
const checkOfCode: Partial<Record<EnrollmentErrorCode, DoctorCheck>> = {
  DEVICE_HOST_KEY_CHANGED: 'host-key',
  DEVICE_HOST_KEY_UNKNOWN: 'host-key',
  DEVICE_HOST_KEY_REVOKED: 'host-key',
  DEVICE_LOGIN_REFUSED: 'login',
  DEVICE_KEY_NEEDED: 'login',
  DEVICE_KEY_REFUSED: 'login',
  DEVICE_LOGIN_UNSUITABLE: 'login',
  DEVICE_LOGIN_BLOCKED: 'login',
  DEVICE_SUDO_PASSWORD_NEEDED: 'sudo',
  DEVICE_SUDO_REFUSED: 'sudo',
  DEVICE_FACTS_UNREADABLE: 'system',
  DEVICE_UNSUPPORTED: 'system',
};

/** The check that an error stands for when it ended the look at the device. */
export function checkOf(thrown: EnrollmentError): DoctorCheck {
  // A key file or a passphrase of ours is what is missing for the login.
  const isOurs = thrown.code.startsWith('STATION_');
  return checkOfCode[thrown.code] ?? (isOurs ? 'login' : 'connection');
}
