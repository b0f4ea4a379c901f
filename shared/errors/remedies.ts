import type { EnrollmentErrorCode } from '../model/error-codes.ts';

/** When a second try makes sense: at once, after somebody did what the remedy says, or not at all. */
export type RetryAdvice = 'now' | 'after-fix' | 'never';

/** A secret the operator can enter beside the cause so that a retry can succeed. */
export type SecretNeeded = 'ssh-password' | 'sudo-password';

/**
 * The operator's texts for one error. `{name}` is filled from the error's details.
 * `says`: what is. `cause`: why, most likely. `operatorDoes`: what to do next.
 */
export interface Remedy {
  readonly title: string;
  readonly says: string;
  readonly cause: string;
  readonly operatorDoes: string;
  readonly retry: RetryAdvice;
  readonly secretNeeded?: SecretNeeded;
}

/** One remedy per code; a code without one does not compile. */
export const remedies = {
  DEVICE_ID_INVALID: {
    title: 'Device id is not valid',
    says: '{problem}',
    cause: 'The id becomes a user name, a message subject and a file entry, so it follows RFC 1123.',
    operatorDoes: 'Correct the id on the Bench.',
    retry: 'after-fix',
  },
  DEVICE_ID_DUPLICATE: {
    title: 'Two devices with one id',
    says: 'The id {deviceId} is in this batch more than once.',
    cause: 'A label was scanned twice, or a row was copied.',
    operatorDoes: 'Give one of the two another id.',
    retry: 'after-fix',
  },
  DEVICE_TARGET_INVALID: {
    title: 'Address is not valid',
    says: '{problem}',
    cause: 'An address looks like ssh://pi@10.0.0.42 or pi@board.local:2222.',
    operatorDoes: 'Correct the address on the Bench.',
    retry: 'after-fix',
  },
  DEVICE_TARGET_DUPLICATE: {
    title: 'One address twice',
    says: '{address} is on the Bench already, as {deviceId}.',
    cause: 'The same board was added twice.',
    operatorDoes: 'Keep one of the two rows.',
    retry: 'after-fix',
  },
  DEVICE_SAME_BOARD: {
    title: 'One board, two ids',
    says: 'This board is in the batch already, as {other}.',
    cause: 'It answers at two addresses, or its card was copied: host key and machine id are the same.',
    operatorDoes: 'Keep one of the two rows. If these are two boards, flash one of them anew.',
    retry: 'after-fix',
  },
  DEVICE_UNREACHABLE: {
    title: 'Device does not answer',
    says: 'Nothing answers at {address}.',
    cause: 'The device is off, still starting, on another network, or SSH is not enabled on it.',
    operatorDoes: 'Check its power and cable, wait until it has started, then retry.',
    retry: 'after-fix',
  },
  DEVICE_LOGIN_REFUSED: {
    title: 'SSH login refused',
    says: 'The device at {address} refused the login of {user}.',
    cause: 'The password or key is not the one of this device image.',
    operatorDoes: 'Enter the SSH password for {user}. It is kept in memory until this batch ends.',
    retry: 'after-fix',
    secretNeeded: 'ssh-password',
  },
  DEVICE_HOST_KEY_CHANGED: {
    title: 'Not the same device as before',
    says: 'This is not the device that answered at {address} before.',
    cause:
      'The board was swapped or flashed again, or somebody stands in between. Known {expected}, now {actual}.',
    operatorDoes: 'Set it aside and call the line lead.',
    retry: 'never',
  },
  DEVICE_CONNECTION_LOST: {
    title: 'Connection lost',
    says: 'The connection to {address} broke off.',
    cause: 'The link dropped or the device restarted.',
    operatorDoes: 'Retry. What is done already is kept.',
    retry: 'now',
  },
  DEVICE_SUDO_PASSWORD_NEEDED: {
    title: 'sudo asks for a password',
    says: 'User {user} may not run sudo without a password on this device.',
    cause: 'The device image asks for the sudo password.',
    operatorDoes: 'Enter the password once. It is kept in memory until this batch ends.',
    retry: 'after-fix',
    secretNeeded: 'sudo-password',
  },
  DEVICE_SUDO_REFUSED: {
    title: 'sudo is refused',
    says: 'User {user} could not become root on this device.',
    cause: 'The sudo password is wrong, or {user} is not allowed to use sudo.',
    operatorDoes: 'Enter the right password, or use an account that may run sudo.',
    retry: 'after-fix',
    secretNeeded: 'sudo-password',
  },
  DEVICE_COMMAND_FAILED: {
    title: 'A command failed on the device',
    says: '{step} failed on the device with exit status {exitStatus}.',
    cause: 'The device log shows the command and what it printed.',
    operatorDoes: 'Read the log, correct the device, then retry.',
    retry: 'after-fix',
  },
  DEVICE_FACTS_UNREADABLE: {
    title: 'Device gives an odd answer',
    says: 'The answer of the device cannot be read: {problem}.',
    cause: 'This is not a Debian system, or a login script interferes.',
    operatorDoes: 'Show the log to a technician.',
    retry: 'after-fix',
  },
  DEVICE_UNSUPPORTED: {
    title: 'System not supported',
    says: '{found} is not a system the agent is installed on.',
    cause: 'Debian 12 and 13 and Raspberry Pi OS are supported, on x86_64, arm64 and armhf.',
    operatorDoes: 'Flash a supported image.',
    retry: 'after-fix',
  },
  DEVICE_DISK_FULL: {
    title: 'No space on the device',
    says: '{free} are free on the device; {needed} are needed.',
    cause: 'The storage is too small or full.',
    operatorDoes: 'Free space or use a larger card, then retry.',
    retry: 'after-fix',
  },
  DEVICE_APT_LOCKED: {
    title: 'Package manager stays locked',
    says: 'The package manager was locked for {waited}.',
    cause: 'The device is updating itself.',
    operatorDoes: 'Let it finish, then retry.',
    retry: 'now',
  },
  DEVICE_APT_FAILED: {
    title: 'Packages could not be installed',
    says: 'Installing {packages} failed.',
    cause: 'The device reaches no package mirror, or its package state is broken.',
    operatorDoes: 'Check that the device reaches its mirror, then retry.',
    retry: 'after-fix',
  },
  DEVICE_CLOCK_OFF: {
    title: 'Clock of the device is wrong',
    says: 'The clock of the device is {offset} off.',
    cause:
      'The board has no battery clock and did not reach a time server. Sign-in with a key needs the right time.',
    operatorDoes: 'Set its clock or let it reach a time server, then retry.',
    retry: 'after-fix',
  },
  DEVICE_TIMEOUT: {
    title: 'Device took too long',
    says: '{step} did not finish within {limit}.',
    cause: 'The device or its link is very slow, or a command hangs.',
    operatorDoes: 'Retry. If it happens again, read the log.',
    retry: 'now',
  },
  AGENT_BINARY_MISSING: {
    title: 'Agent binary is missing',
    says: 'There is no agent binary for {architecture}: {path}.',
    cause: 'The profile names no file for this architecture, or the file is not there.',
    operatorDoes: 'Put the file in place or correct the profile, then retry.',
    retry: 'after-fix',
  },
  AGENT_BINARY_NOT_ELF: {
    title: 'Agent binary is not a program',
    says: '{path} is not a Linux program (ELF).',
    cause: 'An archive, a script or a cut-off download was chosen.',
    operatorDoes: 'Choose the agent binary itself.',
    retry: 'after-fix',
  },
  AGENT_BINARY_WRONG_ARCHITECTURE: {
    title: 'Agent binary is for another architecture',
    says: '{path} is for {actual}; this device is {expected}.',
    cause: 'The binaries of two architectures were mixed up in the profile.',
    operatorDoes: 'Correct the profile, then retry.',
    retry: 'after-fix',
  },
  AGENT_STOPS: {
    title: 'Agent stops at once',
    says: 'The agent was started but does not keep running.',
    cause: '{likely}',
    operatorDoes:
      'Read the log of the device. If the binary is the wrong one, correct the profile, then retry.',
    retry: 'after-fix',
  },
  AGENT_NO_HEARTBEAT: {
    title: 'Agent runs, no heartbeat',
    says: 'The agent is running, but no heartbeat arrived in {limit}.',
    cause: '{likely}',
    operatorDoes: 'Check that the device reaches NATS and that its clock is right, then retry.',
    retry: 'after-fix',
  },
  IDENTITY_NOT_SIGNED_IN: {
    title: 'Nobody is signed in',
    says: 'Sign in before you enroll.',
    cause: 'Machine users and keys are made with the rights of the person who signs in.',
    operatorDoes: 'Sign in, then retry.',
    retry: 'after-fix',
  },
  IDENTITY_CLIENT_UNKNOWN: {
    title: 'Client id is not known',
    says: 'The identity provider does not know the client id {clientId}.',
    cause: 'Mostly the name of the app was entered instead of its numeric id, or the app is switched off.',
    operatorDoes: 'Take the numeric client id from the set-up summary and correct the profile.',
    retry: 'after-fix',
  },
  IDENTITY_CLIENT_NOT_ALLOWED: {
    title: 'Client may not use device sign-in',
    says: 'The client {clientId} may not sign in with a device code.',
    cause: 'The app lacks the device-code grant.',
    operatorDoes: 'Switch on device code and refresh token for this app at the identity provider.',
    retry: 'after-fix',
  },
  IDENTITY_SIGN_IN_DENIED: {
    title: 'Sign-in was denied',
    says: 'The sign-in was denied on the page.',
    cause: 'Somebody pressed Deny, or the code was used already.',
    operatorDoes: 'Get a new code and approve it.',
    retry: 'now',
  },
  IDENTITY_CODE_EXPIRED: {
    title: 'Code has expired',
    says: 'Nobody approved the code in time.',
    cause: 'A code is valid for a few minutes only.',
    operatorDoes: 'Get a new code.',
    retry: 'now',
  },
  IDENTITY_SIGN_IN_CANCELLED: {
    title: 'Sign-in cancelled',
    says: 'The sign-in was cancelled.',
    cause: 'Cancel was pressed.',
    operatorDoes: 'Start the sign-in again when ready.',
    retry: 'now',
  },
  IDENTITY_UNREACHABLE: {
    title: 'Identity provider does not answer',
    says: 'Nothing answers at {issuer}.',
    cause: 'The network is down, or the issuer in the profile is wrong.',
    operatorDoes: 'Check the network and the issuer in the profile, then retry.',
    retry: 'now',
  },
  IDENTITY_ISSUER_MISMATCH: {
    title: 'Issuer does not match',
    says: 'The provider calls itself {actual}; the profile says {expected}.',
    cause: 'The provider is set up for another external domain or port.',
    operatorDoes: 'Use the same address in the profile and in the external domain of the provider.',
    retry: 'after-fix',
  },
  IDENTITY_CERTIFICATE_REFUSED: {
    title: 'Certificate is not trusted',
    says: 'The certificate of {issuer} is not trusted.',
    cause: 'It is self-signed or comes from a private authority.',
    operatorDoes: 'Name its CA file in the profile.',
    retry: 'after-fix',
  },
  IDENTITY_SESSION_ENDED: {
    title: 'Sign-in has ended',
    says: 'The sign-in is no longer valid.',
    cause: 'It expired, or it was revoked at the identity provider.',
    operatorDoes: 'Sign in again. The devices wait.',
    retry: 'after-fix',
  },
  IDENTITY_PROJECT_NOT_VISIBLE: {
    title: 'Project is not visible',
    says: 'This sign-in does not see the project {projectId}. It sees: {visible}.',
    cause: 'The account belongs to another organisation than the project.',
    operatorDoes: 'Set the organisation id in the profile, or sign in with an account of that organisation.',
    retry: 'after-fix',
  },
  IDENTITY_ROLE_MISSING: {
    title: 'Account lacks the right',
    says: 'This account may not {action}.',
    cause: 'It has neither ORG_OWNER nor a role for users, grants and keys.',
    operatorDoes: 'Ask an admin for ORG_OWNER or a role that covers users, grants and keys.',
    retry: 'after-fix',
  },
  IDENTITY_REPLY_UNREADABLE: {
    title: 'Identity provider gives an odd answer',
    says: 'The answer of the identity provider to {action} cannot be read.',
    cause: 'A proxy answers in its place, or the version is not supported.',
    operatorDoes: 'Show the evidence to an admin.',
    retry: 'after-fix',
  },
  IDENTITY_CALL_FAILED: {
    title: 'Identity provider refuses',
    says: 'The identity provider did not {action}.',
    cause: 'It answered {status}.',
    operatorDoes: 'Retry. If it happens again, show the evidence to an admin.',
    retry: 'now',
  },
  NATS_UNREACHABLE: {
    title: 'NATS does not answer',
    says: 'Nothing answers at {urls}.',
    cause: 'The messaging system is down, or the profile has the wrong address.',
    operatorDoes: 'Check the network and the NATS address in the profile.',
    retry: 'now',
  },
  NATS_REFUSED: {
    title: 'NATS refuses this station',
    says: 'NATS does not accept this sign-in.',
    cause: 'The account lacks the role that may read heartbeats, or the sign-in expired.',
    operatorDoes: 'Sign in again, or ask an admin for the role.',
    retry: 'after-fix',
  },
  STATION_PROFILE_INVALID: {
    title: 'Profile is not valid',
    says: '{path}: {problem}',
    cause: 'The profile was edited by hand or comes from another version.',
    operatorDoes: 'Correct this line of the profile and start again.',
    retry: 'after-fix',
  },
  STATION_PROFILE_UNREADABLE: {
    title: 'Profile cannot be read',
    says: 'The profile {path} cannot be read.',
    cause: 'The file is not there, or this account may not read it.',
    operatorDoes: 'Start the station with --profile and the right file.',
    retry: 'after-fix',
  },
  STATION_KEYCHAIN_UNAVAILABLE: {
    title: 'No keychain on this computer',
    says: 'The sign-in cannot be remembered: {problem}',
    cause: 'No keychain service runs, or it is locked.',
    operatorDoes:
      'Go on: the sign-in is kept in memory until the station closes. Or unlock the keychain and sign in again.',
    retry: 'now',
  },
  STATION_JOURNAL_FAILED: {
    title: 'Journal cannot be written',
    says: 'The journal {path} cannot be written.',
    cause: 'The disk of the station is full or not writable. Without the journal no key may be minted.',
    operatorDoes: 'Make space on the disk of the station, then retry.',
    retry: 'after-fix',
  },
  STATION_ENGINE_LOST: {
    title: 'Engine stopped',
    says: 'The engine stopped and is being restarted.',
    cause: 'An unexpected fault ended the process that talks to the devices.',
    operatorDoes: 'Wait a moment, then retry what was running.',
    retry: 'now',
  },
  STATION_BUSY: {
    title: 'A batch is running',
    says: 'A batch is running already.',
    cause: 'One station runs one batch at a time.',
    operatorDoes: 'Wait for it, or stop it.',
    retry: 'after-fix',
  },
  STATION_REQUEST_INVALID: {
    title: 'Request refused',
    says: 'The station refused a request: {problem}.',
    cause: 'It does not have the agreed shape.',
    operatorDoes: 'Reload the window. If it happens again, report it.',
    retry: 'never',
  },
  STATION_BUG: {
    title: 'Fault in the station',
    says: 'Something went wrong inside the station.',
    cause: 'This is a fault in the program, not of the device.',
    operatorDoes: 'Retry, and report it with the evidence.',
    retry: 'now',
  },
  STEP_NOT_VERIFIED: {
    title: 'Not as it should be afterwards',
    says: '{step} was done, but a second look finds it is not right: {problem}.',
    cause: 'Something on the device changes it back.',
    operatorDoes: 'Read the log and look at the device.',
    retry: 'now',
  },
} as const satisfies Record<EnrollmentErrorCode, Remedy>;
