import { defineConfig } from '@playwright/test';

/** The tests on the real Electron app. `npm test -- e2e` brings the display, the keyring and the runtime they need. */
export default defineConfig({
  testDir: 'e2e',
  testMatch: ['mocked/**/*.spec.ts', 'station/**/*.spec.ts', 'screens/**/*.spec.ts'],
  outputDir: 'test-results',
  // One app at a time: a second window would take the focus, and timing would depend on the neighbour.
  workers: 1,
  // A test that passes on a second try has found something: it fails.
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  // Limits only end what hangs: how long it takes is the computer's affair.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
});
