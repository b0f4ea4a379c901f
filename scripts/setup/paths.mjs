// @ts-check
// Where set-up reads and writes. Nothing else in scripts/ spells a folder name of its own.
import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';

/** The checkout this script belongs to. */
export const projectRoot = path.resolve(import.meta.dirname, '..', '..');

/**
 * A folder of this machine's cache for Muster; shared by every checkout, safe to delete.
 * @param {...string} parts
 */
export function cacheFolder(...parts) {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(base, 'muster', ...parts);
}

/**
 * A path inside the checkout.
 * @param {...string} parts
 */
export function inProject(...parts) {
  return path.join(projectRoot, ...parts);
}

/**
 * The lock file for work that must not run twice at once in this checkout (in two checkouts it may).
 * @param {string} work
 */
export function checkoutLock(work) {
  const checkout = createHash('sha256').update(projectRoot).digest('hex').slice(0, 16);
  return cacheFolder('locks', `${work}-${checkout}`);
}

/** True for the one kind of machine that can install its own packages without asking. */
export function isRoot() {
  return process.platform === 'linux' && process.getuid?.() === 0;
}
