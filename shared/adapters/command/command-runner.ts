import type { DeviceCommand, ElevationMethod } from '../../device/device-command.ts';
import type { Clock, CommandResult } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { REDACTED } from '../../model/secret.ts';
import type { CommandInput, CommandTransport } from './command-transport.ts';
import { elevationFailure, elevationOf, frameCommand } from './elevation.ts';
import { createElevationGate } from './elevation-gate.ts';
import type { OutputLimits } from './limits.ts';
import { createOutputCollector, OutputLimitError } from './output-collector.ts';
import { watchProgress } from './progress-watch.ts';
import { type StandardInput, sendInput } from './standard-input.ts';

export interface CommandRunnerOptions {
  readonly transport: CommandTransport;
  /** Where the commands run, for errors. */
  readonly address: string;
  readonly user: string;
  readonly clock: Clock;
  readonly limits: OutputLimits;
  /** The error of a way that broke. */
  lost(evidence: string, cause?: unknown): EnrollmentError;
}

export interface Execution {
  readonly command: DeviceCommand;
  readonly elevation: ElevationMethod;
  readonly input: StandardInput;
  readonly signal: AbortSignal;
  readonly limitMs: number;
  readonly quietLimitMs?: number;
  readonly onLine?: ((stream: 'stdout' | 'stderr', line: string) => void) | undefined;
}

/** Runs scripts over one transport: framing, elevation, limits, masking and the end of everything. */
export interface CommandRunner {
  /** A non-zero exit status is a result, not an error. */
  execute(execution: Execution): Promise<CommandResult>;
  /** Fails what runs with this error and lets nothing begin any more. The first reason stays. */
  refuse(error: EnrollmentError): void;
  /** The same, and ends at once what was started. */
  end(error: EnrollmentError): void;
}

/** A shorter password could be part of any word; masking it would garble the output and hide nothing. */
const MASKED_FROM_LENGTH = 4;

/** Hides the sudo password should sudo or the shell ever print it. */
function passwordMask(elevation: ElevationMethod): (text: string) => string {
  if (elevation.kind !== 'sudo-password') return (text) => text;
  const password = elevation.password.reveal();
  return password.length < MASKED_FROM_LENGTH
    ? (text) => text
    : (text) => text.replaceAll(password, REDACTED);
}

/** A runner for one connection, or for this computer. */
export function createCommandRunner(options: CommandRunnerOptions): CommandRunner {
  const { transport, address, user, clock, limits, lost } = options;
  const placed = { details: { address, user }, subject: address } as const;
  const active = new Set<(error: unknown) => void>();
  let ended: EnrollmentError | undefined;

  const refuse = (error: EnrollmentError) => {
    ended ??= error;
    for (const fail of [...active]) fail(ended);
  };
  const end = (error: EnrollmentError) => {
    refuse(error);
    transport.breakOff();
  };

  function execute(execution: Execution): Promise<CommandResult> {
    const { command, signal, limitMs, quietLimitMs, onLine } = execution;
    const elevation = elevationOf(command, execution.elevation);
    const framed = frameCommand(command, elevation);
    const gate = framed.marks === undefined ? undefined : createElevationGate(framed.marks);
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
      // What stops in the middle leaves the far side in an unknown state: the way to it goes with it.
      const breakOff = (error: unknown) => {
        fail(error);
        end(lost('The station ended the connection.'));
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
      let opened: CommandInput | undefined;
      let printedBytes = 0;
      const cancelLimit = watchProgress({
        ...{ clock, limitMs, quietLimitMs },
        moved: () => ({ takenBytes: opened?.arrivedBytes ?? 0, printedBytes }),
        onOver: (over) => {
          const details = { step: command.title, problem: over.problem };
          const printed = `${stdout.text().slice(-2000)}\n${mask(stderr.text()).slice(-2000)}`;
          const evidence = `${command.title}\n${over.evidence}\n${printed}`;
          breakOff(new EnrollmentError('DEVICE_TIMEOUT', { details, subject: address, evidence }));
        },
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

      const closing = new AbortController();
      // A script that ends before it has read everything closes its input; the rest is not sent then.
      const send = async (input: CommandInput): Promise<void> => {
        if (framed.passwordLine !== undefined && gate !== undefined) {
          await input.write(framed.passwordLine);
          const answer = await Promise.race([gate.answer, aborted(closing.signal)]);
          // Without more input sudo gives up; another line would count as another wrong password.
          if (answer === 'asks-again') input.end();
          if (answer !== 'ready') return;
        }
        await sendInput(input, framed.prologue, execution.input, clock);
      };

      transport.start(
        { argv: framed.argv, elevation },
        {
          opened: (input) => {
            opened = input;
            if (settled) input.end();
            else send(input).catch(breakOff);
          },
          stdout: (bytes) => {
            printedBytes += bytes.length;
            guarded(() => stdout.push(gate?.stdout(bytes) ?? bytes));
          },
          stderr: (bytes) => {
            printedBytes += bytes.length;
            guarded(() => stderr.push(gate?.stderr(bytes) ?? bytes));
          },
          failed: (evidence, cause) => {
            closing.abort();
            fail(lost(evidence, cause));
          },
          closed: (exitStatus) => {
            closing.abort();
            guarded(() => {
              const held = gate?.finish();
              if (held !== undefined) {
                stdout.push(held.stdout);
                stderr.push(held.stderr);
              }
              const output = { stdout: stdout.finish(), stderr: mask(stderr.finish()) };
              if (exitStatus === undefined) return fail(lost('The command ended without an exit status.'));
              const outcome = { exitStatus, ...output };
              const started = gate?.started ?? true;
              const refused = elevationFailure(elevation, { ...outcome, started }, placed);
              settle(() => (refused === undefined ? resolve(outcome) : reject(refused)));
            });
          },
        },
      );
      return undefined;
    });
  }

  return { execute, refuse, end };
}

function aborted(signal: AbortSignal): Promise<'closed'> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve('closed');
    signal.addEventListener('abort', () => resolve('closed'), { once: true });
    return undefined;
  });
}
