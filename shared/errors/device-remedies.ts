import type { Remedy } from './remedy.ts';

/** DEVICE_, AGENT_ and STEP_: what goes wrong on a device or on the way to it. */
export const deviceRemedies = {
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
  DEVICE_ID_IN_USE: {
    title: 'Another board has this id',
    says: 'Another board is alive as {deviceId}: {other}.',
    cause: 'Two boards were given one id, or this board takes the place of one that still runs.',
    operatorDoes:
      'Give this board another id. If it takes the place of the other one, take the id over: the other board is shut out once this one reports.',
    retry: 'after-fix',
    offer: 'take-over',
  },
  DEVICE_ID_OF_OTHER_BOARD: {
    title: 'Id was given to another board',
    says: 'On {day} the id {deviceId} was given to another board: {other}. Nothing was made for this one.',
    cause: 'One id was typed or scanned for two boards, or the other board was replaced or flashed anew.',
    operatorDoes:
      'Give this board another id. If it takes the place of the other one, or is that board flashed anew, take the id over: older keys are deleted once this board works.',
    retry: 'after-fix',
    offer: 'take-over',
  },
  DEVICE_HAS_OTHER_ID: {
    title: 'Device has another id',
    says: 'The device is enrolled as {actual}, not as {deviceId}. Nothing on it was changed.',
    cause: 'The target is the address of another device.',
    operatorDoes: 'Find the address of {deviceId} and do the same again with that target.',
    retry: 'after-fix',
  },
  DEVICE_BUSY: {
    title: 'Device is being changed',
    says: 'The device is being changed by {holder}.',
    cause: 'Another station enrolls it now, or a run that was cut off still finishes on it.',
    operatorDoes: 'Wait until that is through, then retry.',
    retry: 'now',
  },
  DEVICE_ENROLLED_ELSEWHERE: {
    title: 'Enrolled from elsewhere meanwhile',
    says: 'The device was given a key by another station, again and again, while this one worked on it.',
    cause: 'Two stations have this device on their benches.',
    operatorDoes: 'Find the other station and keep the device on one of the two, then retry.',
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
  DEVICE_KEY_NEEDED: {
    title: 'Device takes only keys',
    says: 'The device at {address} lets {user} in by a key only, and the station has none to offer.',
    cause:
      'The profile names no private key and not the SSH agent, or the agent holds none. A password would not be looked at.',
    operatorDoes:
      'Give the profile a private_key_file under [ssh], or agent = true for the keys of the SSH agent, open its file again and enroll the device anew. On the command line: --ssh-key or --ssh-agent.',
    retry: 'after-fix',
  },
  DEVICE_KEY_REFUSED: {
    title: 'SSH key refused',
    says: 'The device at {address} takes only keys, and for {user} none of those it was offered: {keys}.',
    cause:
      'Their public halves are not in the authorized_keys of {user} on the device, or others than {user} may write to that file.',
    operatorDoes:
      'Add the public half of one of these keys to ~/.ssh/authorized_keys of {user} on the device and retry. Or offer another key: private_key_file or agent under [ssh] in the profile; on the command line --ssh-key or --ssh-agent.',
    retry: 'after-fix',
  },
  DEVICE_LOGIN_UNSUITABLE: {
    title: 'Login the station cannot give',
    says: 'The device at {address} wants another login of {user} than a key or a password.',
    cause:
      'It asks for a code or a new password, or it takes other kinds of login only. The evidence tells which.',
    operatorDoes:
      'Have the device take a key or a password alone for {user}. If the password has run out, log in there by hand and change it. Then retry.',
    retry: 'after-fix',
  },
  DEVICE_LOGIN_BLOCKED: {
    title: 'Device takes no logins for now',
    says: 'The device at {address} turns every connection away, before a login is tried.',
    cause:
      'Its SSH server holds failed logins against this station for a while, as Debian 13 does after a few wrong passwords or keys.',
    operatorDoes:
      'Correct the password or key, wait a minute, then retry. Each further failed login makes it longer.',
    retry: 'after-fix',
  },
  DEVICE_HOST_KEY_CHANGED: {
    title: 'Not the same device as before',
    says: 'This is not the device that answered at {address} before.',
    cause:
      'The board was swapped or flashed again, or somebody stands in between. Known {expected}, now {actual}. No password and no key was offered to it.',
    operatorDoes:
      'Set it aside and call the line lead. The new key can be trusted in the details of the device.',
    retry: 'never',
  },
  DEVICE_HOST_KEY_UNKNOWN: {
    title: 'Device is not known',
    says: 'The host key of {address} is not among the known ones: {actual}.',
    cause:
      'The profile admits known host keys only, and this one is neither pinned nor in the known hosts file. No password and no key was offered to it.',
    operatorDoes: 'Compare the key with the one of the board and add it to the known hosts file, then retry.',
    retry: 'after-fix',
  },
  DEVICE_HOST_KEY_REVOKED: {
    title: 'Host key is revoked',
    says: 'The host key of {address} is revoked: {actual}.',
    cause:
      'The known hosts file marks this key as one that must not be trusted. No password and no key was offered.',
    operatorDoes: 'Set the board aside and call the line lead.',
    retry: 'never',
  },
  DEVICE_SSH_OUTDATED: {
    title: 'SSH server is too old',
    says: 'The SSH server at {address} speaks nothing that is safe today.',
    cause:
      'Its image is old. The station speaks neither SHA-1 nor CBC; the evidence tells what the server offers.',
    operatorDoes: 'Flash a current image, or update the SSH server of the device.',
    retry: 'after-fix',
  },
  DEVICE_SSH_MISBEHAVES: {
    title: 'Device breaks the SSH protocol',
    says: 'What answers at {address} does not behave as an SSH server: {problem}.',
    cause: 'Another service listens there, the board is broken, or it is hostile.',
    operatorDoes: 'Check address and port. If they are right, set the board aside and call the line lead.',
    retry: 'after-fix',
  },
  DEVICE_JUMP_REFUSED: {
    title: 'Jump host refuses the login',
    says: 'The jump host {hop} refused the login of {user}.',
    cause: 'It knows none of the keys the station offers. A password is never offered to a jump host.',
    operatorDoes: 'Have the key of the station added on the jump host, or name the right one, then retry.',
    retry: 'after-fix',
  },
  DEVICE_JUMP_FAILED: {
    title: 'Jump host does not pass on',
    says: 'The jump host {hop} does not connect to {address}.',
    cause: 'It may not forward connections, or it does not reach the device itself.',
    operatorDoes: 'Check that the device is on and that the jump host may forward to it, then retry.',
    retry: 'after-fix',
  },
  DEVICE_NOT_THE_SAME: {
    title: 'Another board came back',
    says: 'The board that came back at {address} is not the one that was lost.',
    cause: 'Its address went to another board, or the boards were swapped. Before {expected}, now {actual}.',
    operatorDoes: 'See which board is at {address}, then retry.',
    retry: 'after-fix',
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
    says: '{free} are free at {place} on the device; {needed} are needed.',
    cause: 'The storage is too small or full.',
    operatorDoes: 'Free space or use a larger card, then retry.',
    retry: 'after-fix',
  },
  DEVICE_READ_ONLY: {
    title: 'Device cannot be written to',
    says: '{place} on the device is read-only.',
    cause: 'Its root is protected by an overlay or mounted read-only, or the card has errors.',
    operatorDoes: 'Switch the protection off or use another card, then retry.',
    retry: 'after-fix',
  },
  DEVICE_OBSTRUCTED: {
    title: 'Something is in the way on the device',
    says: '{path} {problem}.',
    cause: 'An earlier installation left it, or somebody set this device up by hand.',
    operatorDoes: 'Have a technician put it right, or flash the device anew. Then retry.',
    retry: 'after-fix',
  },
  DEVICE_APT_LOCKED: {
    title: 'Package manager stays locked',
    says: 'The package manager was locked for {waited}, by {holder}.',
    cause: 'The device is updating itself.',
    operatorDoes: 'Let it finish, then retry.',
    retry: 'now',
  },
  DEVICE_APT_FAILED: {
    title: 'Packages could not be installed',
    says: 'Installing {packages} failed: {words}.',
    cause: 'The device reaches no package mirror, or its package state is broken.',
    operatorDoes: 'Check that the device reaches its mirror, then retry.',
    retry: 'after-fix',
  },
  DEVICE_CLOCK_OFF: {
    title: 'Clock of the device is wrong',
    says: 'The clock of the device is {offset} off.',
    cause:
      'The board has no battery clock and did not reach a time server. Sign-in with a key needs the right time.',
    operatorDoes: "Give it this station's time, or let it reach a time server, then retry.",
    retry: 'after-fix',
    offer: 'set-clock',
  },
  DEVICE_TIMEOUT: {
    title: 'Device took too long',
    says: '{step} {problem}.',
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
  STEP_NOT_VERIFIED: {
    title: 'Not as it should be afterwards',
    says: '{step} was done, but a second look finds it is not right: {problem}.',
    cause: 'Something on the device changes it back.',
    operatorDoes: 'Read the log and look at the device.',
    retry: 'now',
  },
} as const satisfies Readonly<Record<string, Remedy>>;
