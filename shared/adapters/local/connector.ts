import { type as systemName } from 'node:os';
import { endProcessGroup } from '../../device/process-group.ts';
import type { Clock, DeviceSession, Logger } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { formatAddress } from '../../model/target.ts';
import { type CommandRunner, createCommandRunner } from '../command/command-runner.ts';
import { defaultOutputLimits, type OutputLimits } from '../command/limits.ts';
import { payloadInput } from '../command/standard-input.ts';
import { uploadInput } from '../command/upload-input.ts';
import { systemAccount } from '../system/account.ts';
import { createLocalTransport } from './local-transport.ts';

export interface LocalConnectorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Everything a command's environment holds. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits?: Partial<OutputLimits>;
}

/** The part of `DeviceConnector` that is this computer itself. */
export interface LocalConnector {
  /** False where the agent has no place: it is made for Debian. */
  readonly isPossible: boolean;
  /** @throws DEVICE_UNSUPPORTED on a system that is no Linux */
  open(signal: AbortSignal): DeviceSession;
}

const address = formatAddress({ kind: 'local' });
/** Ending a group takes two seconds where it does not want to, and a slow sudo. */
const END_LIMIT_MS = 20_000;

function lost(evidence: string, cause?: unknown): EnrollmentError {
  return new EnrollmentError('DEVICE_CONNECTION_LOST', {
    ...{ details: { address }, subject: address, evidence },
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Runs the steps on the computer this program runs on, as its own account, through the same sudo as everywhere.
 * Nothing is sent through a network; scripts, payloads and passwords go by pipes.
 */
export function createLocalConnector(options: LocalConnectorOptions): LocalConnector {
  const { clock, logger, environment } = options;
  const isPossible = process.platform === 'linux';
  const limits: OutputLimits = { ...defaultOutputLimits, ...options.limits };

  function createRunner(user: string, endAsRoot: Parameters<typeof createLocalTransport>[0]['endAsRoot']) {
    const transport = createLocalTransport({ clock, environment, endAsRoot });
    return createCommandRunner({ ...{ transport, address, user, clock, limits, lost } });
  }

  /** With a runner of its own: the one whose command is ended takes no more commands. */
  function endAsRoot(user: string): Parameters<typeof createLocalTransport>[0]['endAsRoot'] {
    return (group, elevation) => {
      const runner = createRunner(user, () => undefined);
      const tell = (problem: unknown) => logger.log('warn', 'local-command-left', { group, problem });
      runner
        .execute({
          ...{ command: endProcessGroup(group), elevation, input: payloadInput(undefined) },
          ...{ signal: new AbortController().signal, limitMs: END_LIMIT_MS },
        })
        .then(({ exitStatus, stderr }) => exitStatus !== 0 && tell(stderr))
        .catch(tell);
    };
  }

  return {
    isPossible,
    open: (signal) => {
      signal.throwIfAborted();
      if (!isPossible) {
        const details = { found: systemName() };
        throw new EnrollmentError('DEVICE_UNSUPPORTED', { details, subject: address, phase: 'connect' });
      }
      const user = systemAccount().name;
      return sessionOf(createRunner(user, endAsRoot(user)), user, clock);
    },
  };
}

function sessionOf(runner: CommandRunner, user: string, clock: Clock): DeviceSession {
  return {
    hostKeyFingerprint: undefined,
    loginUser: user,
    run: (command, { payload, ...rest }) =>
      runner.execute({ command, input: payloadInput(payload), ...rest }),
    upload: (command, file, { onProgress, ...rest }) =>
      runner.execute({
        command,
        input: uploadInput(file, { clock, watch: undefined, onProgress }),
        ...rest,
      }),
    close: () => runner.end(lost('The session was closed by the station.')),
  };
}
