// A running QEMU: started so that it cannot outlive this process, and asked through its monitor to shut down.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export const qemuProgram = 'qemu-system-aarch64';

export interface Qemu {
  readonly pid: number;
  /** Settled when it has ended; gives what it said on standard error. */
  readonly ended: Promise<string>;
  /**
   * Presses the power button and waits until the system is down; after the limit the power is cut.
   * @returns whether the system went down by itself
   */
  powerDown(limitMs: number): Promise<boolean>;
  /** Cuts the power at once. */
  kill(): void;
}

/**
 * Starts QEMU. It ends with this process even when that is killed outright: a guard sees its pipe to it close. (The
 * kernel's parent-death signal is for Linux only, and misses a parent that dies while QEMU is being started.)
 * @param args with the monitor on standard input and output
 */
export function startQemu(args: readonly string[], program: string = qemuProgram): Qemu {
  // A group of its own: Ctrl-C on the terminal is for this process, which then shuts the VM down.
  const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    messages = (messages + text).slice(-4_000);
  });
  child.stdin.on('error', () => undefined); // It ended while it was told something; `ended` says so.
  const guard = child.pid === undefined ? undefined : guardProcess(child.pid);
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', () => resolve(messages.trim()));
  }).finally(() => {
    process.off('exit', kill);
    guard?.kill('SIGKILL');
  });
  const monitor = openMonitor(child);
  return {
    pid: child.pid ?? 0,
    ended,
    kill,
    powerDown: async (limitMs) => {
      monitor('system_powerdown');
      const wentDown = await Promise.race([ended.then(() => true), pause(limitMs, false, { ref: false })]);
      if (!wentDown) kill();
      await ended;
      return wentDown;
    },
  };
}

/** Speaks QMP: a command is sent once both sides have greeted. The replies are read and not needed. */
function openMonitor(child: ChildProcess): (command: string) => void {
  const send = (command: string): void => {
    child.stdin?.write(`${JSON.stringify({ execute: command })}\n`);
  };
  const greeted = new Promise<void>((resolve) => {
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).once('line', () => {
      send('qmp_capabilities');
      resolve();
    });
  });
  return (command) => void greeted.then(() => send(command));
}

/**
 * Kills a process as soon as this one is gone, however it went.
 * @returns the guard; end it when the process has ended by itself
 */
function guardProcess(pid: number): ChildProcess {
  const guard = spawn('sh', ['-c', 'read _; kill -9 "$0" 2>/dev/null', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C on the terminal is not for it.
  });
  guard.on('error', () => undefined); // Without a shell there is no guard; `exit` above still ends QEMU.
  guard.stdin.on('error', () => undefined);
  guard.unref();
  return guard;
}
