// @ts-check
// The npm packages of package-lock.json in node_modules, installed only when they differ.
import fs from 'node:fs';
import { fileDigest } from './digest.mjs';
import { withLock } from './lock.mjs';
import { checkoutLock, inProject, projectRoot } from './paths.mjs';
import { capture } from './processes.mjs';
import { SetupProblem, say } from './report.mjs';

const lockFile = inProject('package-lock.json');
const stampFile = inProject('node_modules', '.muster-lock-sha256');
const installedFile = inProject('node_modules', '.package-lock.json');

/**
 * Makes node_modules match the lock file.
 * @throws {SetupProblem} when npm fails
 */
export async function installDependencies() {
  if (isStamped()) return;
  await withLock(checkoutLock('dependencies'), async () => {
    if (isStamped()) return;
    if (!installedMatchesLock()) await runNpm();
    if (fs.existsSync(lockFile)) fs.writeFileSync(stampFile, fileDigest(lockFile));
  });
}

function isStamped() {
  return (
    fs.existsSync(lockFile) &&
    fs.existsSync(stampFile) &&
    fs.readFileSync(stampFile, 'utf8') === fileDigest(lockFile)
  );
}

/** True when npm's own record of node_modules holds what the lock file asks for, e.g. after `npm install`. */
function installedMatchesLock() {
  if (!fs.existsSync(lockFile) || !fs.existsSync(installedFile)) return false;
  const wanted = JSON.parse(fs.readFileSync(lockFile, 'utf8')).packages ?? {};
  const installed = JSON.parse(fs.readFileSync(installedFile, 'utf8')).packages ?? {};
  return holdsAll(wanted, installed);
}

/**
 * True when every package the lock file needs is installed in that version; packages of other platforms
 * (optional) may be missing.
 * @param {Record<string, { version?: string, optional?: boolean, devOptional?: boolean }>} wanted
 * @param {Record<string, { version?: string }>} installed
 */
export function holdsAll(wanted, installed) {
  return Object.entries(wanted).every(([place, { version, optional, devOptional }]) => {
    if (place === '') return true;
    const present = installed[place];
    return present ? present.version === version : Boolean(optional || devOptional);
  });
}

/**
 * Installs exactly what the lock file names. A lock file written where a registry lacked packages of other
 * platforms counts as incomplete for `npm ci`; then `npm install` takes its versions and leaves it as it is.
 * @throws {SetupProblem} with npm's own words
 */
async function runNpm() {
  say('dependencies', 'installing npm packages (under a minute)');
  const common = ['--no-audit', '--no-fund'];
  const options = { cwd: projectRoot, limitMs: 15 * 60_000 };
  let outcome = fs.existsSync(lockFile) ? await capture('npm', ['ci', ...common], options) : undefined;
  if (!outcome || outcome.stderr.includes('EUSAGE')) {
    outcome = await capture('npm', ['install', '--no-save', ...common], options);
  }
  if (outcome.code === 0) return;
  const reason = outcome.stderr.trim().split('\n').slice(0, 8).join('\n');
  throw new SetupProblem(`The dependencies could not be installed.\n${reason}`, 'npm install');
}
