import { BoardScreenModel } from '../screens/board.ts';
import { settled } from '../screens/settled.ts';
import { expect, test } from './fixtures.ts';
import { batch, deviceName, heldRows, mixedRows, now, row } from './states/batch.ts';
import { errorOf } from './states/errors.ts';
import * as states from './states/stations.ts';

const enrolledNow = (position: number) => row({ position, state: 'enrolled', finishedAgoMs: 0 });

test('a change of one device changes its row, the counters and the ruler', async ({ station }) => {
  await station.show(states.board);
  const board = new BoardScreenModel(station.page);
  await expect(board.enrolled).toHaveText('32');
  await station.change({ rows: { [deviceName(38)]: enrolledNow(38) } });
  await expect(board.enrolled).toHaveText('33');
  await expect(board.row(deviceName(38))).toContainText('Enrolled');
  await expect(board.ruler.getByRole('option', { name: `${deviceName(38)}, Enrolled` })).toBeVisible();
});

test('a missed revision leads to a new snapshot', async ({ station }) => {
  await station.show(states.board);
  const board = new BoardScreenModel(station.page);
  const later = {
    ...states.board,
    revision: 50,
    rows: { ...mixedRows(), [deviceName(38)]: enrolledNow(38) },
  };
  await station.answer('station.snapshot', later);
  await station.send('station.delta', { revision: 50 });
  await expect(board.enrolled).toHaveText('33');
});

test('the order is held while the pointer is in the table, and S applies it', async ({ station }) => {
  await station.show(states.board);
  const board = new BoardScreenModel(station.page);
  await board.row(deviceName(38)).click();
  const before = await settled(station.page, () => board.order());
  await station.change({ rows: { [deviceName(38)]: enrolledNow(38) } });
  const chip = station.page.getByRole('button', { name: /^Order changed/ });
  await expect(chip).toBeVisible();
  expect(await settled(station.page, () => board.order())).toEqual(before);
  await board.grid.focus();
  await station.page.keyboard.press('s');
  await expect(chip).toBeHidden();
  await expect
    .poll(async () => (await board.order()).indexOf(deviceName(38)))
    .toBeGreaterThan(before.indexOf(deviceName(46)));
});

test('one retry serves all devices of a cause, with the password entered once', async ({ station }) => {
  await station.show(states.board);
  const board = new BoardScreenModel(station.page);
  const cause = board.cause('sudo asks for a password');
  const retry = cause.getByRole('button', { name: 'Retry 3' });
  await retry.click();
  await expect(cause.getByLabel('sudo password for pi')).toBeFocused();
  expect(await station.asked('batch.retry')).toEqual([]);
  await station.page.keyboard.type('pass-4711');
  await station.page.keyboard.press('Enter');
  await expect(cause.getByLabel('sudo password for pi')).toHaveValue('');
  await expect
    .poll(() => station.asked('batch.retry'))
    .toEqual([{ deviceIds: [deviceName(6), deviceName(19), deviceName(33)], sudoPassword: 'pass-4711' }]);
});

test('a clock that is off is set only by the button that says so', async ({ station }) => {
  const off = [3, 5].map((position) =>
    row({
      ...({ position, state: 'failed', at: 'connect', stepState: 'failed' } as const),
      error: errorOf('DEVICE_CLOCK_OFF', { offset: '1:06:40' }, 'connect'),
    }),
  );
  await station.show({ ...states.board, batch, rows: Object.fromEntries(off.map((r) => [r.deviceId, r])) });
  const board = new BoardScreenModel(station.page);
  const cause = board.cause('Clock of the device is wrong');
  await cause.getByRole('button', { name: 'Retry 2', exact: true }).click();
  const set = cause.getByRole('button', { name: 'Set the clock and retry 2' });
  await set.click();
  const deviceIds = [deviceName(3), deviceName(5)];
  await expect
    .poll(() => station.asked('batch.retry'))
    .toEqual([{ deviceIds }, { deviceIds, setClock: true }]);
  await expect(board.panel.locator('[data-primary]')).toHaveText('Set the clock and retry 2');
});

for (const [code, says] of [
  ['DEVICE_ID_IN_USE', 'another board is alive with this id.'],
  ['DEVICE_ID_OF_OTHER_BOARD', 'another board was given this id.'],
] as const)
  test(`an id is taken over only after the question, for the devices of the cause ${code}`, async ({
    station,
  }) => {
    const inUse = row({
      ...({ position: 3, state: 'failed', at: 'identity', stepState: 'failed' } as const),
      error: errorOf(code, { deviceId: deviceName(3) }, 'identity'),
    });
    await station.show({ ...states.board, batch, rows: { [inUse.deviceId]: inUse } });
    const { panel } = new BoardScreenModel(station.page);
    await panel.getByRole('button', { name: 'Take over the id…' }).click();
    const dialog = station.page.getByRole('dialog', { name: 'Take over the id' });
    await expect(dialog).toContainText(`${deviceName(3)}: ${says}`);
    expect(await station.asked('batch.retry')).toEqual([]);
    await dialog.getByRole('button', { name: 'Take over and retry 1' }).click();
    await expect(dialog).toBeHidden();
    await expect
      .poll(() => station.asked('batch.retry'))
      .toEqual([{ deviceIds: [inUse.deviceId], takeOver: true }]);
  });

test('only the first cause that can be retried holds the primary button', async ({ station }) => {
  await station.show(states.board);
  const board = new BoardScreenModel(station.page);
  await expect(board.panel.locator('[data-primary]')).toHaveCount(1);
});

test('a cause that must not be retried has no retry', async ({ station }) => {
  const changed = row({
    position: 1,
    state: 'failed',
    at: 'connect',
    stepState: 'failed',
    error: errorOf('DEVICE_HOST_KEY_CHANGED', { address: '10.20.4.38' }, 'connect'),
  });
  await station.show({ ...states.board, batch, rows: { [changed.deviceId]: changed } });
  const cause = new BoardScreenModel(station.page).cause('Not the same device as before');
  await expect(cause.getByRole('button', { name: 'Open log' })).toBeVisible();
  await expect(cause.getByRole('button', { name: /Retry/ })).toHaveCount(0);
});

test('the keyboard moves, opens, walks and gives the focus back', async ({ station }) => {
  await station.show(states.board);
  await station.answer('device.followLog', states.log);
  const { page } = station;
  const board = new BoardScreenModel(page);
  await board.grid.focus();
  await page.keyboard.press('n');
  await expect(board.row(deviceName(6))).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('r');
  await expect.poll(() => station.asked('batch.retry')).toEqual([{ deviceIds: [deviceName(6)] }]);
  await page.keyboard.press('Enter');
  await expect(board.drawer).toContainText('Failed at Connect');
  await expect(board.drawer).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(board.drawer).toContainText(
    'The package manager was locked for 5:00, by process 812 (unattended-upgr).',
  );
  await page.keyboard.press('Escape');
  await expect(board.drawer).toBeHidden();
  await expect(board.grid).toBeFocused();
});

test('the log follows one device, shows what comes, and marks what was redacted', async ({ station }) => {
  await station.show(states.board);
  await station.answer('device.followLog', states.log);
  const board = new BoardScreenModel(station.page);
  await board.row(deviceName(27)).dblclick();
  const log = station.page.getByRole('log');
  await expect(log).toContainText('exit 1, limit of 90 s reached');
  await expect(log.getByText('[redacted]').first()).toBeVisible();
  await station.send('device.log', {
    deviceId: deviceName(27),
    lines: [{ offsetMs: 252_000, kind: 'command', text: 'a line that came later' }],
  });
  await station.send('device.log', {
    deviceId: deviceName(28),
    lines: [{ offsetMs: 1, kind: 'command', text: 'a line of another device' }],
  });
  await expect(log).toContainText('a line that came later');
  await expect(log).not.toContainText('another device');
  await expect.poll(() => station.asked('device.followLog')).toContainEqual({ deviceId: deviceName(27) });
  await station.page.keyboard.press('Escape');
  await expect.poll(() => station.asked('device.unfollowLog')).not.toEqual([]);
});

test('stopping the batch is asked once more', async ({ station }) => {
  await station.show(states.board);
  const { page } = station;
  await page.getByRole('button', { name: 'Stop batch' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('8 running devices');
  expect(await station.asked('batch.stop')).toEqual([]);
  await dialog.getByRole('button', { name: 'Stop batch' }).click();
  await expect.poll(() => station.asked('batch.stop')).toEqual([null]);
});

test('five hundred devices draw only the rows in sight', async ({ station }) => {
  await station.show({ ...states.board, rows: mixedRows(500) });
  const board = new BoardScreenModel(station.page);
  await expect(board.grid).toHaveAttribute('aria-rowcount', '501');
  const drawn = await settled(station.page, () => board.rows.getByRole('row').count());
  expect(drawn).toBeGreaterThan(0);
  expect(drawn).toBeLessThan(60);
  await board.grid.focus();
  await station.page.keyboard.press('End');
  await expect(board.rows.locator('[aria-rowindex="501"]')).toBeVisible();
});

test('text from a device stays text', async ({ station }) => {
  const hostile = '<img src=x onerror=alert(1)>';
  await station.show({
    ...states.board,
    notices: [{ id: 'n', tone: 'failed', at: now, text: hostile }],
  });
  await expect(station.page.getByRole('region', { name: 'Notices' })).toContainText(hostile);
  await expect(station.page.locator('img')).toHaveCount(0);
});

test('devices that wait for a sign-in say so everywhere, move nothing, and go on by one button', async ({
  station,
}) => {
  await station.show(states.board);
  const { page } = station;
  const board = new BoardScreenModel(page);
  const places = () =>
    Promise.all(
      [
        ...[board.enrolled, page.getByText('Running', { exact: true }).first(), board.grid],
        page.getByText('Failed', { exact: true }).first(),
        ...[board.row(deviceName(40)), board.ruler.getByRole('option').nth(40)],
      ].map((one) => one.boundingBox()),
    );
  await board.row(deviceName(40)).click();
  const before = await settled(page, places);
  await station.change({ session: states.signedOutBy('IDENTITY_SESSION_ENDED').session, rows: heldRows() });
  const question = page.getByRole('dialog', { name: 'Sign in to go on' });
  await expect(question).toContainText('4 devices wait for it');
  await question.getByRole('button', { name: 'Not now' }).click();
  await expect(board.row(deviceName(38))).toContainText('Waits for a sign-in');
  await expect(board.ruler.getByRole('option', { name: `${deviceName(38)}, Needs sign-in` })).toBeVisible();
  await expect(page.locator('footer')).toContainText('waits for a sign-in');
  await expect(page.getByRole('status')).toContainText('4 wait for a sign-in.');
  expect(await settled(page, places)).toEqual(before);
  await board.panel
    .getByRole('region', { name: 'Waits for a sign-in' })
    .getByRole('button', { name: 'Sign in and go on' })
    .click();
  await expect.poll(() => station.asked('session.signIn')).toHaveLength(1);
  await station.change({ session: states.signedIn, rows: mixedRows() });
  await expect(board.panel.getByRole('region', { name: 'Waits for a sign-in' })).toBeHidden();
  expect(await station.asked('batch.retry')).toEqual([]);
});
