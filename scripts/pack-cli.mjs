// @ts-check
// npm run pack:cli: the command line as executables for Linux, release/cli/muster-linux-x64 and -arm64. They need
// nothing on the computer they run on but its C library (glibc 2.28 or newer).
import fs from 'node:fs';
import path from 'node:path';
import { buildCli, cliBundle } from './build-cli.mjs';
import { fileDigest } from './setup/digest.mjs';
import { nodeForCli, nodeVersion } from './setup/node-for-cli.mjs';
import { inProject } from './setup/paths.mjs';
import { capture } from './setup/processes.mjs';
import { runMain, SetupProblem, say } from './setup/report.mjs';

/** @typedef {'x64' | 'arm64'} Arch */

/** Names under which Node looks for a program inside itself (Node's documentation of single executables). */
const RESOURCE = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** @param {Arch} arch */
export function cliExecutable(arch) {
  return inProject('release', 'cli', `muster-linux-${arch}`);
}

/**
 * Packs the command line for both architectures, unless what is there was made of the same.
 * @throws {SetupProblem} where neither of the pinned Nodes runs
 */
export async function packCli() {
  await buildCli();
  const folder = path.dirname(cliExecutable('x64'));
  fs.mkdirSync(folder, { recursive: true });
  const stamp = path.join(folder, '.packed-from-sha256');
  const packedFrom = `${nodeVersion} ${fileDigest(cliBundle)}`;
  const arches = /** @type {const} */ (['x64', 'arm64']);
  const isFresh = fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === packedFrom;
  if (isFresh && arches.every((arch) => fs.existsSync(cliExecutable(arch)))) return;
  fs.rmSync(stamp, { force: true });
  const blob = await makeBlob(folder);
  try {
    for (const arch of arches) await packOne(arch, blob);
    fs.writeFileSync(stamp, packedFrom);
  } finally {
    fs.rmSync(blob, { force: true });
  }
}

/**
 * The program as Node takes it in. Made by the very version it goes into; without code cache and snapshot it holds
 * nothing of the machine it was made on, so one serves all architectures.
 * @param {string} folder
 */
async function makeBlob(folder) {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64'))
    throw new SetupProblem('The executables are packed on Linux, on x64 or arm64.');
  const node = await nodeForCli(process.arch);
  const output = path.join(folder, 'muster.blob');
  const config = path.join(folder, 'sea-config.json');
  const options = { disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: false };
  fs.writeFileSync(config, JSON.stringify({ main: cliBundle, output, ...options }));
  try {
    const { code, stderr } = await capture(node, ['--experimental-sea-config', config], { limitMs: 120_000 });
    if (code !== 0)
      throw new SetupProblem(`Node ${nodeVersion} could not prepare the program: ${stderr.trim()}`);
  } finally {
    fs.rmSync(config, { force: true });
  }
  return output;
}

/**
 * @param {Arch} arch
 * @param {string} blob
 */
async function packOne(arch, blob) {
  const executable = cliExecutable(arch);
  const unfinished = `${executable}.new`;
  fs.rmSync(unfinished, { force: true });
  fs.copyFileSync(await nodeForCli(arch), unfinished);
  // A process of its own: the tool prints warnings about sections that have nothing to do with what it does.
  const args = [inProject('node_modules', 'postject', 'dist', 'cli.js'), unfinished, RESOURCE, blob];
  const put = await capture(process.execPath, [...args, '--sentinel-fuse', FUSE], { limitMs: 300_000 });
  if (put.code !== 0) throw new SetupProblem(`The program could not be put into Node: ${put.stderr.trim()}`);
  fs.chmodSync(unfinished, 0o755);
  fs.renameSync(unfinished, executable);
  say(
    'cli',
    `${path.relative(inProject(), executable)}, ${(fs.statSync(executable).size / 1e6).toFixed(0)} MB`,
  );
}

if (process.argv[1] === import.meta.filename) await runMain(packCli);
