import { randomBytes } from 'node:crypto';
import type { DeviceCommand, ElevationMethod } from '../../device/device-command.ts';
import { EnrollmentError, type EnrollmentErrorOptions } from '../../errors/enrollment-error.ts';
import type { ElevationMarks } from './elevation-gate.ts';

/** What goes out for one command: the fixed exec string, and the bytes that come first on standard input. */
export interface FramedCommand {
  readonly exec: string;
  readonly prologue: Buffer;
  /** With a password: its line goes first and alone, and the prologue only once the shell has answered. */
  readonly login?: { readonly passwordLine: Buffer; readonly marks: ElevationMarks };
}

/** How this command becomes root: what needs no root never elevates. */
export function elevationOf(command: DeviceCommand, elevation: ElevationMethod): ElevationMethod {
  return command.asRoot ? elevation : { kind: 'none' };
}

/**
 * Frames a script. The exec string carries nothing but the script's length; the script itself travels on
 * standard input, so neither the process list nor sudo's log of the device shows it, and what follows it there
 * reaches the script byte for byte.
 */
export function frameCommand(command: DeviceCommand, elevation: ElevationMethod): FramedCommand {
  const script = Buffer.from(command.script, 'utf8');
  const shell = `/bin/sh -c 'eval "$(head -c ${script.length})"'`;
  const method = elevationOf(command, elevation);
  switch (method.kind) {
    case 'none':
      return { exec: `exec ${shell}`, prologue: script };
    case 'sudo':
      return { exec: `exec sudo -n ${shell}`, prologue: script };
    case 'sudo-password':
      return framePassword(script, method.password.reveal());
  }
}

/**
 * Nobody can tell from here whether sudo takes the password line (NOPASSWD, a policy of its own), and what it leaves
 * would become the script of a root shell. So the shell throws away every line up to a random one; `read` takes
 * single bytes from a pipe, so nothing behind that line is lost. What is sent too early, sudo would take for further
 * passwords and lock the account, so the shell says first that it is there.
 */
function framePassword(script: Buffer, password: string): FramedCommand {
  const random = randomBytes(12).toString('hex');
  const marks = { prompt: `muster-asks-${random}`, ready: `muster-ready-${random}` };
  const shell =
    `echo ${marks.ready}; while { IFS= read -r l || exit 1; [ "$l" != ${marks.ready} ]; }; do :; done; unset l; ` +
    `eval "$(head -c ${script.length})"`;
  return {
    exec: `exec sudo -S -k -p ${marks.prompt} /bin/sh -c '${shell}'`,
    prologue: Buffer.concat([Buffer.from(`${marks.ready}\n`, 'utf8'), script]),
    login: { passwordLine: Buffer.from(`${password}\n`, 'utf8'), marks },
  };
}

const PASSWORD_WANTED = /^sudo: .*(?:a password is required|no tty present|a terminal is required)/m;
const REFUSED = [
  /incorrect password attempt/,
  /^Sorry, try again/m,
  /^sudo: no password was provided/m,
  /is not in the sudoers file/,
  /is not allowed to (?:run sudo|execute)/,
  /may not run sudo/,
  /^sudo: .*you must have a tty/m,
  /sudo: (?:command )?not found/,
];
/** A sudo that speaks another language still names itself first, and the script has printed nothing yet. */
const SUDO_SPOKE_LAST = /(?:^|\n)sudo: [^\n]*\n?$/;

export interface ElevationOutcome {
  readonly exitStatus: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Known only where a password is used: whether the shell behind sudo was reached. */
  readonly started?: boolean;
}

/**
 * The error of a sudo that did not let the script start, or undefined when the script itself ran.
 * @param place details, subject and so on for the error
 */
export function elevationFailure(
  method: ElevationMethod,
  outcome: ElevationOutcome,
  place: EnrollmentErrorOptions,
): EnrollmentError | undefined {
  const { stderr } = outcome;
  const evidence = `sudo ended with exit status ${outcome.exitStatus}\n${stderr}`;
  if (method.kind === 'sudo-password') {
    if (outcome.started === true) return undefined;
    return new EnrollmentError('DEVICE_SUDO_REFUSED', { ...place, evidence });
  }
  if (method.kind === 'none' || outcome.stdout !== '') return undefined;
  if (outcome.exitStatus !== 1 && outcome.exitStatus !== 127) return undefined;
  if (PASSWORD_WANTED.test(stderr)) {
    return new EnrollmentError('DEVICE_SUDO_PASSWORD_NEEDED', { ...place, evidence });
  }
  if (REFUSED.some((pattern) => pattern.test(stderr)) || SUDO_SPOKE_LAST.test(stderr)) {
    return new EnrollmentError('DEVICE_SUDO_REFUSED', { ...place, evidence });
  }
  return undefined;
}
