// @ts-check
// What failed, from the JSON reports of the test runners: named once more at the end of `npm test`, because the
// place where a runner tells it may be thousands of lines up, or cut off where only the end of a log is kept.
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/**
 * @typedef {{ title: string, message: string, file?: string }} Failure title: file and test; message: a few lines,
 * without colours; file: the test's, as a path in the project, unless the error belongs to no test
 */

/** Lines of a message that are shown: enough for an assertion with its values and the first place of its stack. */
const shownLines = 12;

/**
 * The failed tests of a Vitest report, and the errors that belong to no test: of a file that did not load, of a hook, of nobody.
 * @param {{ testResults: readonly { name: string,
 *   assertionResults: readonly { status: string, fullName: string, failureMessages: readonly string[] }[] }[],
 *   errorsBesideTests?: readonly { place: string, text: string }[] }} report
 * @param {string} root the folder that names are told from
 * @returns {Failure[]}
 */
export function vitestFailures({ testResults, errorsBesideTests = [] }, root) {
  const ofTests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map((test) => {
        const file = path.relative(root, name);
        return { ...failure(`${file} > ${test.fullName}`, test.failureMessages.join('\n')), file };
      }),
  );
  const others = errorsBesideTests.map(({ place, text }) => {
    if (place === '') return failure('an error outside of all tests', text);
    const file = path.relative(root, place);
    return { ...failure(file, text), file };
  });
  return [...ofTests, ...others];
}

/**
 * @typedef {object} Suite a Playwright suite: a file, or a block in it
 * @property {string} title
 * @property {string} [file] from the folder of all tests
 * @property {readonly Suite[]} [suites]
 * @property {readonly { title: string, tests: readonly { status: string,
 *   results: readonly { error?: { stack?: string, message?: string } }[] }[] }[]} [specs]
 */

/**
 * The tests of a Playwright report that failed or needed a second try, and the errors that belong to no test.
 * @param {{ suites: readonly Suite[], errors?: readonly { stack?: string, message?: string }[] }} report
 * @param {string} folder the folder of all tests, as a path in the project
 * @returns {Failure[]}
 */
export function playwrightFailures({ suites, errors = [] }, folder) {
  return [
    ...suites.flatMap((suite) => {
      const file = path.join(folder, suite.file ?? suite.title);
      return failuresOfSuite(suite, []).map((told) => ({ ...told, file }));
    }),
    ...errors.map((error) => failure('an error outside of all tests', textOf(error))),
  ];
}

/**
 * @param {Suite} suite
 * @param {readonly string[]} above
 * @returns {Failure[]}
 */
function failuresOfSuite({ title, suites = [], specs = [] }, above) {
  const here = [...above, title].filter(Boolean);
  const own = specs.flatMap((spec) =>
    spec.tests
      .filter(({ status }) => status === 'unexpected' || status === 'flaky')
      .map(({ results }) =>
        failure(
          [...here, spec.title].join(' > '),
          results.map(({ error }) => textOf(error)).find(Boolean) ?? '',
        ),
      ),
  );
  return [...own, ...suites.flatMap((suite) => failuresOfSuite(suite, here))];
}

/** @param {{ stack?: string, message?: string } | undefined} error */
function textOf(error) {
  return error?.stack || error?.message || '';
}

/**
 * @param {string} title
 * @param {string} text
 * @returns {Failure}
 */
function failure(title, text) {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at .*node_modules/.test(line));
  return { title, message: lines.slice(0, shownLines).join('\n') };
}

/**
 * Failures as text, each with its message indented below it; empty when there are none.
 * @param {readonly Failure[]} failures
 * @param {string} [word] what they are
 */
export function failureList(failures, word = 'FAILED') {
  return failures
    .map(({ title, message }) => [`${word}  ${title}`, ...message.split('\n')].join('\n        '))
    .map((text) => `${text.trimEnd()}\n`)
    .join('');
}
