// @ts-check
// npm run check: types, lint and format, layers; all at once, and only what is wrong is shown.
import { inProject, projectRoot } from './setup/paths.mjs';
import { capture } from './setup/processes.mjs';
import { runMain, SetupProblem } from './setup/report.mjs';

/** The folders whose dependencies are judged; the rules are in .dependency-cruiser.cjs. */
const sourceFolders = ['electron', 'renderer', 'shared', 'resources', 'e2e'];

/** @type {Readonly<Record<string, readonly string[]>>} */
const checks = {
  types: ['node_modules/typescript/bin/tsc', '--build', '--pretty'],
  lint: [
    'node_modules/@biomejs/biome/bin/biome',
    'check',
    process.stdout.isTTY ? '--colors=force' : '--colors=off',
  ],
  layers: [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    '--output-type',
    'err',
    ...sourceFolders,
  ],
};

/**
 * Runs checks and prints one line for each, with its findings when it fails.
 * @param {readonly string[]} [names]
 * @returns {Promise<{ passed: string[], failed: string[] }>} their names
 */
export async function runChecks(names = Object.keys(checks)) {
  const results = await Promise.all(names.map(runCheck));
  return {
    passed: names.filter((_, index) => results[index]),
    failed: names.filter((_, index) => !results[index]),
  };
}

/** @param {string} name */
async function runCheck(name) {
  const [script, ...args] = checks[name] ?? [];
  if (!script)
    throw new SetupProblem(`There is no check "${name}"; there are ${Object.keys(checks).join(', ')}.`);
  const startedAt = Date.now();
  const { code, stdout, stderr } = await capture(process.execPath, [inProject(script), ...args], {
    cwd: projectRoot,
    limitMs: 20 * 60_000,
  });
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  process.stdout.write(`check:${name} ${code === 0 ? 'passed' : 'FAILED'} in ${seconds} s\n`);
  if (code !== 0) process.stdout.write(`${stdout}${stderr}\n`);
  return code === 0;
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    const names = process.argv.slice(2);
    const { failed } = await runChecks(names.length > 0 ? names : undefined);
    return failed.length === 0 ? 0 : 1;
  });
}
