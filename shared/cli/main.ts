import { CommanderError } from 'commander';
import { Stopped } from '../engine/limits.ts';
import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { SecretTerminal } from './ask-secret.ts';
import type { CommandContext } from './command-context.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { takeGivenSecrets } from './given-secrets.ts';
import { isHangUpIgnored } from './hang-ups.ts';
import { Interrupts } from './interrupts.ts';
import { Output } from './output.ts';
import { createProgram } from './program.ts';
import { ShownError } from './sign-in.ts';
import { StandardStreams } from './standard-streams.ts';
import { UsageError } from './usage-error.ts';

/**
 * The program `muster`. Secrets leave the environment before anything else happens, so that no child inherits them.
 * @returns the exit code, once all output has gone out
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const interrupts: Interrupts = new Interrupts(
    { on: (signal, listener) => process.on(signal, listener), exit: (code) => process.exit(code) },
    (text) => output.note(text),
    { ignoresHangUp: isHangUpIgnored(process.ppid) },
  );
  const streams = new StandardStreams(process, interrupts);
  let output = outputOf(streams, args.includes('--json'));
  let code: ExitCode = exitCodes.ok;
  try {
    const secrets = takeGivenSecrets(process.env);
    const context = ({ json }: { readonly json?: boolean }): CommandContext => {
      output = outputOf(streams, json === true);
      return {
        output,
        interrupts,
        secrets,
        environment: process.env,
        terminal: terminalOf(output, interrupts),
      };
    };
    const program = createProgram(context, (ended) => {
      code = ended;
    });
    await program.parseAsync([...args], { from: 'user' });
  } catch (thrown) {
    code = tellFailure(thrown, output, interrupts);
  }
  output.event('end', { exitCode: code });
  await streams.flush();
  return code === exitCodes.ok ? (streams.exitCode ?? code) : code;
}

function outputOf({ stdout, stderr }: StandardStreams, json: boolean): Output {
  return new Output({
    ...{ stdout, stderr, json, nowMs: () => Date.now() },
    noColour: Boolean(process.env.NO_COLOR),
  });
}

/** Somebody sits there when both directions are a terminal. */
function terminalOf(output: Output, interrupts: Interrupts): SecretTerminal | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  // It is only read, and its modes are only set, for a question: that one deals with it.
  process.stdin.on('error', () => interrupts.hangUp());
  return {
    input: process.stdin,
    write: (text) => output.ask(text),
    onInterrupt: () => interrupts.interrupt(),
  };
}

function tellFailure(thrown: unknown, output: Output, interrupts: Interrupts): ExitCode {
  if (thrown instanceof CommanderError) {
    // Commander has told it already; help and version are no failure.
    if (thrown.exitCode === 0) return exitCodes.ok;
    if (output.isJson) output.event('usage', { says: thrown.message });
    return exitCodes.usage;
  }
  if (thrown instanceof UsageError) {
    if (output.isJson) output.event('usage', { says: thrown.message });
    else output.note(thrown.message);
    return exitCodes.usage;
  }
  if (interrupts.exitCode !== undefined && (thrown instanceof Stopped || interrupts.signal.aborted))
    return interrupts.exitCode;
  const view = thrown instanceof ShownError ? thrown.view : toErrorView(thrown);
  output.error(view);
  if (!(thrown instanceof EnrollmentError || thrown instanceof ShownError) && thrown instanceof Error)
    output.note(thrown.stack ?? '');
  return exitCodeOf(view.code);
}
