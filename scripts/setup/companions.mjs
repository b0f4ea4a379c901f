// @ts-check
// Background programs that accompany a command (a display, a session bus, a keyring) and always end with it.
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { hasProgram } from './system-libraries.mjs';

/**
 * @typedef {object} Companion
 * @property {import('node:child_process').ChildProcess} process
 * @property {() => string} messages what it wrote to stderr so far
 * @property {(options?: { graceMs?: number }) => Promise<void>} stop ends it and waits until it is gone
 */

/**
 * Starts a background program. It ends at the latest with this script: by `stop`, on exit, and on Linux by the
 * kernel's parent-death signal even when this script is killed outright.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, stdin?: string, stdio3?: 'pipe' }} [options] stdio3 opens file descriptor 3 for reading
 * @returns {Companion}
 */
export function startCompanion(program, args, { env, stdin, stdio3 } = {}) {
  const tied = process.platform === 'linux' && hasProgram('setpriv');
  const [command, words] = tied
    ? ['setpriv', ['--pdeathsig', 'KILL', program, ...args]]
    : [program, [...args]];
  const child = spawn(command, words, {
    ...(env ? { env } : {}),
    stdio: ['pipe', 'ignore', 'pipe', ...(stdio3 ? [stdio3] : [])],
  });
  let messages = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    messages = (messages + text).slice(-4_000);
  });
  child.on('error', (error) => {
    messages += error.message;
  });
  child.stdin?.on('error', () => {}); // It may end before it has read its input; `waitUntil` reports that.
  child.stdin?.end(stdin ?? '');
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  return {
    process: child,
    messages: () => messages.trim(),
    stop: async ({ graceMs = 1_500 } = {}) => {
      process.off('exit', kill);
      if (!child.pid || hasEnded(child)) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const hard = setTimeout(kill, graceMs);
      await ended;
      clearTimeout(hard);
    },
  };
}

/**
 * Waits until a companion is of use.
 * @param {string} name for the message
 * @param {Companion} companion
 * @param {() => boolean | Promise<boolean>} ready
 * @param {number} limitMs
 * @throws {Error} when it ends first or the limit is over, with what it said
 */
export async function waitUntil(name, companion, ready, limitMs) {
  const giveUpAt = Date.now() + limitMs;
  while (!(await ready())) {
    const ended = !companion.process.pid || hasEnded(companion.process);
    if (ended || Date.now() > giveUpAt) {
      throw new Error(`${name} did not start: ${companion.messages() || 'it gave no reason'}`);
    }
    await pause(30);
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null;
}
