// @ts-check
// Electron's own release, brought by the installer of the `electron` package (which checks its checksum).
import fs from 'node:fs';
import path from 'node:path';
import { isReachable } from './download.mjs';
import { withLock } from './lock.mjs';
import { cacheFolder, inProject } from './paths.mjs';
import { capture } from './processes.mjs';
import { say } from './report.mjs';

const packageFolder = inProject('node_modules', 'electron');

/**
 * The official runtime when it is already in node_modules.
 * @returns {import('./electron-runtime.mjs').ElectronRuntime | undefined}
 */
export function officialRuntime() {
  const folder = path.join(packageFolder, 'dist');
  const version = readText(path.join(folder, 'version'))?.trim().replace(/^v/, '');
  const program = readText(path.join(packageFolder, 'path.txt'));
  if (!version || !program) return undefined;
  const executable = path.join(folder, program);
  return fs.existsSync(executable) ? { executable, folder, version, source: 'official' } : undefined;
}

/**
 * Runs the package's installer, which keeps its download in the user's own Electron cache.
 * @returns {Promise<{ runtime?: import('./electron-runtime.mjs').ElectronRuntime, reason?: string }>}
 */
export async function tryOfficialRuntime() {
  return await withLock(cacheFolder('locks', 'electron-official'), async () => {
    const present = officialRuntime();
    if (present) return { runtime: present };
    const mirrored = process.env.ELECTRON_MIRROR || process.env.npm_config_electron_mirror;
    if (!mirrored && !(await isReachable('https://github.com')))
      return { reason: 'github.com cannot be reached' };
    say('electron', 'downloading the official runtime (about 120 MB, once)');
    const { code, stderr } = await capture(process.execPath, [path.join(packageFolder, 'install.js')], {
      limitMs: 5 * 60_000,
    });
    if (code === 124) return { reason: 'the download took more than five minutes' };
    const runtime = officialRuntime();
    return runtime
      ? { runtime }
      : { reason: stderr.trim().split('\n')[0] || `the installer ended with ${code}` };
  });
}

/** @param {string} file */
function readText(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}
