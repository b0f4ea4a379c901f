import { defineConfig } from 'vitest/config';

/** Playwright's tests, which drive the real app. */
const playwrightTests = ['e2e/{mocked,station,screens,installed}/**'];
const farmTests = ['e2e/farm/*farm.test.ts'];
const vmTests = ['e2e/vm/*.vm.test.ts'];
const never = ['**/node_modules/**', 'out/**', 'release/**'];

export default defineConfig({
  test: {
    // They wait more than they compute: one worker fewer, as is usual, leaves half of a small computer idle.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          // Limits end what hangs, and nothing else: on a computer with much else to do everything takes its time.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...never, ...playwrightTests, ...farmTests, ...vmTests, '**/*.integration.test.ts'],
        },
      },
      {
        // Real servers and processes on loopback: more patience, still no tolerance.
        test: {
          name: 'integration',
          // Says at the end of a run whether a real Zitadel was asked.
          globalSetup: ['e2e/lab/identity/contract/announce.ts'],
          include: ['**/*.integration.test.ts'],
          exclude: [...never, ...playwrightTests, ...farmTests],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        // Real Debian devices; runs inside the farm's network namespace (scripts/test/stages.mjs).
        test: {
          name: 'farm',
          include: farmTests,
          testTimeout: 240_000,
          hookTimeout: 420_000,
          fileParallelism: false,
        },
      },
      {
        // A real boot, emulated: minutes (scripts/test/stages.mjs).
        test: { name: 'vm', include: vmTests, testTimeout: 120_000, fileParallelism: false },
      },
    ],
  },
});
