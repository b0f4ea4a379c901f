// @ts-check
// npm test: all set-up, then every stage; `npm test -- unit` (check, unit, e2e, farm) runs some only. The stage `vm`
// boots an emulated computer, which takes minutes: it runs only where it is named.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from './build.mjs';
import { isRoot } from './setup/paths.mjs';
import { exitStatus, stopRequested } from './setup/processes.mjs';
import { explain, runMain, SetupProblem } from './setup/report.mjs';
import { installSystemLibraries } from './setup/system-libraries.mjs';
import { setUp } from './setup.mjs';
import { closingLine, crash, sumCounts } from './test/counts.mjs';
import { failureList } from './test/failures.mjs';

const order = ['check', 'unit', 'e2e', 'farm'];
const onRequest = ['vm'];

/**
 * The stages a command line asks for, in their usual order; when it names none, all but those on request.
 * @param {readonly string[]} args
 * @throws {SetupProblem} for a name that is no stage
 */
export function chosenStages(args) {
  const known = [...order, ...onRequest];
  const unknown = args.find((name) => !known.includes(name));
  if (unknown) throw new SetupProblem(`There is no stage "${unknown}"; there are ${known.join(', ')}.`);
  return args.length > 0 ? known.filter((name) => args.includes(name)) : order;
}

/** @typedef {{ name: string, counts: import('./test/counts.mjs').Outcome, seconds: number }} Row */

async function main() {
  const chosen = chosenStages(process.argv.slice(2));
  const onlyChecks = chosen.every((name) => name === 'check');
  /** @type {Row[]} */
  const rows = [];
  /** @type {NodeJS.ProcessEnv | undefined} */
  let env;
  const setUpDone = await run('set-up', async () => {
    env = await setUp({ window: !onlyChecks, tests: !onlyChecks, lab: !onlyChecks });
    if (chosen.includes('farm') && isRoot()) await installSystemLibraries({ farm: true });
    if (chosen.includes('vm') && isRoot()) await installSystemLibraries({ vm: true, vmImage: true });
  });
  rows.push(setUpDone);
  if (env) rows.push(...(await runStages(chosen, env, !onlyChecks)));
  const signal = stopRequested();
  if (signal) return exitStatus(null, signal);
  const sum = sumCounts(rows.map(({ counts }) => counts));
  const lines = rows.map(({ name, counts, seconds }) => {
    const counted = counts.passed + counts.failed + counts.skipped > 0;
    return `${name.padEnd(6)}  ${counted ? closingLine(counts) : 'done'}, ${seconds} s`;
  });
  /** @param {'failures' | 'unsteady'} kind */
  const told = (kind) =>
    rows.flatMap(({ name, counts }) =>
      (counts[kind] ?? []).map(({ title, message }) => ({ title: `${name}: ${title}`, message })),
    );
  const unsteady = failureList(told('unsteady'), 'UNSTEADY');
  process.stdout.write(
    `\n${unsteady}${failureList(told('failures'))}\n${lines.join('\n')}\n${closingLine(sum)}\n`,
  );
  return sum.failed === 0 ? 0 : 1;
}

/**
 * @param {readonly string[]} chosen
 * @param {NodeJS.ProcessEnv} env
 * @param {boolean} built whether they need out/
 */
async function runStages(chosen, env, built) {
  /** @type {Row[]} */
  const rows = [];
  // What does not build fails the run; the checks and most tests can still say why.
  if (built) rows.push(await run('build', async () => await build({ env })));
  // Imported only now: the stages use what set-up has installed.
  const { stages } = await import('./test/stages.mjs');
  const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-test-'));
  try {
    for (const name of chosen) {
      if (stopRequested()) break;
      process.stdout.write(`\n== ${name}\n`);
      rows.push(await run(name, async () => await stages[name]?.({ env, reports })));
    }
  } finally {
    fs.rmSync(reports, { recursive: true, force: true });
  }
  return rows;
}

/**
 * Runs one part and gives its row; a part that throws is explained and counts as one failure.
 * @param {string} name
 * @param {() => Promise<import('./test/counts.mjs').Outcome | void>} part gives nothing when it only has to succeed
 * @returns {Promise<Row>}
 */
async function run(name, part) {
  const startedAt = Date.now();
  /** @param {import('./test/counts.mjs').Outcome} counts */
  const row = (counts) => ({ name, counts, seconds: Math.round((Date.now() - startedAt) / 1_000) });
  try {
    return row((await part()) ?? { passed: 0, failed: 0, skipped: 0 });
  } catch (error) {
    process.stdout.write(`${explain(error)}\n`);
    return row(crash(explain(error)));
  }
}

if (process.argv[1] === import.meta.filename) await runMain(main);
