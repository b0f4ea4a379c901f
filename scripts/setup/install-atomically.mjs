// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { withLock } from './lock.mjs';

/**
 * Fills a cache folder once: `fill` works in a temporary folder beside it, which is renamed into place when
 * complete. A folder half filled by a killed set-up is never seen. Two set-ups at once wait for each other.
 * @template T
 * @param {string} folder
 * @param {() => T | undefined} present gives the finished content, or nothing
 * @param {(temporary: string) => Promise<void>} fill
 * @returns {Promise<T>}
 */
export async function installAtomically(folder, present, fill) {
  const found = present();
  if (found !== undefined) return found;
  return await withLock(`${folder}.lock`, async () => {
    const nowThere = present();
    if (nowThere !== undefined) return nowThere;
    // Only the holder of the lock makes such folders: what is there was left by a killed set-up.
    for (const name of fs.readdirSync(path.dirname(folder))) {
      if (name.startsWith(`${path.basename(folder)}.new-`)) {
        fs.rmSync(path.join(path.dirname(folder), name), { recursive: true, force: true });
      }
    }
    const temporary = fs.mkdtempSync(`${folder}.new-`);
    try {
      await fill(temporary);
      fs.rmSync(folder, { recursive: true, force: true });
      fs.chmodSync(temporary, 0o755);
      fs.renameSync(temporary, folder);
    } finally {
      fs.rmSync(temporary, { recursive: true, force: true });
    }
    const made = present();
    if (made === undefined) throw new Error(`${folder} was filled but is not complete`);
    return made;
  });
}
