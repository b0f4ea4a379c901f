import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { ElectronApplication, Page } from '@playwright/test';
import { approveAsLabOperator } from '../lab/identity/operator-walk.ts';
import { appFolder, test as base, expect, launchStation, type RunningStation, snapshot } from './fixtures.ts';

const deviceCount = 12;

const test = base.extend<{ onLab: RunningStation }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a function needs from this pattern.
  onLab: async ({}, use) => {
    const station = await launchStation({ args: ['--lab', `--devices=${deviceCount}`] });
    await use(station);
    await station.close();
  },
});

const screenshots = path.join(appFolder, 'test-results', 'screens');

/** A picture of the window. `documented`: it is the one the README shows, refreshed where MUSTER_UPDATE_IMAGES is set. */
async function picture(page: Page, name: string, documented = false): Promise<void> {
  mkdirSync(screenshots, { recursive: true });
  const file = path.join(screenshots, `${name}.png`);
  await page.screenshot({ path: file });
  if (documented && process.env.MUSTER_UPDATE_IMAGES) {
    mkdirSync(path.join(appFolder, 'docs/images'), { recursive: true });
    copyFileSync(file, path.join(appFolder, 'docs/images', `${name}.png`));
  }
}

/** There is no browser on a test machine: keeps what the station asks the system to open. */
async function keepOpenedPages(app: ElectronApplication): Promise<void> {
  await app.evaluate(({ shell }) => {
    const kept = globalThis as unknown as { openedPages: string[] };
    kept.openedPages = [];
    shell.openExternal = async (url: string) => {
      kept.openedPages.push(url);
    };
  });
}

async function openedPages(app: ElectronApplication): Promise<string[]> {
  return app.evaluate(() => (globalThis as unknown as { openedPages: string[] }).openedPages);
}

test('sign in once, click Enroll batch, and every device turns green', async ({ onLab }) => {
  test.setTimeout(180_000);
  const { app, page } = onLab;
  await page.emulateMedia({ colorScheme: 'dark' });
  await keepOpenedPages(app);
  await expect(page.getByText('12 devices on the bench')).toBeVisible({ timeout: 60_000 });
  await picture(page, 'signed-out-dark');

  await page.getByRole('region', { name: 'Sign in' }).getByRole('button', { name: 'Sign in' }).click();
  await expect
    .poll(async () => (await snapshot(page)).session.state, { timeout: 15_000 })
    .toBe('awaiting-approval');
  await expect(page.getByLabel(/^Code /)).toBeVisible();
  await picture(page, 'sign-in-dark');
  await expect.poll(async () => (await openedPages(app)).length).toBe(1);
  const [verificationUriComplete = ''] = await openedPages(app);
  await approveAsLabOperator({ verificationUriComplete, signal: AbortSignal.timeout(20_000) });
  await expect.poll(async () => (await snapshot(page)).session.state, { timeout: 15_000 }).toBe('signed-in');

  await expect(page.getByRole('grid', { name: 'Devices on the bench' })).toContainText('bench-12');
  await picture(page, 'bench-dark');
  await page.getByRole('button', { name: `Enroll batch (${deviceCount})` }).click();
  const board = page.getByRole('grid', { name: 'Devices of the batch' });
  await expect(board).toBeVisible();
  await expect
    .poll(
      async () => Object.values((await snapshot(page)).rows).filter((row) => row.state === 'running').length,
    )
    .toBeGreaterThan(0);
  await expect
    .poll(
      async () => Object.values((await snapshot(page)).rows).filter((row) => row.state === 'enrolled').length,
      { timeout: 90_000 },
    )
    .toBeGreaterThan(2);
  await picture(page, 'board-dark', true);
  await expect
    .poll(async () => Object.values((await snapshot(page)).rows).every((row) => row.state === 'enrolled'), {
      timeout: 90_000,
    })
    .toBe(true);
  // What the window shows is what the engine holds.
  await expect(board.getByText('Enrolled')).toHaveCount(deviceCount);
  await picture(page, 'board-finished-dark');
});
