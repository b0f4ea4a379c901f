// @ts-check
// Counting: what the test runners report as JSON, summed up into the closing line of `npm test`.
import fs from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @typedef {import('./failures.mjs').Failure} Failure */
/** @typedef {(files: readonly string[]) => Counts} CountsOf the counts of some files, given as paths in the project */
/**
 * @typedef {Counts & { failures?: readonly Failure[], countsOf?: CountsOf, unsteady?: readonly Failure[] }} Outcome
 * countsOf: of its own files; unsteady: what failed and held at the second look
 */
/**
 * What reads a report.
 * @template Report
 * @typedef {{ count: (report: Report) => Counts, countOf: (report: Report, files: readonly string[]) => Counts,
 *   failures: (report: Report) => readonly Failure[] }} Reader
 */

/**
 * Counts of a Vitest JSON report; a file that could not be loaded is one failure.
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: readonly { status: string, assertionResults: readonly { status: string }[] }[] }} report
 * @returns {Counts}
 */
export function countVitest(report) {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * Counts of a Playwright JSON report. A test that passed only on a second try has failed; an error outside of
 * all tests is one failure.
 * @param {{ stats: { expected: number, unexpected: number, flaky: number, skipped: number }, errors?: readonly unknown[] }} report
 * @returns {Counts}
 */
export function countPlaywright({ stats, errors = [] }) {
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + errors.length,
    skipped: stats.skipped,
  };
}

/**
 * Counts of some files of a Vitest JSON report.
 * @param {{ testResults: readonly { name: string, assertionResults: readonly { status: string }[] }[] }} report
 * @param {readonly string[]} files as the report names them
 * @returns {Counts}
 */
export function countVitestFiles({ testResults }, files) {
  const counts = testResults
    .filter(({ name }) => files.includes(name))
    .map(({ assertionResults }) =>
      tally(
        assertionResults.map(({ status }) => status),
        'passed',
        'failed',
      ),
    );
  return sumCounts(counts);
}

/** @typedef {import('./failures.mjs').Suite} Suite */

/**
 * Counts of some files of a Playwright JSON report.
 * @param {{ suites: readonly Suite[] }} report
 * @param {readonly string[]} files as the report names them
 * @returns {Counts}
 */
export function countPlaywrightFiles({ suites }, files) {
  return sumCounts(suites.filter(({ file = '' }) => files.includes(file)).map(countSuite));
}

/**
 * @param {Suite} suite
 * @returns {Counts}
 */
function countSuite({ suites = [], specs = [] }) {
  const statuses = specs.flatMap(({ tests }) => tests.map(({ status }) => status));
  return sumCounts([tally(statuses, 'expected', 'unexpected', 'flaky'), ...suites.map(countSuite)]);
}

/**
 * @param {readonly string[]} statuses
 * @param {string} passed
 * @param {readonly string[]} failed
 * @returns {Counts} what is neither has been skipped
 */
function tally(statuses, passed, ...failed) {
  const counts = {
    passed: statuses.filter((status) => status === passed).length,
    failed: statuses.filter((status) => failed.includes(status)).length,
  };
  return { ...counts, skipped: statuses.length - counts.passed - counts.failed };
}

/**
 * What came out of a stage that left a report, made to agree with its exit status: a failed run never counts as
 * clean, and one that says of no test that it failed says at least how it ended.
 * @template Report
 * @param {string} file
 * @param {number} status
 * @param {Reader<Report>} reader
 * @returns {Outcome}
 */
export function readOutcome(file, status, { count, countOf, failures }) {
  if (!fs.existsSync(file)) return crash(`It ended with status ${status} and left no report.`);
  const report = JSON.parse(fs.readFileSync(file, 'utf8'));
  /** @param {readonly string[]} files */
  const countsOf = (files) => countOf(report, files);
  const counts = { ...count(report), countsOf };
  const told = failures(report);
  if (status === 0 || counts.failed > 0) return { ...counts, failures: told };
  const untold = { title: 'the run as a whole', message: `It ended with status ${status}.` };
  return { ...counts, failed: 1, failures: told.length > 0 ? told : [untold] };
}

/**
 * A stage that ended without saying what it ran: one failure.
 * @param {string} message
 * @returns {Outcome}
 */
export function crash(message) {
  return { passed: 0, failed: 1, skipped: 0, failures: [{ title: 'the stage as a whole', message }] };
}

/**
 * The sum of several counts.
 * @param {readonly Counts[]} all
 * @returns {Counts}
 */
export function sumCounts(all) {
  return all.reduce(
    (sum, { passed, failed, skipped }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/**
 * The closing line. Tools read it: its form is a promise.
 * @param {Counts} counts
 */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
