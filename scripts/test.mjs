// @ts-check
// npm test: all set-up, then every stage; `npm test -- unit` (check, unit, e2e, farm) runs some only.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from './build.mjs';
import { isRoot } from './setup/paths.mjs';
import { exitStatus, stopRequested } from './setup/processes.mjs';
import { explain, runMain, SetupProblem } from './setup/report.mjs';
import { installSystemLibraries } from './setup/system-libraries.mjs';
import { setUp } from './setup.mjs';
import { closingLine, crashed, sumCounts } from './test/counts.mjs';

const order = ['check', 'unit', 'e2e', 'farm'];

/**
 * The stages a command line asks for, in their usual order; all of them when it names none.
 * @param {readonly string[]} args
 * @throws {SetupProblem} for a name that is no stage
 */
export function chosenStages(args) {
  const unknown = args.find((name) => !order.includes(name));
  if (unknown) throw new SetupProblem(`There is no stage "${unknown}"; there are ${order.join(', ')}.`);
  return args.length > 0 ? order.filter((name) => args.includes(name)) : order;
}

async function main() {
  const chosen = chosenStages(process.argv.slice(2));
  const onlyChecks = chosen.every((name) => name === 'check');
  const env = await setUp({ window: !onlyChecks, tests: !onlyChecks, lab: !onlyChecks });
  if (chosen.includes('farm') && isRoot()) await installSystemLibraries({ farm: true });
  if (!onlyChecks) await build({ env });
  // Imported only now: the stages use what set-up has installed.
  const { stages } = await import('./test/stages.mjs');
  const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-test-'));
  const lines = [];
  const all = [];
  try {
    for (const name of chosen) {
      process.stdout.write(`\n== ${name}\n`);
      const startedAt = Date.now();
      const counts = await runStage(() => stages[name]?.({ env, reports }));
      const seconds = Math.round((Date.now() - startedAt) / 1_000);
      all.push(counts);
      const signal = stopRequested();
      if (signal) return exitStatus(null, signal);
      lines.push(`${name.padEnd(6)} ${closingLine(counts)} in ${seconds} s`);
    }
  } finally {
    fs.rmSync(reports, { recursive: true, force: true });
  }
  const sum = sumCounts(all);
  process.stdout.write(`\n${lines.join('\n')}\n${closingLine(sum)}\n`);
  return sum.failed === 0 ? 0 : 1;
}

/** @param {() => Promise<import('./test/counts.mjs').Counts> | undefined} stage */
async function runStage(stage) {
  try {
    return (await stage()) ?? crashed;
  } catch (error) {
    process.stdout.write(`${explain(error)}\n`);
    return crashed;
  }
}

if (process.argv[1] === import.meta.filename) await runMain(main);
