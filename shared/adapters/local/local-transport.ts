import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { ElevationMethod } from '../../device/device-command.ts';
import type { Clock } from '../../engine/ports.ts';
import { describeThrown } from '../../errors/enrollment-error.ts';
import type { CommandInput, CommandTransport } from '../command/command-transport.ts';

export interface LocalTransportOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  /** Ends a process group that belongs to root. What fails there is not told to anybody who waits. */
  endAsRoot(group: number, elevation: ElevationMethod): void;
}

/** From being asked to end to being ended. Scripts clear up their temporary files in that time. */
const GRACE_MS = 2000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** How often a group that was asked to end is looked at: its number is soon another's once it is gone. */
const LOOK_MS = 50;

/** Sends a signal to a whole process group. False when nothing of it is left that could be ended. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw thrown;
    return false;
  }
}

function pipeInput(pipe: Writable): CommandInput {
  const gone = new Promise<void>((resolve) => pipe.once('close', resolve));
  let arrivedBytes = 0;
  return {
    get arrivedBytes() {
      return arrivedBytes;
    },
    get isOpen() {
      return pipe.writable;
    },
    // What a reader that is gone did not take is no error; its exit status tells what it thinks.
    write: async (bytes) => {
      if (!pipe.writable) return;
      await Promise.race([new Promise<void>((taken) => pipe.write(bytes, () => taken())), gone]);
      arrivedBytes += bytes.length;
    },
    end: () => pipe.end(),
  };
}

/**
 * Child processes of this program, each the leader of a process group without a terminal, so that sudo cannot ask on
 * the operator's and everything a script started ends with it.
 */
export function createLocalTransport(options: LocalTransportOptions): CommandTransport {
  const { clock, environment, endAsRoot } = options;
  const running = new Map<Child, ElevationMethod>();

  const endGroup = (child: Child, elevation: ElevationMethod) => {
    const group = child.pid;
    if (group === undefined) return;
    // What the group still has to say is heard by nobody.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    if (elevation.kind !== 'none') return endAsRoot(group, elevation);
    const until = clock.monotonicMs() + GRACE_MS;
    const insist = () => {
      if (!signalGroup(group, 0)) return;
      if (clock.monotonicMs() < until) clock.after(LOOK_MS, insist);
      else signalGroup(group, 'SIGKILL');
    };
    if (signalGroup(group, 'SIGTERM')) insist();
    return undefined;
  };

  return {
    breakOff: () => {
      const ending = [...running];
      running.clear();
      for (const [child, elevation] of ending) endGroup(child, elevation);
    },
    start: ({ argv, elevation }, events) => {
      const [program = '', ...words] = argv;
      let child: Child;
      try {
        child = spawn(program, words, {
          stdio: ['pipe', 'pipe', 'pipe'],
          detached: true,
          cwd: '/',
          env: environment,
        });
      } catch (thrown) {
        events.failed(describeThrown(thrown), thrown);
        return;
      }
      running.set(child, elevation);
      child.once('error', (error) => {
        running.delete(child);
        events.failed(`The command was not started: ${describeThrown(error)}`, error);
      });
      child.stdin.on('error', () => undefined);
      child.stdout.on('data', (bytes: Buffer) => events.stdout(bytes));
      child.stderr.on('data', (bytes: Buffer) => events.stderr(bytes));
      child.once('close', (code, signal) => {
        running.delete(child);
        // As a shell reports a command that a signal ended.
        events.closed(signal === null ? (code ?? undefined) : 128 + constants.signals[signal]);
      });
      if (child.pid !== undefined) events.opened(pipeInput(child.stdin));
    },
  };
}
