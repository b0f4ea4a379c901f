import { BoardScreenModel } from '../screens/board.ts';
import { expect, test } from './fixtures.ts';
import { batch, row } from './states/batch.ts';
import { errorOf } from './states/errors.ts';
import * as states from './states/stations.ts';

const expected = 'SHA256:pV3lbq0nHqQ2Gk3nq3o6vYx1uZ2m9QkAxv2mL0oT8sE';
const actual = 'SHA256:Zr8cT1fJw6mX0yQe4uN7bK5dA2sHgV9iLoP3tRzCxWk';
const address = '10.20.4.38';

const failed = (position: number, error: ReturnType<typeof errorOf>) =>
  row({ ...({ position, state: 'failed', at: 'connect', stepState: 'failed' } as const), error });

test('a changed host key is trusted in two steps, on the device alone', async ({ station }) => {
  const changed = failed(
    1,
    errorOf('DEVICE_HOST_KEY_CHANGED', { address, place: address, expected, actual }, 'connect'),
  );
  for (const theme of ['light', 'dark'] as const) {
    await station.show({ ...states.board, batch, rows: { [changed.deviceId]: changed } }, { theme });
    await station.answer('device.followLog', states.log);
    const board = new BoardScreenModel(station.page);
    await expect(board.panel.getByRole('button', { name: /trust/i })).toHaveCount(0);
    await board.row(changed.deviceId).dblclick();
    await board.drawer.getByRole('button', { name: 'Trust the new key…' }).click();
    expect(await station.asked('device.trustNewHostKey')).toEqual([]);
    const step = board.drawer.getByRole('region', { name: 'Trust the new key' });
    await expect(step).toContainText(expected);
    await expect(step).toContainText(actual);
  }
  const { drawer } = new BoardScreenModel(station.page);
  await drawer.getByRole('button', { name: 'Cancel' }).click();
  await drawer.getByRole('button', { name: 'Trust the new key…' }).click();
  await drawer.getByRole('button', { name: 'Trust the new key and retry' }).click();
  await expect
    .poll(() => station.asked('device.trustNewHostKey'))
    .toEqual([{ deviceId: changed.deviceId, fingerprint: actual }]);
});

test('the passphrase of the key is asked for once, beside its cause', async ({ station }) => {
  const path = '/home/op/bench-key';
  const rows = [2, 4].map((position) =>
    failed(position, errorOf('STATION_KEY_PASSPHRASE_NEEDED', { path }, 'connect')),
  );
  await station.show({
    ...states.board,
    batch,
    rows: Object.fromEntries(rows.map((one) => [one.deviceId, one])),
  });
  const cause = new BoardScreenModel(station.page).cause('Private key has a passphrase');
  const field = cause.getByLabel('Passphrase of the key');
  await field.fill('correct horse');
  await cause.getByRole('button', { name: 'Retry 2' }).click();
  await expect
    .poll(() => station.asked('batch.retry'))
    .toEqual([{ deviceIds: rows.map((one) => one.deviceId), keyPassphrase: 'correct horse' }]);
  await expect(field).toHaveValue('');
});
