import { constants } from 'node:os';
import type { Client, ClientChannel } from 'ssh2';
import type { DeviceCommand, ElevationMethod } from '../../device/device-command.ts';
import type { Clock, CommandResult, DeviceSession } from '../../engine/ports.ts';
import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';
import { REDACTED } from '../../model/secret.ts';
import { formatAddress } from '../../model/target.ts';
import { elevationFailure, elevationOf, frameCommand } from './elevation.ts';
import { createElevationGate } from './elevation-gate.ts';
import type { SshLimits } from './limits.ts';
import { createOutputCollector, OutputLimitError } from './output-collector.ts';
import { lostError, type SshPlace } from './ssh-errors.ts';
import { payloadInput, type StandardInput, sendInput, uploadInput } from './standard-input.ts';

export interface SessionOptions {
  readonly client: Client;
  readonly place: SshPlace;
  readonly hostKeyFingerprint: string;
  readonly clock: Clock;
  readonly limits: SshLimits;
}

interface Execution {
  readonly command: DeviceCommand;
  readonly elevation: ElevationMethod;
  readonly input: StandardInput;
  readonly signal: AbortSignal;
  readonly limitMs: number;
  readonly onLine?: ((stream: 'stdout' | 'stderr', line: string) => void) | undefined;
}

/** A shorter password could be part of any word; masking it would garble the output and hide nothing. */
const MASKED_FROM_LENGTH = 4;

const GOODBYE_MS = 1000;

/** Hides the sudo password should sudo or the shell ever print it. */
function passwordMask(elevation: ElevationMethod): (text: string) => string {
  if (elevation.kind !== 'sudo-password') return (text) => text;
  const password = elevation.password.reveal();
  return password.length < MASKED_FROM_LENGTH
    ? (text) => text
    : (text) => text.replaceAll(password, REDACTED);
}

function exitStatusOf(code: number | null, signalName: string | undefined): number {
  if (code !== null) return code;
  const signals: Readonly<Record<string, number>> = constants.signals;
  // As a shell reports a command that a signal ended.
  return 128 + (signals[`SIG${(signalName ?? '').replace(/^SIG/, '')}`] ?? 0);
}

/** A logged-in connection as the core uses it. */
export function createSession(options: SessionOptions): DeviceSession {
  const { client, place, clock, limits } = options;
  const address = formatAddress(place.target);
  const placed = { details: { address, user: place.user }, subject: address } as const;
  const active = new Set<(error: unknown) => void>();
  let ended: EnrollmentError | undefined;

  const end = (error: EnrollmentError) => {
    ended ??= error;
    client.destroy();
    for (const fail of [...active]) fail(ended);
  };
  client.on('error', (thrown: unknown) => end(lostError(place, describeThrown(thrown), thrown)));
  client.on('close', () => end(lostError(place, 'The device closed the connection.')));

  function execute(execution: Execution): Promise<CommandResult> {
    const { command, signal, limitMs, onLine } = execution;
    const elevation = elevationOf(command, execution.elevation);
    const framed = frameCommand(command, elevation);
    const gate = framed.login === undefined ? undefined : createElevationGate(framed.login.marks);
    const mask = passwordMask(elevation);

    return new Promise<CommandResult>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (ended !== undefined) return reject(ended);
      let settled = false;
      const settle = (outcome: () => void) => {
        if (settled) return;
        settled = true;
        cancelLimit();
        signal.removeEventListener('abort', onAbort);
        active.delete(fail);
        outcome();
      };
      const fail = (error: unknown) => settle(() => reject(error));
      // What stops in the middle leaves the far side in an unknown state: the connection goes with it.
      const breakOff = (error: unknown) => {
        fail(error);
        end(lostError(place, 'The station ended the connection.'));
      };
      const onAbort = () => breakOff(signal.reason);
      const collect = (name: 'stdout' | 'stderr', maxBytes: number) =>
        createOutputCollector({
          name,
          maxBytes,
          maxLineLength: limits.lineLength,
          onLine: (line) => onLine?.(name, name === 'stderr' ? mask(line) : line),
        });
      const stdout = collect('stdout', limits.stdoutBytes);
      const stderr = collect('stderr', limits.stderrBytes);
      const cancelLimit = clock.after(limitMs, () => {
        const details = { step: command.title, limit: `${Math.round(limitMs / 1000)} s` };
        const evidence = `${command.title}\n${stdout.text().slice(-2000)}\n${mask(stderr.text()).slice(-2000)}`;
        breakOff(new EnrollmentError('DEVICE_TIMEOUT', { details, subject: address, evidence }));
      });
      active.add(fail);
      signal.addEventListener('abort', onAbort, { once: true });

      const guarded = (work: () => void) => {
        if (settled) return;
        try {
          work();
        } catch (thrown) {
          if (!(thrown instanceof OutputLimitError)) return breakOff(thrown);
          const details = { problem: thrown.message };
          breakOff(
            new EnrollmentError('DEVICE_FACTS_UNREADABLE', { details, subject: address, cause: thrown }),
          );
        }
      };

      const onChannel = (thrown: Error | undefined, channel: ClientChannel) => {
        if (thrown)
          return fail(lostError(place, `No channel for a command: ${describeThrown(thrown)}`, thrown));
        if (settled) return channel.close();
        let exitStatus: number | undefined;
        const closed = new Promise<void>((done) => channel.once('close', () => done()));
        channel.on('data', (bytes: Buffer) => guarded(() => stdout.push(gate?.stdout(bytes) ?? bytes)));
        channel.stderr.on('data', (bytes: Buffer) =>
          guarded(() => stderr.push(gate?.stderr(bytes) ?? bytes)),
        );
        channel.on('exit', (code: number | null, signalName?: string) => {
          exitStatus = exitStatusOf(code, signalName);
        });
        channel.on('error', (error: Error) => fail(lostError(place, describeThrown(error), error)));
        channel.on('close', () =>
          guarded(() => {
            const held = gate?.finish();
            if (held !== undefined) {
              stdout.push(held.stdout);
              stderr.push(held.stderr);
            }
            const outcome = {
              exitStatus: exitStatus ?? -1,
              stdout: stdout.finish(),
              stderr: mask(stderr.finish()),
            };
            if (exitStatus === undefined)
              return fail(lostError(place, 'The command ended without an exit status.'));
            const started = gate === undefined ? {} : { started: gate.started };
            const refused = elevationFailure(elevation, { ...outcome, ...started }, placed);
            settle(() => (refused === undefined ? resolve(outcome) : reject(refused)));
          }),
        );
        // A script that ends before it has read everything closes the channel; the rest is not sent then.
        const send = async (): Promise<void> => {
          if (framed.login !== undefined && gate !== undefined) {
            channel.write(framed.login.passwordLine);
            const answer = await Promise.race([gate.answer, closed]);
            // Without more input sudo gives up; another line would count as another wrong password.
            if (answer === 'asks-again') channel.end();
            if (answer !== 'ready') return;
          }
          await sendInput(channel, framed.prologue, execution.input, closed);
        };
        send().catch(breakOff);
      };
      try {
        client.exec(framed.exec, { pty: false, agentForward: false, x11: false } as never, onChannel);
      } catch (thrown) {
        fail(lostError(place, describeThrown(thrown), thrown));
      }
      return undefined;
    });
  }

  return {
    hostKeyFingerprint: options.hostKeyFingerprint,
    loginUser: place.user,
    run: (command, { signal, elevation, payload, onLine, limitMs }) =>
      execute({ command, elevation, input: payloadInput(payload), signal, limitMs, onLine }),
    upload: (command, file, { signal, elevation, onProgress, limitMs }) =>
      execute({ command, elevation, input: uploadInput(file, onProgress), signal, limitMs }),
    close: () => {
      ended ??= lostError(place, 'The connection was closed by the station.');
      for (const fail of [...active]) fail(ended);
      // A device that does not answer the goodbye is not waited for.
      const cancel = clock.after(GOODBYE_MS, () => client.destroy());
      client.once('close', cancel);
      client.end();
    },
  };
}
