// @ts-check
// One set-up at a time: a lock file holding the owner's process id, taken over when that process is gone.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SetupProblem, say } from './report.mjs';

/**
 * Runs `work` while holding the lock file; waits for another living owner up to `limitMs`.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {{ limitMs?: number, pollMs?: number }} [options]
 * @returns {Promise<T>}
 * @throws {SetupProblem} when the other owner does not finish within the limit
 */
export async function withLock(file, work, { limitMs = 20 * 60_000, pollMs = 200 } = {}) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const giveUpAt = Date.now() + limitMs;
  let told = false;
  while (!tryLock(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && !isAlive(owner)) {
      removeStale(file, owner);
      continue;
    }
    if (Date.now() > giveUpAt) {
      throw new SetupProblem(
        `Another set-up (process ${owner}) has held ${file} for ${Math.round(limitMs / 60_000)} minutes.`,
        `rm ${file}`,
      );
    }
    if (!told && owner !== undefined) {
      say('set-up', `waiting for another set-up (process ${owner}) to finish`);
      told = true;
    }
    await pause(pollMs);
  }
  const release = () => {
    if (ownerOf(file) === process.pid) fs.rmSync(file, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** @param {string} file */
function tryLock(file) {
  // Written aside and linked into place, so that nobody ever reads a lock without its owner.
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, String(process.pid));
  try {
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** @param {string} file */
function ownerOf(file) {
  try {
    const pid = Number(fs.readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Moves a dead owner's lock away. Renaming is atomic; when what was moved turns out to be a fresh lock
 * (somebody was faster), it is put back.
 * @param {string} file
 * @param {number} deadOwner
 */
function removeStale(file, deadOwner) {
  const aside = `${file}.stale-${process.pid}`;
  try {
    fs.renameSync(file, aside);
    if (ownerOf(aside) !== deadOwner) fs.linkSync(aside, file);
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(aside, { force: true });
  }
}
