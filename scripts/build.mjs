// @ts-check
// Builds out/ when something it is made of has changed; `--force` builds anyway.
import fs from 'node:fs';
import { treeDigest } from './setup/digest.mjs';
import { withLock } from './setup/lock.mjs';
import { checkoutLock, inProject, projectRoot } from './setup/paths.mjs';
import { foreground } from './setup/processes.mjs';
import { runMain, SetupProblem, say } from './setup/report.mjs';

const stampFile = inProject('out', '.built-from-sha256');
const agentBuild = 'scripts/build-agent.ts';

/** Everything the bundles are made of. */
const inputs = [
  'electron',
  'renderer',
  'shared',
  'resources',
  'e2e/lab',
  agentBuild,
  'electron.vite.config.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.json',
];

/**
 * Brings out/ up to date.
 * @param {{ force?: boolean, env?: NodeJS.ProcessEnv }} [options]
 * @throws {SetupProblem} when a part does not build; its own messages are on the terminal
 */
export async function build({ force = false, env = process.env } = {}) {
  if (!force && isFresh(inputDigest())) return;
  await withLock(checkoutLock('build'), async () => {
    // Taken before building: a file saved meanwhile makes the next start build again.
    const digest = inputDigest();
    if (!force && isFresh(digest)) return;
    fs.rmSync(stampFile, { force: true });
    say('build', 'bundling the app and the lab');
    await run(['node_modules/electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'warn'], env);
    if (fs.existsSync(inProject(agentBuild))) await run(['node_modules/tsx/dist/cli.mjs', agentBuild], env);
    fs.writeFileSync(stampFile, digest);
  });
}

function inputDigest() {
  return treeDigest(projectRoot, inputs, (file) => !/\.test\.tsx?$/.test(file));
}

/** @param {string} digest */
function isFresh(digest) {
  return fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === digest;
}

/**
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
async function run(args, env) {
  const status = await foreground(process.execPath, args, { cwd: projectRoot, env, limitMs: 20 * 60_000 });
  if (status !== 0)
    throw new SetupProblem(`The build failed (${args[0]} ended with ${status}).`, 'npm run build');
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => await build({ force: process.argv.includes('--force') }));
}
