import { randomBytes } from 'node:crypto';
import type { DeviceCommand, ElevationMethod } from '../../device/device-command.ts';
import { EnrollmentError, type EnrollmentErrorOptions } from '../../errors/enrollment-error.ts';
import type { ElevationMarks } from './elevation-gate.ts';

/** What goes out for one command: fixed words, and the bytes that come first on standard input. */
export interface FramedCommand {
  readonly argv: readonly string[];
  readonly prologue: Buffer;
  /** Where sudo is in between: how to tell that it has let the script begin. */
  readonly marks?: ElevationMarks;
  /** With a password: its line goes first and alone, and the prologue only once the shell has answered. */
  readonly passwordLine?: Buffer;
}

/** How this command becomes root: what needs no root never elevates. */
export function elevationOf(command: DeviceCommand, elevation: ElevationMethod): ElevationMethod {
  return command.asRoot ? elevation : { kind: 'none' };
}

/** sudo's words are read where it refuses, so it speaks English. It hands the language on to the script. */
const SUDO = ['env', 'LC_ALL=C', 'sudo'];
const SHELL = ['/bin/sh', '-c'];

/**
 * Frames a script. The words carry nothing but the script's length; the script itself travels on standard
 * input, so neither the process list nor sudo's log of the device shows it, and what follows it there reaches the
 * script byte for byte.
 *
 * No word holds a single quote, a backslash or an exclamation mark: between single quotes all shells agree on the
 * rest, and the login shell of a device may be fish or tcsh.
 */
export function frameCommand(command: DeviceCommand, elevation: ElevationMethod): FramedCommand {
  const script = Buffer.from(command.script, 'utf8');
  const run = `eval "$(head -c ${script.length})"`;
  const method = elevationOf(command, elevation);
  if (method.kind === 'none') return { argv: [...SHELL, run], prologue: script };
  const random = randomBytes(12).toString('hex');
  const marks = { prompt: `muster-asks-${random}`, ready: `muster-ready-${random}` };
  switch (method.kind) {
    case 'sudo':
      return {
        argv: [...SUDO, '-n', ...SHELL, `echo ${marks.ready}; ${run}`],
        prologue: script,
        marks,
      };
    case 'sudo-password':
      return {
        argv: [
          ...SUDO,
          '-S',
          '-k',
          '-p',
          marks.prompt,
          ...SHELL,
          `echo ${marks.ready}; ${skipTo(marks.ready)}; ${run}`,
        ],
        prologue: Buffer.concat([Buffer.from(`${marks.ready}\n`, 'utf8'), script]),
        marks,
        passwordLine: Buffer.from(`${method.password.reveal()}\n`, 'utf8'),
      };
  }
}

/**
 * Nobody can tell from here whether sudo takes the password line (NOPASSWD, a policy of its own), and what it leaves
 * would become the script of a root shell. So the shell throws away every line up to a random one; `read` takes
 * single bytes from a pipe, so nothing behind that line is lost. What is sent too early, sudo would take for further
 * passwords and lock the account, so the shell says first that it is there.
 */
function skipTo(line: string): string {
  return `until { IFS= read -r l || exit 1; [ "$l" = ${line} ]; }; do :; done; unset l`;
}

const PASSWORD_WANTED = /^sudo: .*(?:a password is required|no tty present|a terminal is required)/m;

export interface ElevationOutcome {
  readonly exitStatus: number;
  readonly stderr: string;
  /** Whether the shell behind sudo was reached. */
  readonly started: boolean;
}

/**
 * The error of a sudo that did not let the script begin, or undefined when the script itself ran.
 * @param place details, subject and so on for the error
 */
export function elevationFailure(
  method: ElevationMethod,
  outcome: ElevationOutcome,
  place: EnrollmentErrorOptions,
): EnrollmentError | undefined {
  if (method.kind === 'none' || outcome.started) return undefined;
  const evidence = `sudo ended with exit status ${outcome.exitStatus}\n${outcome.stderr}`;
  // With a password given, "a password is required" means that it was not taken.
  const wanted = method.kind === 'sudo' && PASSWORD_WANTED.test(outcome.stderr);
  return new EnrollmentError(wanted ? 'DEVICE_SUDO_PASSWORD_NEEDED' : 'DEVICE_SUDO_REFUSED', {
    ...place,
    evidence,
  });
}
