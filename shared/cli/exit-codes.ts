import type { EnrollmentErrorCode } from '../model/error-codes.ts';

/** How the program ends. The numbers are documented and never change their meaning. */
export const exitCodes = {
  /** Everything that was asked for is so. */
  ok: 0,
  /** Some devices are not enrolled, or something is wrong with the device that was looked at. */
  notAll: 1,
  /** The command line itself. */
  usage: 2,
  /** Nobody is signed in, or the token is refused. */
  signIn: 3,
  /** The profile or the manifest. */
  input: 4,
  /** This computer: journal, folder in use, a fault of the program. */
  station: 5,
  /** The terminal is gone. */
  hungUp: 129,
  interrupted: 130,
  /** Nobody reads the output any more. What a shell shows for a program that SIGPIPE has ended. */
  outputClosed: 141,
  terminated: 143,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const inputCodes: readonly EnrollmentErrorCode[] = [
  'STATION_PROFILE_INVALID',
  'STATION_PROFILE_UNREADABLE',
  'STATION_MANIFEST_INVALID',
  'STATION_CLIENT_CONFIG_INVALID',
  'STATION_SETUP_FILE_REFUSED',
];

/** Errors that say nothing about a device: nobody is signed in any more, or whoever is lacks the rights. */
const signInCodes: readonly EnrollmentErrorCode[] = [
  'IDENTITY_TOKEN_REFUSED',
  'IDENTITY_SESSION_ENDED',
  'IDENTITY_SIGN_IN_NOT_ACCEPTED',
  'IDENTITY_NOT_SIGNED_IN',
  'IDENTITY_ROLE_MISSING',
];

/** Whether an error is of the sign-in alone. */
export function isSignInCode(code: EnrollmentErrorCode): boolean {
  return signInCodes.includes(code);
}

/** The exit code of several devices, by what went wrong with each: `signIn` where it is that alone. */
export function exitCodeOfDevices(codes: readonly (EnrollmentErrorCode | undefined)[]): ExitCode {
  if (codes.length === 0) return exitCodes.ok;
  const isSignIn = codes.every((code) => code !== undefined && isSignInCode(code));
  return isSignIn ? exitCodes.signIn : exitCodes.notAll;
}

/** The exit code of a command that an error ended as a whole. */
export function exitCodeOf(code: EnrollmentErrorCode): ExitCode {
  if (inputCodes.includes(code)) return exitCodes.input;
  if (code.startsWith('IDENTITY_')) return exitCodes.signIn;
  return code.startsWith('STATION_') ? exitCodes.station : exitCodes.notAll;
}
