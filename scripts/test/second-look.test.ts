import { describe, expect, test, vi } from 'vitest';
import { filesForASecondLook, runWithSecondLook } from './second-look.mjs';

const upload = 'shared/adapters/ssh/upload.integration.test.ts';
const failure = (file?: string, message = 'expected 10 to be greater than 10') => ({
  title: `${file} > arrives`,
  message,
  ...(file === undefined ? {} : { file }),
});
const outcome = (...failures: ReturnType<typeof failure>[]) => ({
  ...{ passed: 40, failed: failures.length, skipped: 1 },
  failures,
  countsOf: () => ({ passed: 7 - failures.length, failed: failures.length, skipped: 0 }),
});
const quiet = { say: () => undefined };
const clean = (passed = 7) => ({ passed, failed: 0, skipped: 0, failures: [] });

describe('the second look', () => {
  test('is at the files in which a few tests against real parts failed, each once', () => {
    const window = failure('e2e/mocked/board.spec.ts');
    expect(filesForASecondLook(outcome(failure(upload), failure(upload), window))).toEqual([
      upload,
      'e2e/mocked/board.spec.ts',
    ]);
    expect(filesForASecondLook(clean())).toEqual([]);
  });

  test.each([
    ['a test of pure code', [failure('shared/engine/plan.test.ts')]],
    ['a case that fast-check found', [failure(upload, 'Property failed after 3 tests\nCounterexample: [0]')]],
    ['a key that was found where none may be', [failure('e2e/station/canary.spec.ts')]],
    ['a promise that a storm broke', [failure('e2e/lab/proof/storm.integration.test.ts')]],
    ['an error outside of all tests', [failure()]],
    ['more failures than accident explains', [1, 2, 3, 4].map(() => failure(upload))],
    ['an accident beside a fault', [failure(upload), failure('shared/engine/plan.test.ts')]],
  ])('is not at %s', (_, failures) => {
    expect(filesForASecondLook(outcome(...failures))).toEqual([]);
  });

  test('is not at a stage that did not say of each failure what it was', () => {
    expect(filesForASecondLook({ ...outcome(failure(upload)), failed: 2 })).toEqual([]);
  });

  test('counts what holds then as passed, and tells that it is unsteady', async () => {
    const run = vi
      .fn()
      .mockResolvedValueOnce(outcome(failure(upload)))
      .mockResolvedValueOnce(clean());
    expect(await runWithSecondLook(run, quiet)).toEqual({
      ...{ passed: 41, failed: 0, skipped: 1 },
      ...{ failures: [], unsteady: [failure(upload)] },
    });
    expect(run.mock.calls).toEqual([[[]], [[upload]]]);
  });

  test('counts what a failed hook kept from running', async () => {
    const hook = {
      ...outcome(failure(upload)),
      skipped: 8,
      countsOf: () => ({ passed: 0, failed: 0, skipped: 7 }),
    };
    const run = vi.fn().mockResolvedValueOnce(hook).mockResolvedValueOnce(clean());
    expect(await runWithSecondLook(run, quiet)).toMatchObject({ passed: 47, failed: 0, skipped: 1 });
  });

  test.each([
    ['fails again', outcome(failure(upload))],
    ['was not run', clean(0)],
    ['was run with fewer beside it', clean(6)],
    ['crashed', { passed: 0, failed: 1, skipped: 0, failures: [] }],
  ])('leaves a failure where the test %s', async (_, second) => {
    const first = outcome(failure(upload));
    const run = vi.fn().mockResolvedValueOnce(first).mockResolvedValueOnce(second);
    expect(await runWithSecondLook(run, quiet)).toEqual(first);
  });

  test('is neither at a clean stage nor taken when the run shall end', async () => {
    const run = vi.fn().mockResolvedValue(clean());
    await runWithSecondLook(run, quiet);
    expect(run).toHaveBeenCalledTimes(1);
    const stopped = vi.fn().mockResolvedValue(outcome(failure(upload)));
    await runWithSecondLook(stopped, { ...quiet, stopped: () => true });
    expect(stopped).toHaveBeenCalledTimes(1);
  });
});
