// @ts-check
// The second look: tests against real parts that failed in a run of thousands on a shared computer are run once more, alone.
// What holds then is told as unsteady; it is neither hidden nor does it fail the run (docs/decisions/0079).

/** @typedef {import('./counts.mjs').Outcome} Outcome */
/** @typedef {import('./failures.mjs').Failure} Failure */

/** More failures than these in one stage are no accident. */
const mostTests = 3;

/** Tests whose parts are real processes, sockets, windows and devices. A test of pure code has no excuse. */
const ofRealParts = /\.(integration\.test|farm\.test|vm\.test|spec)\.ts$/;

/** Tests that search for a broken promise: what one of them has found once is found. */
const ofPromises = /canary|storm|invariant/;

/** How fast-check tells that it has found a case. */
const counterexample = /counterexample|property failed/i;

/**
 * The files that are run again after a stage: none when one of its failures cannot be an accident.
 * @param {Outcome} outcome
 * @returns {readonly string[]} paths in the project, each once
 */
export function filesForASecondLook({ failed, failures = [] }) {
  const all = failures.every(
    ({ file = '', message }) =>
      ofRealParts.test(file) && !ofPromises.test(file) && !counterexample.test(message),
  );
  if (!all || failed === 0 || failed > mostTests || failures.length !== failed) return [];
  return [...new Set(failures.flatMap(({ file }) => file ?? []))];
}

/**
 * Runs a stage, and once more those of its files in which a few tests against real parts failed.
 * @param {(files: readonly string[]) => Promise<Outcome>} run runs the tests of these files; of all, when there are none
 * @param {{ stopped?: () => unknown, say?: (text: string) => void }} [options] stopped: whether somebody wants the run to end
 * @returns {Promise<Outcome>} of the whole stage; what failed and then held has passed, and is told as unsteady
 */
export async function runWithSecondLook(run, { stopped = () => false, say = print } = {}) {
  const first = await run([]);
  const files = filesForASecondLook(first);
  if (files.length === 0 || stopped()) return first;
  say(`A second look at ${files.join(', ')}`);
  const second = await run(files);
  // What a failed hook kept from running may run now: the files' counts are replaced as a whole.
  const before = first.countsOf?.(files) ?? { passed: 0, failed: 0, skipped: 0 };
  if (second.failed > 0 || second.passed < before.passed + before.failed || second.passed === 0) return first;
  return {
    passed: first.passed - before.passed + second.passed,
    failed: 0,
    skipped: first.skipped - before.skipped + second.skipped,
    ...{ failures: [], unsteady: first.failures ?? [] },
  };
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`\n${text}\n`);
}
