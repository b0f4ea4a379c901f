// @ts-check
// Takes the place of Electron's default app in the stand-in runtime: `electron [-r module] [switches] app [arguments]`
// loads the app at that path as Electron itself would.
//
// An ES module, because Electron holds back `ready` until the entry module has finished: an app that is an ES
// module too still gets its chance to register schemes before `ready`.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { app } from 'electron';

/**
 * What only the default app may use, and Electron's types therefore leave out.
 * @typedef {object} DefaultAppOnly
 * @property {(version: string) => void} setVersion
 * @property {(name: string) => void} setDesktopName
 * @property {(folder: string) => void} setAppPath
 */
const shell = /** @type {import('electron').App & DefaultAppOnly} */ (app);

/**
 * @typedef {object} CommandLine
 * @property {string[]} modules to load first
 * @property {string | undefined} appPath
 * @property {'electron' | 'modules' | undefined} versionAsked
 */

/**
 * Reads arguments up to the app path; what follows belongs to the app.
 * @param {readonly string[]} args
 * @returns {CommandLine}
 */
function readCommandLine(args) {
  /** @type {CommandLine} */
  const line = { modules: [], appPath: undefined, versionAsked: undefined };
  const rest = args[Symbol.iterator]();
  for (const word of rest) {
    if (word === '-r' || word === '--require') line.modules.push(rest.next().value ?? '');
    else if (word === '-v' || word === '--version') line.versionAsked = 'electron';
    else if (word === '-a' || word === '--abi') line.versionAsked = 'modules';
    else if (word.startsWith('--app=')) return { ...line, appPath: word.slice('--app='.length) };
    else if (!word.startsWith('-')) return { ...line, appPath: word };
  }
  return line;
}

/**
 * Takes name and version from the app's package.json, so that its data folder is its own.
 * @param {string} folder
 */
function adoptIdentity(folder) {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return;
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  app.setName(manifest.productName ?? manifest.name ?? app.getName());
  if (manifest.version) shell.setVersion(manifest.version);
  if (process.platform === 'linux') shell.setDesktopName(manifest.desktopName ?? `${app.getName()}.desktop`);
}

/** @param {CommandLine} line */
async function launch({ modules, appPath }) {
  if (!appPath) throw new Error('usage: electron [-r module] [switches] <app folder or file> [arguments]');
  const require = createRequire(join(process.cwd(), 'electron-command-line.js'));
  for (const name of modules) require(name);
  Object.defineProperty(process, 'defaultApp', { configurable: false, enumerable: true, value: true });
  const target = resolve(appPath);
  const entry = require.resolve(target);
  adoptIdentity(target);
  shell.setAppPath(existsSync(join(target, 'package.json')) ? target : join(entry, '..'));
  await import(pathToFileURL(entry).href);
}

const line = readCommandLine(process.argv.slice(1));
if (line.versionAsked) {
  process.stdout.write(
    `${line.versionAsked === 'electron' ? `v${process.versions.electron}` : process.versions.modules}\n`,
  );
  process.exit(0);
}
try {
  await launch(line);
} catch (error) {
  // Written rather than shown: a dialog would wait for ever where nobody sees it.
  process.stderr.write(`The app could not be loaded.\n${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}
