// @ts-check
// System packages on Linux: what the Electron window needs, and what the tests need besides.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isRoot } from './paths.mjs';
import { capture } from './processes.mjs';
import { SetupProblem, say } from './report.mjs';

/**
 * @typedef {object} Need
 * @property {string} debian package name on Debian 12; a newer release may add `t64`
 * @property {string} [library] shared library the package gives
 * @property {string} [program] program the package gives
 * @property {string} [file] file the package gives
 */

/** @type {readonly Need[]} */
const windowNeeds = [
  { debian: 'libgtk-3-0', library: 'libgtk-3.so.0' },
  { debian: 'libnss3', library: 'libnss3.so' },
  { debian: 'libasound2', library: 'libasound.so.2' },
  { debian: 'libgbm1', library: 'libgbm.so.1' },
  { debian: 'libxss1', library: 'libXss.so.1' },
  { debian: 'unzip', program: 'unzip' },
];

/** @type {readonly Need[]} */
const testNeeds = [
  { debian: 'libsecret-1-0', library: 'libsecret-1.so.0' },
  { debian: 'xvfb', program: 'Xvfb' },
  { debian: 'dbus', program: 'dbus-daemon' },
  { debian: 'dbus', program: 'dbus-send' },
  { debian: 'gnome-keyring', program: 'gnome-keyring-daemon' },
  { debian: 'util-linux', program: 'setpriv' },
];

/**
 * Servers and emulators that tests use where they may be installed without asking: by root. Elsewhere the tests that
 * need them are skipped with a line that says so.
 * @type {readonly Need[]}
 */
const rootTestNeeds = [
  { debian: 'openssh-server', program: 'sshd' },
  { debian: 'openssh-client', program: 'ssh-agent' },
  { debian: 'qemu-user-static', program: 'qemu-aarch64-static' },
  // What a program for 64-bit ARM loads when it is emulated.
  { debian: 'libstdc++6-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/libstdc++.so.6' },
  { debian: 'libc6-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1' },
];

/**
 * What the real devices of the test farm need; only root on Linux can have them.
 * @type {readonly Need[]}
 */
const farmNeeds = [
  { debian: 'debootstrap', program: 'debootstrap' },
  { debian: 'systemd-container', program: 'systemd-nspawn' },
  { debian: 'iproute2', program: 'ip' },
  { debian: 'dpkg-dev', program: 'dpkg-scanpackages' },
  { debian: 'openssh-client', program: 'ssh-keygen' },
];

/**
 * What a virtual machine for 64-bit ARM needs (npm run vm).
 * @type {readonly Need[]}
 */
const vmNeeds = [
  { debian: 'qemu-system-arm', program: 'qemu-system-aarch64' },
  { debian: 'qemu-utils', program: 'qemu-img' },
  { debian: 'qemu-efi-aarch64', file: '/usr/share/AAVMF/AAVMF_CODE.fd' },
];

/**
 * What building a disk image for such a machine needs (npm test -- vm).
 * @type {readonly Need[]}
 */
const vmImageNeeds = [
  { debian: 'debootstrap', program: 'debootstrap' },
  { debian: 'qemu-user-static', program: 'qemu-aarch64-static' },
  { debian: 'fdisk', program: 'sfdisk' },
  { debian: 'e2fsprogs', program: 'mke2fs' },
  { debian: 'util-linux', program: 'unshare' },
  { debian: 'iproute2', program: 'ip' },
  { debian: 'openssh-client', program: 'ssh' },
];

/**
 * What the devices bench compares with.
 * @type {readonly Need[]}
 */
const comparisonNeeds = [{ debian: 'ansible-core', program: 'ansible-playbook' }];

/**
 * Makes sure the system packages for some purposes are there: installs them as root on Debian and Ubuntu,
 * otherwise names the one command. Elsewhere than on Linux there is nothing to do.
 * @param {{ window?: boolean, tests?: boolean, farm?: boolean, vm?: boolean, vmImage?: boolean, comparison?: boolean }} purposes
 * @throws {SetupProblem} when something is missing and cannot be installed from here
 */
export async function installSystemLibraries({ window, tests, farm, vm, vmImage, comparison }) {
  if (process.platform !== 'linux') return;
  const missing = missingOf([
    ...(window ? windowNeeds : []),
    ...(tests ? testNeeds : []),
    ...(tests && isRoot() ? rootTestNeeds : []),
    ...(farm ? farmNeeds : []),
    ...(comparison ? comparisonNeeds : []),
    ...(vm ? vmNeeds : []),
    ...(vmImage ? vmImageNeeds : []),
  ]);
  if (missing.length === 0) return;
  if (!hasProgram('apt-get')) {
    // The names differ from one distribution to the next, and the check itself may be wrong there: go on.
    const what = missing.map((need) => need.library ?? need.program ?? need.file).join(', ');
    say('system', `not found, install them with your package manager if the window does not open: ${what}`);
    return;
  }
  const packages = [...new Set(missing.map((need) => need.debian))];
  if (!isRoot()) {
    throw new SetupProblem(
      `These system packages are missing: ${packages.join(', ')}.`,
      `sudo apt-get install --no-install-recommends ${(await namesHere(packages)).join(' ')}`,
    );
  }
  say('system', `installing ${packages.join(', ')}`);
  await aptInstall(packages);
  const still = missingOf(missing).map((need) => need.debian);
  if (still.length > 0) throw new SetupProblem(`Still missing after the installation: ${still.join(', ')}.`);
}

/** @param {readonly Need[]} needs */
function missingOf(needs) {
  const libraries = knownLibraries();
  return needs.filter((need) => {
    if (need.program && !hasProgram(need.program)) return true;
    if (need.file && !fs.existsSync(need.file)) return true;
    return Boolean(need.library && libraries && !libraries.has(need.library));
  });
}

/**
 * Names of the shared libraries the loader knows, or nothing where that cannot be asked.
 * @returns {Set<string> | undefined}
 */
function knownLibraries() {
  for (const program of ['ldconfig', '/sbin/ldconfig', '/usr/sbin/ldconfig']) {
    const { status, stdout } = spawnSync(program, ['-p'], { encoding: 'utf8', timeout: 10_000 });
    if (status === 0) return parseLoaderCache(stdout);
  }
  return undefined;
}

/**
 * Library names in the output of `ldconfig -p`.
 * @param {string} text
 */
export function parseLoaderCache(text) {
  return new Set(Array.from(text.matchAll(/^\s+(\S+) \(/gm), (match) => match[1] ?? ''));
}

/**
 * True when a program is on PATH or in the folders for administrators, which PATH often leaves out.
 * @param {string} name
 */
export function hasProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && fs.existsSync(path.join(folder, name)));
}

/** @param {readonly string[]} packages */
async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const limitMs = 10 * 60_000;
  await capture('apt-get', ['update', '-qq'], { env, limitMs }); // A failed update still leaves older lists to try.
  const names = await namesHere(packages);
  const args = ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...names];
  const { code, stderr } = await withoutServices(() => capture('apt-get', args, { env, limitMs }));
  if (code !== 0) {
    const tail = stderr.trim().split('\n').slice(-6).join('\n');
    throw new SetupProblem(
      `System packages could not be installed.\n${tail}`,
      `apt-get install ${names.join(' ')}`,
    );
  }
}

/** Debian's hook that is asked before a package starts a service (invoke-rc.d(8)); 101 means: do not. */
const servicePolicy = '/usr/sbin/policy-rc.d';

/**
 * Installs without starting anything: the tests run servers of their own, and a login server that listens from now
 * on would be a surprise. A policy that is there already is left as it is.
 * @template T
 * @param {() => Promise<T>} install
 * @returns {Promise<T>}
 */
async function withoutServices(install) {
  if (fs.existsSync(servicePolicy)) return await install();
  fs.writeFileSync(servicePolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await install();
  } finally {
    fs.rmSync(servicePolicy, { force: true });
  }
}

/**
 * The names packages have on this release: `libgtk-3-0` became `libgtk-3-0t64` in Debian 13 and Ubuntu 24.04.
 * @param {readonly string[]} packages
 */
async function namesHere(packages) {
  const renamed = packages.map((name) => `${name}t64`);
  const { stdout } = await capture('apt-cache', ['policy', ...renamed], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  const available = withCandidate(stdout);
  return packages.map((name) => (available.has(`${name}t64`) ? `${name}t64` : name));
}

/**
 * Names in the output of `apt-cache policy` that can be installed.
 * @param {string} text
 */
export function withCandidate(text) {
  const names = new Set();
  for (const [, name, candidate] of text.matchAll(/^(\S+):\n\s+Installed: .*\n\s+Candidate: (.*)$/gm)) {
    if (candidate !== '(none)') names.add(name);
  }
  return names;
}
