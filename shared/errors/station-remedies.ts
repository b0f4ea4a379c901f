import type { Remedy } from './remedy.ts';

/** STATION_: what is wrong on this computer. */
export const stationRemedies = {
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
    operatorDoes: 'Bring the file back to its place, or name another profile.',
    retry: 'after-fix',
  },
  STATION_MANIFEST_INVALID: {
    title: 'Manifest is not valid',
    says: '{path}: {problem}',
    cause: 'The list was edited by hand, or comes from another program.',
    operatorDoes: 'Correct the rows that are named and start again. Nothing was done yet.',
    retry: 'after-fix',
  },
  STATION_CLIENT_CONFIG_INVALID: {
    title: 'Client config cannot be used',
    says: '{path}: {problem}',
    cause: 'It was edited by hand, or is the file of another program.',
    operatorDoes: 'Correct the file, or name what is missing beside it. Nothing was written.',
    retry: 'after-fix',
  },
  STATION_SETUP_FILE_REFUSED: {
    title: 'A file is in the way',
    says: '{path}: {problem}.',
    cause: 'The folder holds the results of another set-up, or the file was changed since.',
    operatorDoes: 'Name another folder, or move this file away. It is never written over.',
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
  STATION_KEYCHAIN_LOCKED: {
    title: 'Keychain is locked',
    says: 'The keychain of this computer is locked.',
    cause:
      'It opens with the login of this account. It was locked since, or the question for its password was closed.',
    operatorDoes:
      'Unlock it, then sign in: what it remembers is still there. While it is locked, a sign-in is kept in memory until the station closes.',
    retry: 'after-fix',
  },
  STATION_TOKEN_FILE_FOREIGN: {
    title: 'The file of the sign-in is another one',
    says: 'The sign-in cannot be remembered: {path} holds something else.',
    cause:
      'The profile names a file that Muster has not written (identity.token_file). It was left as it is.',
    operatorDoes:
      'Name a file of its own in identity.token_file, one that need not be there yet. Until then a sign-in is kept in memory.',
    retry: 'after-fix',
  },
  STATION_SIGN_IN_NOT_FORGOTTEN: {
    title: 'Sign-in is still kept',
    says: 'You are signed out, but this computer still keeps the sign-in of {account}: {place}.',
    cause: '{problem} {worth}',
    operatorDoes: 'Once it can be written again, run muster sign-out. {byHand}',
    retry: 'after-fix',
  },
  STATION_KEY_PASSPHRASE_NEEDED: {
    title: 'Private key has a passphrase',
    says: 'The private key {path} is encrypted.',
    cause: 'It was made with a passphrase, and no agent holds it.',
    operatorDoes: 'Enter the passphrase of the key once. It is kept in memory until this batch ends.',
    retry: 'after-fix',
    secretNeeded: 'key-passphrase',
  },
  STATION_KEY_PASSPHRASE_WRONG: {
    title: 'Passphrase is wrong',
    says: 'The passphrase does not open the private key {path}.',
    cause: 'It was mistyped, or it belongs to another key.',
    operatorDoes: 'Enter the passphrase of this key again. It is kept in memory until this batch ends.',
    retry: 'after-fix',
    secretNeeded: 'key-passphrase',
  },
  STATION_KEY_UNUSABLE: {
    title: 'Private key cannot be used',
    says: 'The private key {path} cannot be used: {problem}.',
    cause: 'The profile or the SSH configuration names a file that is no key the station can log in with.',
    operatorDoes: 'Name another key, or put this one right, then retry.',
    retry: 'after-fix',
  },
  STATION_SSH_AGENT_UNAVAILABLE: {
    title: 'SSH agent does not answer',
    says: 'The SSH agent cannot be used: {problem}.',
    cause: 'The profile asks for the agent, and none runs for this account, or it holds no key.',
    operatorDoes:
      'Start the agent and add the key with ssh-add, then start the station from the same session.',
    retry: 'after-fix',
  },
  STATION_SSH_CONFIG_UNUSABLE: {
    title: 'SSH configuration cannot be followed',
    says: '{path}: {problem}.',
    cause:
      'The file says how to reach this device in a way the station does not follow. To ignore it would mean to connect to another place.',
    operatorDoes: 'Change this part of the file, or leave ssh.config_file out of the profile.',
    retry: 'after-fix',
  },
  STATION_JOURNAL_FAILED: {
    title: 'Journal cannot be written',
    says: 'The journal {path} cannot be written.',
    cause: 'The disk of the station is full or not writable. Without the journal no key may be minted.',
    operatorDoes: 'Make space on the disk of the station, then retry.',
    retry: 'after-fix',
  },
  STATION_FOLDER_IN_USE: {
    title: 'Station folder is in use',
    says: 'Another Muster works in {path} now: process {pid}.',
    cause:
      'The journal of a folder belongs to one program at a time, or a key could be taken for a lost one.',
    operatorDoes: 'Wait until it has ended, or name another folder with --state-dir.',
    retry: 'after-fix',
  },
  STATION_FOLDER_UNUSABLE: {
    title: 'Station folder cannot be used',
    says: 'The station folder {path} cannot be used.',
    cause: 'Journal and log are kept there. It is no folder, or this account may not use it.',
    operatorDoes: 'Let this account use it, or name another folder with --state-dir.',
    retry: 'after-fix',
  },
  STATION_OUTPUT_LOST: {
    title: 'Output cannot be written',
    says: '{stream} cannot be written any more. What ran was stopped in good order.',
    cause: 'The disk it goes to is full, or the file or device it goes to has failed.',
    operatorDoes:
      'Make space there or write to another place, and start again: what is done already is kept.',
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
    title: 'The station is busy',
    says: 'A batch or a decommission is running.',
    cause: 'One station runs one batch at a time, and finishes what it has begun.',
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
} as const satisfies Readonly<Record<string, Remedy>>;
