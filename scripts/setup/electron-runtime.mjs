// @ts-check
// The Electron that runs the Station during development: the official one, or where its download cannot be
// reached a stand-in out of the npm registry.
import fs from 'node:fs';
import path from 'node:path';
import { officialRuntime, tryOfficialRuntime } from './electron-official.mjs';
import { registryRuntime } from './electron-registry.mjs';
import { cacheFolder } from './paths.mjs';
import { SetupProblem } from './report.mjs';

/**
 * @typedef {object} ElectronRuntime
 * @property {string} executable
 * @property {string} folder the folder that ELECTRON_OVERRIDE_DIST_PATH wants
 * @property {string} version
 * @property {'official' | 'registry'} source
 */

/** A download that failed is not tried again for this long: the second start has to be quick. */
const retryAfterMs = 24 * 60 * 60_000;

/**
 * Finds or fetches the Electron runtime. `MUSTER_ELECTRON_RUNTIME` (official or registry) forces one source.
 * @returns {Promise<ElectronRuntime>}
 * @throws {SetupProblem} when no source works here
 */
export async function electronRuntime() {
  const wish = process.env.MUSTER_ELECTRON_RUNTIME || 'automatic';
  if (wish === 'official') return await required(tryOfficialRuntime());
  if (wish === 'registry') return await registryRuntime();
  if (wish !== 'automatic') {
    throw new SetupProblem(`MUSTER_ELECTRON_RUNTIME is "${wish}"; it may be official or registry.`);
  }
  const present = officialRuntime();
  if (present) return present;
  if (process.platform !== 'linux' || process.arch !== 'x64') return await required(tryOfficialRuntime());
  const failedMark = cacheFolder('electron', 'official-download-failed');
  if (!isRecent(failedMark)) {
    const official = await tryOfficialRuntime();
    if (official.runtime) return official.runtime;
    fs.mkdirSync(path.dirname(failedMark), { recursive: true });
    fs.writeFileSync(failedMark, `${official.reason}\n`);
  }
  return await registryRuntime();
}

/**
 * The environment that points Electron's own tools (electron, electron-vite, Playwright) at a runtime.
 * @param {ElectronRuntime} runtime
 * @param {NodeJS.ProcessEnv} [base]
 * @returns {NodeJS.ProcessEnv}
 */
export function electronEnvironment(runtime, base = process.env) {
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...base,
    ELECTRON_OVERRIDE_DIST_PATH: runtime.folder,
    ELECTRON_EXEC_PATH: runtime.executable,
  };
  delete env.ELECTRON_RUN_AS_NODE; // Inherited from an editor's terminal it would turn the window into plain Node.
  return env;
}

/** @param {Promise<{ runtime?: ElectronRuntime, reason?: string }>} attempt */
async function required(attempt) {
  const { runtime, reason } = await attempt;
  if (runtime) return runtime;
  throw new SetupProblem(
    `The Electron runtime could not be downloaded: ${reason}.`,
    'ELECTRON_MIRROR=<address of a mirror> npm start',
  );
}

/** @param {string} file */
function isRecent(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < retryAfterMs;
}
