import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { inProject, projectRoot } from '../../scripts/setup/paths.mjs';
import { capture, type Outcome } from '../../scripts/setup/processes.mjs';

/** A VM that `npm run vm` has started, known by nothing but what that command printed. */
export interface RunningVm {
  readonly process: ChildProcess;
  /** Everything that was printed. */
  output(): string;
  readonly target: string;
  readonly privateKeyFile: string;
  readonly consoleFile: string;
  readonly secondsUntilUp: number;
  /** Runs a command by OpenSSH, with the printed words. @param more options before them */
  ssh(command: string, more?: readonly string[]): Promise<Outcome>;
  /** Asks the command to end, and gives its status. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts `npm run vm` with a cache of its own and waits until it says how to reach the VM.
 * @throws {Error} with everything it printed, when it ends before
 */
export async function startVm(args: readonly string[], cache: string): Promise<RunningVm> {
  const child = spawn(process.execPath, [inProject('scripts', 'vm.mjs'), ...args], {
    ...{ cwd: projectRoot, env: { ...process.env, XDG_CACHE_HOME: cache } },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  while (!/^ {2}stop /m.test(output)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`npm run vm ended:\n${output}`);
    await pause(200);
  }
  const printed = (name: string): string => new RegExp(`^ {2}${name} +(.*)$`, 'm').exec(output)?.[1] ?? '';
  const [program = '', ...words] = printed('log in').split(' ');
  return {
    process: child,
    output: () => output,
    target: /--target (\S+)/.exec(printed('enroll'))?.[1] ?? '',
    privateKeyFile: words[words.indexOf('-i') + 1] ?? '',
    consoleFile: printed('console'),
    secondsUntilUp: Number(/is up after (\d+) s/.exec(output)?.[1]),
    ssh: async (command, more = []) =>
      await capture(program, ['-o', 'BatchMode=yes', ...more, ...words, command], { limitMs: 120_000 }),
    end: async (signal) => {
      process.off('exit', kill);
      if (child.exitCode === null) {
        child.kill(signal);
        await once(child, 'exit');
      }
      return child.exitCode;
    },
  };
}

/** What has to be the same when a file was not written to. */
export function traceOf(file: string): string {
  const { size, mtimeMs, blocks } = fs.statSync(file);
  return JSON.stringify({ size, mtimeMs, blocks });
}
