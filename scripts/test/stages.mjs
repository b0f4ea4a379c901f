// @ts-check
// The stages of `npm test`: each runs one kind of test and gives its counts.
import fs from 'node:fs';
import path from 'node:path';
import { runChecks } from '../check.mjs';
import { packCli } from '../pack-cli.mjs';
import { withDesktop } from '../setup/desktop.mjs';
import { inProject, isRoot, projectRoot } from '../setup/paths.mjs';
import { foreground, stopRequested } from '../setup/processes.mjs';
import {
  countPlaywright,
  countPlaywrightFiles,
  countVitest,
  countVitestFiles,
  readOutcome,
} from './counts.mjs';
import { playwrightFailures, vitestFailures } from './failures.mjs';
import { runWithSecondLook } from './second-look.mjs';

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

/** @typedef {Parameters<typeof countVitest>[0] & Parameters<typeof vitestFailures>[0] & Parameters<typeof countVitestFiles>[0]} VitestReport */
/** @type {import('./counts.mjs').Reader<VitestReport>} */
const ofVitest = {
  count: countVitest,
  countOf: (report, files) =>
    countVitestFiles(
      report,
      files.map((file) => inProject(file)),
    ),
  failures: (report) => vitestFailures(report, projectRoot),
};

/** @typedef {Parameters<typeof countPlaywright>[0] & Parameters<typeof playwrightFailures>[0]} PlaywrightReport */
/** @type {import('./counts.mjs').Reader<PlaywrightReport>} */
const ofPlaywright = {
  count: countPlaywright,
  countOf: (report, files) =>
    countPlaywrightFiles(
      report,
      files.map((file) => path.relative('e2e', file)),
    ),
  failures: (report) => playwrightFailures(report, 'e2e'),
};

async function runCheckStage() {
  const { passed, failed } = await runChecks();
  const failures = failed.map((name) => ({ title: `check:${name}`, message: `npm run check:${name}` }));
  return { passed: passed.length, failed: failed.length, skipped: 0, failures };
}

/** @param {StageContext} context */
async function runUnit({ env, reports }) {
  const file = path.join(reports, 'unit.json');
  const run = ['run', '--project', 'unit', '--project', 'integration', ...vitestReporters(file)];
  return await twice(file, ofVitest, async (files) =>
    withDesktop(env, { display: false }, async (session) =>
      foreground(process.execPath, [vitest, ...run, ...files], within(session, 60)),
    ),
  );
}

/** @param {StageContext} context */
async function runE2e({ env, reports }) {
  const file = path.join(reports, 'e2e.json');
  const run = ['test', '--reporter=list,json'];
  return await twice(file, ofPlaywright, async (files) =>
    withDesktop(env, { display: true }, async (session) => {
      const told = { ...session, PLAYWRIGHT_JSON_OUTPUT_FILE: file };
      return await foreground(process.execPath, [playwright, ...run, ...files], within(told, 60));
    }),
  );
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
  const run = ['run', '--project', 'farm', ...vitestReporters(file)];
  return await twice(file, ofVitest, async (files) =>
    foreground(process.execPath, [...inLan, vitest, ...run, ...files], within(env, 60)),
  );
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
    ...within(env, 60),
  });
  if (built !== 0) throw new Error('The image for the virtual machine could not be built.');
  const file = path.join(reports, 'vm.json');
  const inNetwork = ['--import', 'tsx', inProject('e2e', 'vm', 'with-host-address.ts'), process.execPath];
  const run = ['run', '--project', 'vm', ...vitestReporters(file)];
  return await twice(file, ofVitest, async (files) =>
    foreground(process.execPath, [...inNetwork, vitest, ...run, ...files], within(env, 30)),
  );
}

/**
 * Runs a stage with its second look.
 * @template Report
 * @param {string} file where its runner leaves its report
 * @param {import('./counts.mjs').Reader<Report>} reader
 * @param {(files: readonly string[]) => Promise<number>} start gives the exit status of the runner
 */
async function twice(file, reader, start) {
  /** @param {readonly string[]} files */
  const run = async (files) => {
    fs.rmSync(file, { force: true });
    const status = await start(files);
    if (status === cannotRunHere) return { passed: 0, failed: 0, skipped: 1 };
    return readOutcome(file, status, reader);
  };
  return await runWithSecondLook(run, { stopped: stopRequested });
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {number} minutes after which it is ended, with all that it has started
 */
function within(env, minutes) {
  return { cwd: projectRoot, env, limitMs: minutes * 60_000, ownGroup: true };
}

/** @param {string} file */
function vitestReporters(file) {
  return [
    '--reporter=default',
    `--reporter=${inProject('scripts', 'test', 'vitest-report.mjs')}`,
    `--outputFile.json=${file}`,
  ];
}
