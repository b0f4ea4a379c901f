import { settled } from '../screens/settled.ts';
import { expect, test } from './fixtures.ts';
import * as states from './states/stations.ts';

test('the chosen theme is kept over a reload', async ({ station }) => {
  await station.show(states.bench, { theme: 'dark' });
  const { page } = station;
  const shown = () => page.evaluate(() => document.documentElement.dataset.theme);
  await expect.poll(shown).toBe('dark');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  await expect.poll(shown).toBe('light');
  await page.reload();
  await expect(page.getByRole('grid')).toBeVisible();
  await expect.poll(shown).toBe('light');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitemradio', { name: 'As the system' }).click();
  await expect.poll(shown).toBe('dark');
});

test('keys lead to the screens, the filter and the overview', async ({ station }) => {
  await station.show(states.fleet);
  const { page } = station;
  await page.keyboard.press('Control+3');
  await expect(page.getByRole('grid', { name: 'Fleet' })).toHaveAttribute('aria-rowcount', '2962');
  await page.getByRole('grid').focus();
  await page.keyboard.press('/');
  await expect(page.getByRole('textbox', { name: 'Id, label or address' })).toBeFocused();
  await page.keyboard.type('batch1-000');
  await expect(page.getByTestId('fleet-rows').getByRole('row')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+2');
  await expect(page.getByRole('grid', { name: 'Devices of the batch' })).toBeVisible();
  await page.getByRole('grid').focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys', exact: true })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('F6 goes round the regions', async ({ station }) => {
  await station.show(states.board);
  const { page } = station;
  await page.keyboard.press('Control+2');
  await page.getByRole('grid').focus();
  const region = () =>
    page.evaluate(() => document.activeElement?.closest('[data-region]')?.getAttribute('data-region'));
  for (const next of ['panel', 'rail', 'top', 'toolbar', 'table']) {
    await page.keyboard.press('F6');
    await expect.poll(region).toBe(next);
  }
});

test('certificates that are not checked are said on every screen, above every dialog, for good', async ({
  station,
}) => {
  await station.show(states.insecure, { width: 1120, height: 700 });
  const { page } = station;
  const line = page.locator('[role="note"]');
  const onTop = () =>
    line.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      return element.contains(hit);
    });
  await expect(line).toContainText('Certificates of sso.plant-east.example:8443 are not checked.');
  await expect(line.getByRole('button')).toHaveCount(0);
  for (const key of ['Control+1', 'Control+2', 'Control+3']) {
    await page.keyboard.press(key);
    await expect(line).toBeVisible();
    await expect.poll(onTop, { message: key }).toBe(true);
  }
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await expect.poll(onTop, { message: 'behind a dialog' }).toBe(true);
  await page.keyboard.press('Escape');
  await station.change({ session: { state: 'signed-out' } });
  await expect(line).toBeVisible();
  // What hangs below the head of the window starts below the line.
  await station.show({ ...states.board, profile: states.insecure.profile }, { width: 1120, height: 700 });
  await page.locator('[role="row"][id^="board-"]').first().dblclick();
  const head = await settled(page, () => line.boundingBox());
  await expect
    .poll(async () => (await page.getByRole('dialog').boundingBox())?.y)
    .toBe((head?.y ?? 0) + (head?.height ?? 0));
  await station.show(states.bench);
  await expect(page.getByRole('note')).toHaveCount(0);
});

test('an answer of the wrong shape is shown as a fault, not swallowed', async ({ station }) => {
  await station.show(states.bench);
  await station.send('station.delta', { revision: -1 } as never);
  await expect(station.page.getByRole('alert').filter({ hasText: 'STATION_BUG' })).toBeVisible();
});

test('ages and states of the fleet come from one clock', async ({ station }) => {
  await station.show(states.fleet);
  await station.page.keyboard.press('Control+3');
  await expect(station.page.getByTestId('online-count')).toHaveText('2,950');
  const first = station.page.getByTestId('fleet-rows').getByRole('row').first();
  await expect(first).toContainText('2:14:08');
  await expect(first).toContainText('Offline');
});
