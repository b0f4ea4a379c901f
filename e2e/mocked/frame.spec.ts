import { expect, test } from './fixtures.ts';
import * as states from './states/stations.ts';

test('the sign-in shows code, page and time, and its buttons ask the station', async ({ station }) => {
  await station.show(states.signIn);
  const { page } = station;
  await expect(page.getByLabel('Code W D J B - M J H T')).toBeVisible();
  await expect(page.getByTestId('sign-in-page')).toHaveText('sso.plant-east.example:8443/device');
  await expect(page.getByText('Code valid for 3:37')).toBeVisible();
  await expect(page.getByRole('img', { name: /^QR code of/ })).toBeVisible();
  await page.getByRole('button', { name: 'Open browser again' }).click();
  await page.getByRole('button', { name: 'Copy address' }).click();
  await page.getByRole('button', { name: 'New code' }).click();
  await page.keyboard.press('Escape');
  for (const channel of [
    'session.openBrowser',
    'session.copyAddress',
    'session.signIn',
    'session.cancel',
  ] as const) {
    expect(await station.asked(channel), channel).toEqual([null]);
  }
});

test('after the sign-in the Bench comes by itself', async ({ station }) => {
  await station.show(states.signIn);
  await station.change({ session: states.signedIn });
  await expect(station.page.getByRole('grid', { name: 'Devices on the bench' })).toBeVisible();
  await expect(station.page.getByRole('button', { name: /Operator 14/ })).toBeVisible();
});

test('the operator menu signs out', async ({ station }) => {
  await station.show(states.bench);
  await station.page.getByRole('button', { name: /Operator 14/ }).click();
  await station.page.getByRole('menuitem', { name: 'Sign out' }).click();
  expect(await station.asked('session.signOut')).toEqual([null]);
});

test('the chosen theme is kept over a reload', async ({ station }) => {
  await station.show(states.bench, { theme: 'dark' });
  const { page } = station;
  const shown = () => page.evaluate(() => document.documentElement.dataset.theme);
  expect(await shown()).toBe('dark');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  expect(await shown()).toBe('light');
  await page.reload();
  await expect(page.getByRole('grid')).toBeVisible();
  expect(await shown()).toBe('light');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitemradio', { name: 'As the system' }).click();
  expect(await shown()).toBe('dark');
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
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
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
  const visited: (string | null | undefined)[] = [];
  for (let step = 0; step < 5; step += 1) {
    await page.keyboard.press('F6');
    visited.push(await region());
  }
  expect(visited).toEqual(['panel', 'rail', 'top', 'toolbar', 'table']);
});

test('accepted invalid certificates are always said', async ({ station }) => {
  await station.show(states.insecure);
  await expect(station.page.getByText('Invalid certificates are accepted')).toBeVisible();
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
