import { describe, expect, test } from 'vitest';
import { failureList, playwrightFailures, vitestFailures } from './failures.mjs';

describe('failures', () => {
  test('of Vitest: tests, files that did not load, and errors outside of all tests', () => {
    const passed = { status: 'passed', fullName: 'adds', failureMessages: [] };
    const failed = {
      status: 'failed',
      fullName: 'sums adds',
      failureMessages: [
        '\u001b[31mexpected 1\u001b[39m to be 2\n    at own.ts:3\n    at x (/p/node_modules/y.js:1)',
      ],
    };
    const report = {
      testResults: [
        { name: '/p/shared/sums.test.ts', assertionResults: [passed, failed] },
        { name: '/p/shared/fine.test.ts', assertionResults: [passed] },
      ],
      errorsBesideTests: [
        { place: '/p/shared/broken.test.ts', text: 'no such module' },
        { place: '', text: 'Error: nobody awaited me' },
      ],
    };
    expect(vitestFailures(report, '/p')).toEqual([
      {
        title: 'shared/sums.test.ts > sums adds',
        message: 'expected 1 to be 2\n    at own.ts:3',
        file: 'shared/sums.test.ts',
      },
      { title: 'shared/broken.test.ts', message: 'no such module', file: 'shared/broken.test.ts' },
      { title: 'an error outside of all tests', message: 'Error: nobody awaited me' },
    ]);
  });

  test('of Playwright: by file and block, also a test that needed a second try', () => {
    const spec = (title: string, status: string, ...messages: string[]) => ({
      title,
      tests: [{ status, results: messages.map((message) => (message ? { error: { message } } : {})) }],
    });
    const block = {
      title: 'board',
      specs: [spec('opens', 'expected', ''), spec('closes', 'unexpected', 'timed out')],
    };
    const file = {
      title: 'board.spec.ts',
      file: 'mocked/board.spec.ts',
      suites: [block],
      specs: [spec('starts', 'flaky', 'gone', '')],
    };
    expect(playwrightFailures({ suites: [file], errors: [{ message: 'no browser' }] }, 'e2e')).toEqual([
      { title: 'board.spec.ts > starts', message: 'gone', file: 'e2e/mocked/board.spec.ts' },
      { title: 'board.spec.ts > board > closes', message: 'timed out', file: 'e2e/mocked/board.spec.ts' },
      { title: 'an error outside of all tests', message: 'no browser' },
    ]);
  });

  test('a long message is cut, and nothing is printed where nothing failed', () => {
    const message = Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n');
    const [cut] = playwrightFailures({ suites: [], errors: [{ message }] }, 'e2e');
    expect(cut?.message.split('\n')).toHaveLength(12);
    expect(failureList([{ title: 'unit: a > b', message: 'one\ntwo' }])).toBe(
      'FAILED  unit: a > b\n        one\n        two\n',
    );
    expect(failureList([{ title: 'unit: a > b', message: '' }], 'UNSTEADY')).toBe('UNSTEADY  unit: a > b\n');
    expect(failureList([])).toBe('');
  });
});
