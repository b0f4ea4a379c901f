// @ts-check
// A nats-server for the lab: from PATH, from the cache, or fetched into the cache once.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { downloadPinned, isReachable } from './download.mjs';
import { installAtomically } from './install-atomically.mjs';
import { isAtLeast } from './node-version.mjs';
import { cacheFolder } from './paths.mjs';
import { capture } from './processes.mjs';
import { SetupProblem, say } from './report.mjs';

/** The auth callout and per-key TTL of the lab need this. */
const oldestVersion = '2.10.0';
/** What is fetched when the machine has none. */
const pinnedVersion = '2.12.15';

/**
 * SHA-256 of the release archives, as pinned by the project's own container images. Platforms without a pin
 * build from source instead.
 * @type {Readonly<Record<string, string>>}
 */
const archiveSha256 = {
  'linux-amd64': '58ab8131f819263897e2fc38e503e1b755b63bcafeecc7d12582487df48ca15e',
  'linux-arm64': 'b724db99fefbf8f5c808baa82819ee50350aee9734017e4a478f7e545cef3ab6',
};

/** @typedef {{ executable: string, version: string }} NatsServer */

/**
 * The release archive for a platform, or nothing where its checksum is not pinned.
 * @param {string} platform as Node names it
 * @param {string} arch as Node names it
 * @returns {{ name: string, url: string, sha256: string } | undefined}
 */
export function releaseArchive(platform, arch) {
  const target = `${platform}-${arch === 'x64' ? 'amd64' : arch}`;
  const sha256 = archiveSha256[target];
  if (!sha256) return undefined;
  const name = `nats-server-v${pinnedVersion}-${target}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${pinnedVersion}/${name}.tar.gz`;
  return { name, url, sha256 };
}

/**
 * Finds or fetches nats-server.
 * @returns {Promise<NatsServer>}
 * @throws {SetupProblem} when no source works here
 */
export async function natsServer() {
  const installed = versionOf('nats-server');
  if (installed && isAtLeast(installed, oldestVersion))
    return { executable: 'nats-server', version: installed };
  const folder = cacheFolder('nats-server', pinnedVersion);
  const executable = path.join(folder, 'nats-server');
  const present = () =>
    fs.existsSync(executable) ? { executable, version: versionOf(executable) ?? '' } : undefined;
  return await installAtomically(folder, present, fetchInto);
}

/**
 * @param {string} program
 * @returns {string | undefined}
 */
function versionOf(program) {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return /v(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

/**
 * Puts a working `nats-server` into a folder, from the first source that has one.
 * @param {string} folder
 */
async function fetchInto(folder) {
  const refused = [];
  for (const source of [fromReleaseArchive, fromDistribution, fromSource]) {
    const reason = await source(folder);
    const version = versionOf(path.join(folder, 'nats-server'));
    if (version && isAtLeast(version, oldestVersion)) return;
    fs.rmSync(path.join(folder, 'nats-server'), { force: true });
    refused.push(
      `  ${reason ?? `it gave version ${version ?? 'unknown'}, which is too old or does not run`}`,
    );
  }
  throw new SetupProblem(
    `The lab needs nats-server ${oldestVersion} or newer and no source for it works here:\n${refused.join('\n')}`,
    process.platform === 'darwin'
      ? 'brew install nats-server'
      : 'open https://nats.io/download and put nats-server on your PATH',
  );
}

/**
 * @param {string} folder
 * @returns {Promise<string | undefined>} why it did not work
 */
async function fromReleaseArchive(folder) {
  const archive = releaseArchive(process.platform, process.arch);
  if (!archive) return `release archive: no checksum pinned for ${process.platform}-${process.arch}`;
  if (!(await isReachable('https://github.com'))) return 'release archive: github.com cannot be reached';
  say('nats-server', `downloading ${pinnedVersion}`);
  const file = path.join(folder, 'archive.tar.gz');
  try {
    await downloadPinned(archive.url, file, { sha256: archive.sha256, limitMs: 180_000 });
  } catch (error) {
    if (error instanceof SetupProblem) throw error;
    return `release archive: ${error instanceof Error ? error.message : error}`;
  }
  const { code, stderr } = await capture('tar', [
    '-xzf',
    file,
    '-C',
    folder,
    '--strip-components=1',
    `${archive.name}/nats-server`,
  ]);
  fs.rmSync(file, { force: true });
  return code === 0 ? undefined : `release archive: ${stderr.trim()}`;
}

/**
 * Takes the program out of the distribution's package without installing it: no service is started.
 * @param {string} folder
 * @returns {Promise<string | undefined>} why it did not work
 */
async function fromDistribution(folder) {
  const policy = await capture('apt-cache', ['policy', 'nats-server'], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  const candidate = /Candidate: (\S+)/.exec(policy.stdout)?.[1];
  if (policy.code !== 0 || !candidate || candidate === '(none)') return 'distribution package: there is none';
  if (!isAtLeast(candidate, oldestVersion)) return `distribution package: ${candidate} is too old`;
  say('nats-server', `taking ${candidate} from the distribution's package`);
  const work = fs.mkdtempSync(path.join(folder, 'package-'));
  try {
    fs.chmodSync(work, 0o777); // apt drops to its own user for the download.
    const got = await capture('apt-get', ['download', 'nats-server'], { cwd: work, limitMs: 180_000 });
    const file = fs.readdirSync(work).find((name) => name.endsWith('.deb'));
    if (got.code !== 0 || !file) return `distribution package: ${got.stderr.trim()}`;
    const unpacked = await capture('dpkg-deb', ['-x', path.join(work, file), work]);
    if (unpacked.code !== 0) return `distribution package: ${unpacked.stderr.trim()}`;
    const program = ['usr/bin', 'usr/sbin']
      .map((place) => path.join(work, place, 'nats-server'))
      .find((place) => fs.existsSync(place));
    if (!program) return 'distribution package: it holds no nats-server';
    fs.copyFileSync(program, path.join(folder, 'nats-server'));
    return undefined;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @returns {Promise<string | undefined>} why it did not work
 */
async function fromSource(folder) {
  const go = await capture('go', ['version']);
  if (go.code !== 0) return 'building from source: Go is not installed';
  say('nats-server', `building ${pinnedVersion} with Go (a minute or two, once)`);
  const built = await capture(
    'go',
    ['install', '-trimpath', '-ldflags=-s -w', `github.com/nats-io/nats-server/v2@v${pinnedVersion}`],
    { env: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' }, limitMs: 10 * 60_000 },
  );
  if (built.code === 124) return 'building from source: it took more than ten minutes';
  return built.code === 0
    ? undefined
    : `building from source: ${built.stderr.trim().split('\n').slice(-3).join(' ')}`;
}
