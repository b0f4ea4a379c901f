import { expect, type MockedStation, test } from './fixtures.ts';
import * as acts from './states/acts.ts';
import { batch, now } from './states/batch.ts';
import { errorOf } from './states/errors.ts';
import * as states from './states/stations.ts';

const one = acts.firstDevice;

async function openFleet(station: MockedStation, state = acts.keyed): Promise<void> {
  await station.show(state);
  await station.answer('fleet.targets', acts.targets);
  await station.page.getByRole('navigation').getByRole('button', { name: 'Fleet' }).click();
}

const row = ({ page }: MockedStation, deviceId = one) => page.locator(`[id="fleet-${deviceId}"]`);

test('a key near its end, past it or gone is told in the table and found by its filter', async ({
  station,
}) => {
  await openFleet(station);
  const cell = (deviceId: string) => row(station, deviceId).locator('[data-key-level]');
  await expect(cell(one)).toHaveAttribute('data-key-level', 'near');
  await expect(cell(one)).toHaveAttribute('title', /ends on 3 Dec 2026, 13:56, in 12 days, made 78 days ago/);
  await expect(cell('batch2-001')).toContainText('3 days ago');
  await expect(cell('batch3-002')).toContainText('deleted');
  const { page } = station;
  await page.getByRole('tab', { name: /^Key/ }).click();
  await expect(row(station, 'batch4-003')).toHaveCount(0);
  await page.getByRole('button', { name: 'Stale first' }).click();
  await page.getByRole('menuitemradio', { name: 'Key end first' }).click();
  await expect(page.getByRole('columnheader', { name: 'Key ends' })).toHaveAttribute(
    'aria-sort',
    'ascending',
  );
  await expect(page.locator('[aria-rowindex="2"][role="row"]')).toHaveAttribute('id', 'fleet-batch3-002');
});

test('the provider is asked for what is not known, and for a device that is looked at', async ({
  station,
}) => {
  await openFleet(station);
  await station.page.getByRole('button', { name: 'Look up keys' }).click();
  const lengths = async () =>
    ((await station.asked('fleet.lookUpKeys')) as { deviceIds: string[] }[]).map(
      (one) => one.deviceIds.length,
    );
  await expect.poll(lengths).toEqual([2000, 721]);
  await station.change({ keyLookUp: { state: 'running', total: 2721, done: 120 } });
  await expect(station.page.getByText('asking, 120 of 2,721')).toBeVisible();
  await row(station, 'batch1-1001').click();
  await expect
    .poll(async () => (await station.asked('fleet.lookUpKeys')).at(-1))
    .toEqual({ deviceIds: ['batch1-1001'] });
});

test('keys of a selection are rotated after one question, by keyboard alone', async ({ station }) => {
  await openFleet(station);
  const { page } = station;
  await station.answer('fleet.targets', acts.manyTargets);
  await station.answer('fleet.rotateKeys', { batchId: 'b' });
  const rotate = page.getByRole('button', { name: 'Rotate keys…' });
  await expect(rotate).toHaveAttribute('aria-disabled', 'true');
  await expect(rotate).toHaveAccessibleDescription('Choose devices first.');
  await rotate.click({ force: true });
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.getByRole('grid', { name: 'Fleet' }).focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  const trigger = page.getByRole('button', { name: 'Rotate 3 keys…' });
  await trigger.focus();
  await page.keyboard.press('Enter');
  const question = page.getByRole('dialog', { name: 'New keys for 3 devices' });
  await expect(question).toContainText('3 devices reached, 2 stay out');
  await expect
    .poll(() => station.asked('fleet.targets'))
    .toEqual([{ deviceIds: [one, 'batch2-001', 'batch4-003'] }]);
  await page.keyboard.press('Escape');
  await expect(question).toBeHidden();
  await expect(trigger).toBeFocused();
  expect(await station.asked('fleet.rotateKeys')).toEqual([]);
  await page.keyboard.press('Enter');
  await expect(question).toContainText('3 devices reached');
  await page.keyboard.press('Control+Enter');
  await expect(question).toBeHidden();
  await expect.poll(() => station.asked('fleet.rotateKeys')).toHaveLength(1);
  const [request] = (await station.asked('fleet.rotateKeys')) as { devices: { deviceId: string }[] }[];
  expect(request?.devices).toHaveLength(3);
  expect(request?.devices[0]).toEqual({ deviceId: one, target: 'ssh://pi@10.20.4.0' });
});

test('a batch that gives new keys says so on the Board', async ({ station }) => {
  await station.show({ ...states.board, batch: { ...batch, rotatesKeys: true } });
  await station.page.keyboard.press('Control+2');
  await expect(station.page.getByRole('heading', { level: 1 })).toHaveText('WO-2611-0187 new keys');
});

test('a rotation that cannot begin says why, where it was asked', async ({ station }) => {
  await openFleet(station);
  const { page } = station;
  await row(station).click();
  await station.fail('fleet.rotateKeys', errorOf('STATION_BUSY'));
  await page.getByRole('button', { name: 'Rotate key…' }).click();
  const question = page.getByRole('dialog');
  await question.getByRole('button', { name: 'Rotate the key' }).click();
  await expect(question.getByRole('alert')).toContainText(errorOf('STATION_BUSY').says);

  await station.change({ batch });
  await expect(question.getByRole('button', { name: 'Rotate the key' })).toBeDisabled();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Rotate key…' })).toHaveAccessibleDescription(
    /WO-2611-0187 is running/,
  );
  await station.change({ batch: null, session: { state: 'signed-out' } });
  for (const name of ['Rotate key…', 'Decommission…'])
    await expect(page.getByRole('button', { name })).toHaveAccessibleDescription('Nobody is signed in.');
});

test('a device is decommissioned only after its id was typed, and what is left is gone on with', async ({
  station,
}) => {
  await openFleet(station);
  const { page } = station;
  await row(station).click();
  await page.getByRole('button', { name: 'Decommission…' }).click();
  const box = page.getByRole('dialog', { name: `Decommission ${one}` });
  await expect(box.getByLabel('Address of the device')).toHaveValue('ssh://pi@10.20.4.0');
  const typed = box.getByLabel(/^Type/);
  await typed.fill('batch1-00');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+Enter');
  expect(await station.asked('device.decommission')).toEqual([]);
  await typed.fill(one);
  await page.keyboard.press('Enter');
  await station.change({ decommissions: { [one]: acts.leavingNow } });
  await expect(box.locator('[data-part="device"]')).toHaveAttribute('data-shape', 'ring');
  await expect
    .poll(() => station.asked('device.decommission'))
    .toEqual([{ deviceId: one, target: 'ssh://pi@10.20.4.0', removeUser: false }]);
  await expect(row(station)).toContainText('Leaving');
  const status = page.locator('[role="status"].visually-hidden');
  await expect(status).toHaveText(`${one} is being decommissioned.`);

  await station.change(acts.leftBy(acts.leftPartly));
  await expect(box).toContainText('Left: agent on the device.');
  await expect(status).toContainText(`The decommission of ${one} is not complete.`);
  await box.getByRole('button', { name: 'Go on with what is left' }).click();
  await expect.poll(() => station.asked('device.decommission')).toHaveLength(2);
  await station.change({ ...acts.leftBy(acts.leftWhole), fleet: { [one]: null } });
  await expect(box).toContainText(`${one} is out of the fleet.`);
  await page.keyboard.press('Escape');
  await expect(box).toBeHidden();
  await expect(row(station)).toContainText('Decommissioned');
  await expect(page.getByRole('button', { name: 'Decommission again…' })).toBeFocused();
});

test('a decommission that runs can be stopped, and the keyboard stays in its box', async ({ station }) => {
  await openFleet(station, acts.after(acts.leavingNow));
  const { page } = station;
  await row(station).click();
  await page.getByRole('button', { name: 'Show how it goes' }).click();
  const box = page.getByRole('dialog', { name: `Decommission ${one}` });
  await box.getByRole('button', { name: 'Stop' }).focus();
  await page.keyboard.press('Enter');
  await expect(box.getByRole('button', { name: 'Stopping' })).toBeDisabled();
  expect(await station.asked('device.stopDecommission')).toEqual([{ deviceId: one }]);
  await station.change(acts.leftBy(acts.leftPartly));
  await expect(box.getByRole('button', { name: 'Go on with what is left' })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(box.locator(':focus')).toBeVisible();
});

test('a password the device asks for is entered beside what is left, once', async ({ station }) => {
  const asks = errorOf('DEVICE_SUDO_PASSWORD_NEEDED', { user: 'pi' });
  const view = {
    ...acts.leftPartly,
    findings: [{ what: 'device', state: 'failed', text: asks.says, error: asks } as const],
  };
  await openFleet(station, acts.after(view));
  await row(station).click();
  await station.page.getByRole('button', { name: 'Go on…' }).click();
  const box = station.page.getByRole('dialog');
  const go = box.getByRole('button', { name: 'Go on with what is left' });
  await expect(box.getByLabel('Address of the device')).not.toHaveValue('');
  await expect(go).toBeDisabled();
  await box.getByLabel('sudo password').fill('pass-4711');
  await go.click();
  await expect
    .poll(() => station.asked('device.decommission'))
    .toEqual([{ deviceId: one, target: 'ssh://pi@10.20.4.0', removeUser: false, sudoPassword: 'pass-4711' }]);
  await expect(box.getByLabel('sudo password')).toHaveValue('');
});

test('a device that reports after its decommission is told as such', async ({ station }) => {
  await openFleet(station, acts.reportsOn);
  await expect(row(station)).toContainText('Still reports');
  await station.page.getByRole('tab', { name: /^Leaving/ }).click();
  await expect(station.page.getByRole('grid', { name: 'Fleet' }).locator('[role="row"]')).toHaveCount(2);
});

test('the key of a device of the batch stands in its drawer, with the exact date', async ({ station }) => {
  await station.show({ ...states.board, keys: { 'batch7-027': acts.key(-1) } });
  await station.answer('device.followLog', []);
  await station.page.locator('#board-batch7-027').dblclick();
  const strip = station.page.getByRole('region', { name: 'Machine key' });
  await expect(strip).toContainText('Ended 24 h ago');
  await expect(strip).toContainText('ended on 20 Nov 2026, 13:56');
  await station.change({ keys: { 'batch7-027': acts.key(88, { madeAt: now, born: 'device' }) } });
  await expect(strip).toContainText('made just now, born on the device');
  await expect(strip.getByRole('button', { name: 'Rotate key…' })).toHaveAttribute('aria-disabled', 'true');
});
