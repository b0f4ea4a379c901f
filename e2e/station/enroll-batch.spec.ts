import type { Page } from '@playwright/test';
import { approveAsLabOperator } from '../lab/identity/operator-walk.ts';
import {
  type BridgedWindow,
  test as base,
  expect,
  launchStation,
  type RunningStation,
  snapshot,
} from './fixtures.ts';
import { keepOpenedPages, openedPages } from './lab-behind.ts';
import { picture } from './pictures.ts';

const deviceCount = 12;

const test = base.extend<{ onLab: RunningStation }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a function needs from this pattern.
  onLab: async ({}, use) => {
    const station = await launchStation({ args: ['--lab', `--devices=${deviceCount}`] });
    await use(station);
    await station.close();
  },
});

/** Keeps every state that the window is told of a device. */
async function keepStates(page: Page): Promise<void> {
  await page.evaluate(() => {
    const kept: string[] = [];
    Object.assign(window, { keptStates: kept });
    (window as unknown as BridgedWindow).muster.on['station.delta']?.((json) => {
      const { rows = {} } = JSON.parse(String(json)) as { rows?: Record<string, { state: string } | null> };
      for (const row of Object.values(rows)) if (row !== null) kept.push(row.state);
    });
  });
}

const keptStates = (page: Page) =>
  page.evaluate(() => (window as unknown as { keptStates: string[] }).keptStates);

test('sign in once, click Enroll batch, and every device turns green', async ({ onLab }) => {
  const { app, page } = onLab;
  await page.emulateMedia({ colorScheme: 'dark' });
  await keepOpenedPages(app);
  await expect(page.getByText('12 devices on the bench')).toBeVisible();
  await picture(page, 'signed-out-dark');

  await page.getByRole('region', { name: 'Sign in' }).getByRole('button', { name: 'Sign in' }).click();
  const sessionState = async (): Promise<string> => (await snapshot(page)).session.state;
  await expect.poll(sessionState).toBe('awaiting-approval');
  await expect(page.getByLabel(/^Code /)).toBeVisible();
  await picture(page, 'sign-in-dark');
  await expect.poll(async () => (await openedPages(app)).length).toBe(1);
  const [verificationUriComplete = ''] = await openedPages(app);
  await approveAsLabOperator({ verificationUriComplete, signal: AbortSignal.timeout(60_000) });
  await expect.poll(sessionState).toBe('signed-in');

  await expect(page.getByRole('grid', { name: 'Devices on the bench' })).toContainText('bench-12');
  await picture(page, 'bench-dark');
  await keepStates(page);
  await page.getByRole('button', { name: `Enroll batch (${deviceCount})` }).click();

  const board = page.getByRole('grid', { name: 'Devices of the batch' });
  await expect(board).toBeVisible();
  const count = async (state: string): Promise<number> =>
    Object.values((await snapshot(page)).rows).filter((row) => row.state === state).length;
  await expect.poll(() => count('enrolled'), { timeout: 90_000 }).toBeGreaterThan(2);
  await picture(page, 'board-dark', true);
  await expect.poll(() => count('enrolled'), { timeout: 90_000 }).toBe(deviceCount);
  // On the way there the window was told of devices at work, whenever that was.
  expect(await keptStates(page)).toContain('running');
  // What the window shows is what the engine holds.
  await expect(board.getByText('Enrolled')).toHaveCount(deviceCount);
  await picture(page, 'board-finished-dark');

  await page.getByRole('button', { name: 'Fleet' }).click();
  const fleet = page.getByRole('grid', { name: 'Fleet' });
  await expect(fleet.getByText('Online')).toHaveCount(deviceCount);
  await picture(page, 'fleet-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await picture(page, 'fleet-light');
  await page.getByRole('button', { name: 'Board' }).click();
  await picture(page, 'board-finished-light');

  // A reloaded window catches up from a snapshot.
  await page.reload();
  await page.getByRole('button', { name: 'Board' }).click();
  await expect(page.getByRole('grid', { name: 'Devices of the batch' }).getByText('Enrolled')).toHaveCount(
    deviceCount,
  );
});
