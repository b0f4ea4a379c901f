import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  closingLine,
  countPlaywright,
  countPlaywrightFiles,
  countVitest,
  countVitestFiles,
  crash,
  readOutcome,
  sumCounts,
} from './counts.mjs';

const vitestReport = {
  numPassedTests: 5,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
    { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
  ],
};

const reader = { count: countPlaywright, countOf: () => sumCounts([]), failures: () => [] };

describe('counts', () => {
  let folder = '';
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-counts-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  test('adds a file that could not be loaded to the failures of Vitest', () => {
    const broken = { status: 'failed', assertionResults: [] };
    expect(countVitest(vitestReport)).toEqual({ passed: 5, failed: 1, skipped: 3 });
    expect(countVitest({ ...vitestReport, testResults: [...vitestReport.testResults, broken] }).failed).toBe(
      2,
    );
  });

  test('counts a Playwright test that needed a second try as failed', () => {
    const stats = { expected: 4, unexpected: 1, flaky: 1, skipped: 2 };
    expect(countPlaywright({ stats, errors: [] })).toEqual({ passed: 4, failed: 2, skipped: 2 });
    expect(countPlaywright({ stats, errors: [{}] }).failed).toBe(3);
  });

  test('gives the counts of some files: of Vitest, and of Playwright with its blocks', () => {
    const assertionResults = ['passed', 'passed', 'failed', 'skipped'].map((status) => ({ status }));
    const testResults = ['a', 'b', 'c'].map((name) => ({ name, assertionResults }));
    expect(countVitestFiles({ testResults }, ['a', 'c'])).toEqual({ passed: 4, failed: 2, skipped: 2 });
    const specs = ['expected', 'unexpected', 'flaky', 'skipped'].map((status) => ({
      ...{ title: status, tests: [{ status, results: [] }] },
    }));
    const suites = ['a', 'b'].map((file) => ({
      title: file,
      file,
      specs,
      suites: [{ title: 'block', specs }],
    }));
    expect(countPlaywrightFiles({ suites }, ['b'])).toEqual({ passed: 2, failed: 4, skipped: 2 });
  });

  test('a stage without a report has failed once', () => {
    const { failed, failures } = readOutcome(path.join(folder, 'none.json'), 3, reader);
    expect(failed).toBe(1);
    expect(failures?.[0]?.message).toContain('status 3');
  });

  test('a stage that ended badly is never clean, whatever its report says', () => {
    const file = path.join(folder, 'clean.json');
    const stats = { expected: 4, unexpected: 0, flaky: 0, skipped: 0 };
    fs.writeFileSync(file, JSON.stringify({ stats }));
    const bad = readOutcome(file, 1, reader);
    expect(bad.failed).toBe(1);
    expect(bad.failures).toHaveLength(1);
    expect(readOutcome(file, 0, reader)).toMatchObject({ passed: 4, failed: 0, skipped: 0, failures: [] });
  });

  test('the closing line has the form that other tools read', () => {
    const sum = sumCounts([{ passed: 3, failed: 0, skipped: 1 }, crash('killed')]);
    expect(closingLine(sum)).toBe('3 passed, 1 failed, 1 skipped');
  });
});
