// @ts-check
// The stages of `npm test`: each runs one kind of test and gives its counts.
import path from 'node:path';
import { runChecks } from '../check.mjs';
import { packCli } from '../pack-cli.mjs';
import { withDesktop } from '../setup/desktop.mjs';
import { inProject, isRoot, projectRoot } from '../setup/paths.mjs';
import { foreground } from '../setup/processes.mjs';
import { countPlaywright, countVitest, readOutcome } from './counts.mjs';
import { playwrightFailures, vitestFailures } from './failures.mjs';

/**
 * @typedef {object} StageContext
 * @property {NodeJS.ProcessEnv} env
 * @property {string} reports a temporary folder for machine-readable reports
 */

const vitest = inProject('node_modules', 'vitest', 'vitest.mjs');
const playwright = inProject('node_modules', '@playwright', 'test', 'cli.js');

/** Exit status by which the farm says that this machine cannot have real devices. */
const cannotRunHere = 77;

/** @type {Readonly<Record<string, (context: StageContext) => Promise<import('./counts.mjs').Outcome>>>} */
export const stages = {
  check: runCheckStage,
  unit: runUnit,
  e2e: runE2e,
  farm: runFarm,
  vm: runVm,
};

/** @typedef {Parameters<typeof countVitest>[0] & Parameters<typeof vitestFailures>[0]} VitestReport */
/** @type {import('./counts.mjs').Reader<VitestReport>} */
const ofVitest = { count: countVitest, failures: (report) => vitestFailures(report, projectRoot) };

/** @typedef {Parameters<typeof countPlaywright>[0] & Parameters<typeof playwrightFailures>[0]} PlaywrightReport */
/** @type {import('./counts.mjs').Reader<PlaywrightReport>} */
const ofPlaywright = { count: countPlaywright, failures: playwrightFailures };

async function runCheckStage() {
  const { passed, failed } = await runChecks();
  const failures = failed.map((name) => ({ title: `check:${name}`, message: `npm run check:${name}` }));
  return { passed: passed.length, failed: failed.length, skipped: 0, failures };
}

/** @param {StageContext} context */
async function runUnit({ env, reports }) {
  return await withDesktop(env, { display: false }, async (session) => {
    const file = path.join(reports, 'unit.json');
    const projects = ['--project', 'unit', '--project', 'integration'];
    const status = await foreground(
      process.execPath,
      [vitest, 'run', ...projects, ...vitestReporters(file)],
      {
        cwd: projectRoot,
        env: session,
        limitMs: 60 * 60_000,
        ownGroup: true,
      },
    );
    return readOutcome(file, status, ofVitest);
  });
}

/** @param {StageContext} context */
async function runE2e({ env, reports }) {
  return await withDesktop(env, { display: true }, async (session) => {
    const file = path.join(reports, 'e2e.json');
    const status = await foreground(process.execPath, [playwright, 'test', '--reporter=list,json'], {
      cwd: projectRoot,
      env: { ...session, PLAYWRIGHT_JSON_OUTPUT_FILE: file },
      limitMs: 60 * 60_000,
      ownGroup: true,
    });
    return readOutcome(file, status, ofPlaywright);
  });
}

/** @param {StageContext} context */
async function runFarm({ env, reports }) {
  if (!isRoot()) {
    process.stdout.write('\n*** SKIPPED: the tests against a real device need root on Linux. ***\n\n');
    return { passed: 0, failed: 0, skipped: 1 };
  }
  // Before the network is left: the executables hold a Node that may have to be fetched.
  await packCli();
  const file = path.join(reports, 'farm.json');
  const inLan = ['--import', 'tsx', inProject('e2e', 'farm', 'with-lan.ts'), process.execPath];
  const status = await foreground(
    process.execPath,
    [...inLan, vitest, 'run', '--project', 'farm', ...vitestReporters(file)],
    {
      cwd: projectRoot,
      env,
      limitMs: 60 * 60_000,
      ownGroup: true,
    },
  );
  if (status === cannotRunHere) return { passed: 0, failed: 0, skipped: 1 };
  return readOutcome(file, status, ofVitest);
}

/** @param {StageContext} context */
async function runVm({ env, reports }) {
  if (!isRoot()) {
    process.stdout.write(
      '\n*** SKIPPED: the test image of a virtual machine is built by root on Linux. ***\n\n',
    );
    return { passed: 0, failed: 0, skipped: 1 };
  }
  // Before the network is left: the image is built from the distribution's packages.
  const image = [inProject('e2e', 'vm', 'local-image.ts')];
  const built = await foreground(process.execPath, ['--import', 'tsx', ...image], {
    ...{ cwd: projectRoot, env, limitMs: 60 * 60_000, ownGroup: true },
  });
  if (built !== 0) throw new Error('The image for the virtual machine could not be built.');
  const file = path.join(reports, 'vm.json');
  const inNetwork = ['--import', 'tsx', inProject('e2e', 'vm', 'with-host-address.ts'), process.execPath];
  const status = await foreground(
    process.execPath,
    [...inNetwork, vitest, 'run', '--project', 'vm', ...vitestReporters(file)],
    { cwd: projectRoot, env, limitMs: 30 * 60_000, ownGroup: true },
  );
  return readOutcome(file, status, ofVitest);
}

/** @param {string} file */
function vitestReporters(file) {
  return [
    '--reporter=default',
    `--reporter=${inProject('scripts', 'test', 'vitest-report.mjs')}`,
    `--outputFile.json=${file}`,
  ];
}
