import { BenchScreenModel } from '../screens/bench.ts';
import { expect, test } from './fixtures.ts';
import { errorOf } from './states/errors.ts';
import * as states from './states/stations.ts';

test('a scan names the next device without an id, and says so large', async ({ station }) => {
  await station.show(states.bench);
  const bench = new BenchScreenModel(station.page);
  await expect(bench.scan).toBeFocused();
  await station.page.keyboard.type('batch7-090');
  await station.page.keyboard.press('Enter');
  await expect(station.page.getByText('named 10.20.4.130')).toBeVisible();
  await expect.poll(() => station.asked('bench.rename')).toEqual([{ rowId: 'r1', deviceId: 'batch7-090' }]);
});

test('what a scanner types while the table has the focus goes to the scan field', async ({ station }) => {
  await station.show(states.bench);
  const bench = new BenchScreenModel(station.page);
  await bench.grid.focus();
  await station.page.keyboard.type('batch7-051');
  await expect(bench.scan).toHaveValue('batch7-051');
  await station.page.keyboard.press('Enter');
  await expect(bench.row('r3')).toHaveAttribute('aria-selected', 'true');
  expect(await station.asked('bench.rename')).toEqual([]);
});

test('a wrong scan is refused with the position, and asks nothing', async ({ station }) => {
  await station.show(states.bench);
  const bench = new BenchScreenModel(station.page);
  await bench.scan.fill('Batch7');
  await bench.scan.press('Enter');
  await expect(
    station.page.getByText('Capital B at position 1. Use a-z, 0-9 and hyphen.').first(),
  ).toBeVisible();
  expect(await station.asked('bench.rename')).toEqual([]);
});

test('an id is edited in place; Enter saves only a valid one', async ({ station }) => {
  await station.show(states.bench);
  const bench = new BenchScreenModel(station.page);
  await bench.grid.focus();
  for (let step = 0; step < 4; step += 1) await station.page.keyboard.press('ArrowDown');
  await station.page.keyboard.press('Enter');
  await bench.editor.fill('batch7_055');
  await expect(bench.editor).toHaveAttribute('aria-invalid', 'true');
  await expect(bench.row('r3').getByRole('alert')).toContainText('position 7');
  await station.page.keyboard.press('Enter');
  expect(await station.asked('bench.rename')).toEqual([]);
  await bench.editor.fill('batch7-055a');
  await station.page.keyboard.press('Enter');
  await expect(bench.grid).toBeFocused();
  await expect.poll(() => station.asked('bench.rename')).toEqual([{ rowId: 'r3', deviceId: 'batch7-055a' }]);
});

test('a problem offers the fix in its row', async ({ station }) => {
  await station.show(states.bench);
  await station.page.getByRole('button', { name: 'Use batch7-73' }).click();
  await expect.poll(() => station.asked('bench.rename')).toEqual([{ rowId: 'r0', deviceId: 'batch7-73' }]);
});

test('Ctrl Enter starts the batch with the chosen devices and shows the Board', async ({ station }) => {
  await station.show(states.bench);
  await station.answer('batch.start', { batchId: 'b1' });
  const bench = new BenchScreenModel(station.page);
  await bench.grid.focus();
  await station.page.keyboard.press('End');
  await station.page.keyboard.press('Space');
  await expect(bench.start).toHaveText(/Enroll batch \(23\)/);
  await station.page.keyboard.press('Control+Enter');
  await expect(station.page.getByRole('button', { name: 'Board' })).toHaveAttribute('aria-current', 'page');
  await expect.poll(() => station.asked('batch.start')).toHaveLength(1);
  const asked = (await station.asked('batch.start')) as { rowIds: string[] }[];
  expect(asked[0]?.rowIds).toHaveLength(23);
  for (const left of ['r0', 'r1', 'r6', 'r17', 'r27']) expect(asked[0]?.rowIds).not.toContain(left);
});

test('a refused start is shown with its remedy, and the Bench stays', async ({ station }) => {
  await station.show(states.bench);
  await station.fail('batch.start', errorOf('STATION_BUSY'));
  await new BenchScreenModel(station.page).start.click();
  const alert = station.page.getByRole('region', { name: 'Notices' }).getByRole('alert');
  await expect(alert).toContainText('A batch or a decommission is running.');
  await expect(alert).toContainText('STATION_BUSY');
  await alert.getByRole('button', { name: 'Dismiss' }).click();
  await expect(alert).toBeHidden();
});

test('the start is closed while nobody is signed in, and says why', async ({ station }) => {
  await station.show(states.signedOut);
  await station.page.getByRole('button', { name: 'Prepare the bench first' }).click();
  const bench = new BenchScreenModel(station.page);
  await expect(bench.start).toBeDisabled();
  await expect(bench.start).toHaveText(/Fix 1 to enroll/);
  const check = bench.panel.locator('[data-check="session"]');
  await expect(check).toContainText('Nobody is signed in');
  await check.getByRole('button', { name: 'Sign in' }).click();
  await expect.poll(() => station.asked('session.signIn')).toEqual([null]);
});

test('an address is added only when both fields are valid; a refusal stays in the dialog', async ({
  station,
}) => {
  await station.show(states.bench);
  await station.fail('bench.add', errorOf('DEVICE_TARGET_DUPLICATE', { address: '10.0.0.1', deviceId: 'x' }));
  const { page } = station;
  await page.getByRole('button', { name: 'Add address' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Address', { exact: true }).fill('pi:secret@10.0.0.1');
  await expect(dialog).toContainText('A target holds no password.');
  await expect(dialog.getByRole('button', { name: 'Add device' }).first()).toBeDisabled();
  await dialog.getByLabel('Address', { exact: true }).fill('pi@10.0.0.1:2222');
  await dialog.getByLabel('Device id', { exact: true }).fill('batch7-100');
  await page.keyboard.press('Enter');
  await expect(dialog).toContainText('10.0.0.1 is on the Bench already, as x.');
  await station.answer('bench.add', { rowId: 'r3' });
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect.poll(() => station.asked('bench.add')).toHaveLength(2);
});

test('this computer is added with one press, and named in its row', async ({ station }) => {
  await station.show(states.bench);
  const bench = new BenchScreenModel(station.page);
  await station.answer('bench.add', { rowId: 'own' });
  await bench.addThisComputer.click();
  await expect.poll(() => station.asked('bench.add')).toEqual([{ deviceId: '', target: 'local://' }]);
  const own = { rowId: 'own', deviceId: '', target: 'local://', address: 'this computer' };
  await station.change({ bench: [...states.bench.bench, own] });
  await expect(bench.row('own')).toContainText('this computer');
  await expect(bench.editor).toBeFocused();
  await expect(bench.addThisComputer).toBeHidden();
  await bench.editor.fill('press-07');
  await station.page.keyboard.press('Enter');
  await expect.poll(() => station.asked('bench.rename')).toEqual([{ rowId: 'own', deviceId: 'press-07' }]);
});

test('this computer is not offered where the agent has no place on it', async ({ station }) => {
  const { station: itself } = states.bench;
  await station.show({ ...states.bench, station: { ...itself, reachesThisComputer: false } });
  const bench = new BenchScreenModel(station.page);
  await expect(bench.rows).toBeVisible();
  await expect(bench.addThisComputer).toBeHidden();
});

test('a refusal to add this computer is shown with its remedy', async ({ station }) => {
  await station.show(states.bench);
  await station.fail('bench.add', errorOf('STATION_ENGINE_LOST'));
  await new BenchScreenModel(station.page).addThisComputer.click();
  await expect(station.page.getByRole('region', { name: 'Notices' }).getByRole('alert')).toContainText(
    'STATION_ENGINE_LOST',
  );
});

test('the sudo password of this computer is asked for beside its cause', async ({ station }) => {
  const row = Object.values(states.board.rows).find(({ state }) => state === 'failed');
  if (row === undefined) throw new Error('The state has no failed row.');
  const own = {
    ...{ ...row, target: 'local://', address: 'this computer' },
    error: errorOf('DEVICE_SUDO_PASSWORD_NEEDED', { user: 'line' }),
  };
  await station.show({ ...states.board, rows: { [own.deviceId]: own } });
  const cause = station.page.getByRole('region', { name: 'sudo asks for a password' });
  await expect(cause).toContainText('User line may not run sudo without a password');
  // The account is this computer's own, not the profile's.
  await cause.getByLabel('sudo password', { exact: true }).fill('correct horse');
  await cause.getByRole('button', { name: /Retry/ }).click();
  await expect
    .poll(() => station.asked('batch.retry'))
    .toEqual([{ deviceIds: [own.deviceId], sudoPassword: 'correct horse' }]);
});
