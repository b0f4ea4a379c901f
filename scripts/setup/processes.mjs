// @ts-check
// Child processes for scripts: captured with a time limit, or in the foreground with signals passed on.
import { spawn } from 'node:child_process';
import os from 'node:os';

/**
 * @typedef {object} Outcome
 * @property {number} code exit status; 127 when the program is not there, 124 when the limit was reached
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a program to its end and gives what it printed; never throws, a missing program is status 127.
 * At the limit the whole process group is killed and the status is 124.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, limitMs?: number, stdin?: string }} [options]
 * @returns {Promise<Outcome>}
 */
export function capture(program, args, { cwd, env, limitMs = 30_000, stdin } = {}) {
  return new Promise((resolve) => {
    const ownGroup = process.platform !== 'win32';
    const child = spawn(program, [...args], {
      ...(cwd ? { cwd } : {}),
      ...(env ? { env } : {}),
      detached: ownGroup,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let overtime = false;
    const stop = () => killGroup(child.pid, 'SIGKILL');
    const limit = setTimeout(() => {
      overtime = true;
      stop();
    }, limitMs);
    // A script that is stopped must not leave a download or a compiler behind.
    const stopOn = listenForStop(stop);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.stdin.on('error', () => {}); // The program may exit without reading its input.
    child.stdin.end(stdin ?? '');
    /** @param {number} code */
    const finish = (code) => {
      clearTimeout(limit);
      stopOn.remove();
      resolve({ code, stdout, stderr });
    };
    child.on('error', (error) => {
      stderr += error.message;
      finish(127);
    });
    child.on('close', (code, signal) => finish(overtime ? 124 : exitStatus(code, signal)));
  });
}

/**
 * Runs a program on this terminal and gives its exit status. A signal sent to this script alone is passed on;
 * Ctrl-C on a terminal already reaches the whole foreground group. After `graceMs` the program is killed.
 * With `ownGroup` the program leads a group of its own: signals go to all of it, and what it leaves running is
 * killed at the end (not for programs that read the keyboard).
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, limitMs?: number, graceMs?: number, ownGroup?: boolean }} [options]
 * @returns {Promise<number>} 127 when the program is not there, 124 when the limit was reached
 */
export function foreground(program, args, { cwd, env, limitMs, graceMs = 10_000, ownGroup = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], {
      ...(cwd ? { cwd } : {}),
      ...(env ? { env } : {}),
      detached: ownGroup,
      stdio: 'inherit',
    });
    /** @param {NodeJS.Signals} signal */
    const send = (signal) => (ownGroup ? killGroup(child.pid, signal) : child.kill(signal));
    /** @type {NodeJS.Timeout | undefined} */
    let kill;
    let overtime = false;
    const killSoon = () => {
      kill ??= setTimeout(() => send('SIGKILL'), graceMs);
    };
    const limit = limitMs
      ? setTimeout(() => {
          overtime = true;
          send('SIGTERM');
          killSoon();
        }, limitMs)
      : undefined;
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      stopSignal = signal;
      if (ownGroup || signal !== 'SIGINT' || !process.stdin.isTTY) send(signal);
      killSoon();
    };
    for (const signal of stopSignals) process.on(signal, passOn);
    /** @param {number} code */
    const finish = (code) => {
      clearTimeout(limit);
      clearTimeout(kill);
      for (const signal of stopSignals) process.off(signal, passOn);
      if (ownGroup) send('SIGKILL');
      resolve(overtime ? 124 : code);
    };
    child.on('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      finish(127);
    });
    child.on('exit', (code, signal) => finish(exitStatus(code, signal)));
  });
}

/** @type {NodeJS.Signals | undefined} */
let stopSignal;

/** The signal by which this script was asked to stop while a program ran in the foreground, if it was. */
export function stopRequested() {
  return stopSignal;
}

/** The signals that ask a script to stop. */
export const stopSignals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Exit status as a shell gives it: 128 + number for a death by signal.
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
export function exitStatus(code, signal) {
  if (code !== null) return code;
  return 128 + (signal ? (os.constants.signals[signal] ?? 0) : 0);
}

/**
 * Signals a process group that was started with `detached`; a group that is gone is fine.
 * @param {number | undefined} pid
 * @param {NodeJS.Signals} signal
 */
export function killGroup(pid, signal) {
  if (!pid) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * Calls `stop` when this script is asked to stop, then ends it with the signal's status.
 * @param {() => void} stop
 */
function listenForStop(stop) {
  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    stop();
    process.exit(exitStatus(null, signal));
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
  process.on('exit', stop);
  return {
    remove: () => {
      for (const signal of stopSignals) process.off(signal, onSignal);
      process.off('exit', stop);
    },
  };
}
