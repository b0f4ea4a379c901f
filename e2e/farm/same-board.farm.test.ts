import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectEnrolled, stateOf } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { stationAddress } from './lan.ts';

const signal = AbortSignal.timeout(3_000_000);

describe.skipIf(!farmAvailable().ok)('boards and ids that do not go together one to one', () => {
  let fixture: LabFixture;
  let board: FarmDevice;
  let other: FarmDevice;
  let second: string;

  beforeAll(async () => {
    [fixture, board, other] = await Promise.all([
      startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 }),
      startFarmDevice({ name: 'board', packages: 'installed' }),
      startFarmDevice({ name: 'other', packages: 'installed' }),
    ]);
    second = await board.addAddress();
  }, 600_000);
  afterAll(async () => {
    await fixture?.stop();
    await Promise.all([board, other].map((device) => device?.stop()));
  });

  const usersNamed = (deviceId: string) =>
    fixture.lab.identity.inspect().users.filter((user) => user.userName === `device-${deviceId}`);
  const liveKeysOf = (deviceId: string) => {
    const ids = usersNamed(deviceId).map((user) => user.id);
    return fixture.lab.identity.inspect().keys.filter((key) => key.live && ids.includes(key.userId));
  };
  const outcomes = (...deviceIds: readonly string[]) =>
    deviceIds.map((deviceId) => fixture.row(deviceId).error?.code ?? fixture.row(deviceId).state);

  test('one board at two addresses takes one id; for the other nothing is made', async () => {
    await putOnBench(
      fixture,
      [
        { deviceId: 'front', device: board },
        { deviceId: 'back', device: board, address: second },
      ],
      { signal },
    );
    await fixture.station.enrollAll();
    // Side by side, whoever is looked at first keeps the board.
    const [first = '', refused = ''] = ['front', 'back'].sort((a) =>
      fixture.row(a).state === 'enrolled' ? -1 : 1,
    );
    expect(outcomes(first, refused), await logOf(fixture, first)).toEqual(['enrolled', 'DEVICE_SAME_BOARD']);
    expect(usersNamed(refused)).toEqual([]);
    await expectEnrolled(board, first, fixture.lab);
  }, 600_000);

  test('in the other order the other id wins; without a serial number nothing proves that its first key is not a copy', async () => {
    const before = ['front', 'back'].find((deviceId) => liveKeysOf(deviceId).length > 0) ?? '';
    const now = before === 'front' ? 'back' : 'front';
    await putOnBench(
      fixture,
      [
        { deviceId: now, device: board, address: second },
        { deviceId: before, device: board },
      ],
      { signal, concurrency: 1 },
    );
    await fixture.station.enrollAll();
    expect(outcomes(now, before), await logOf(fixture, now)).toEqual(['enrolled', 'DEVICE_SAME_BOARD']);
    await expectEnrolled(board, now, fixture.lab);
    expect(await logOf(fixture, now)).toMatch(
      /key \d+ of machine user \d+, which the device held before, stays/,
    );
    // As the log advises.
    await fixture.station.station.handle('device.decommission', { deviceId: before });
    await fixture.station.station.whenDecommissioned();
    expect(liveKeysOf(before)).toEqual([]);
    expect(await board.exec('cat /etc/fleet-agent/enrollment-epoch')).toMatchObject({ stdout: '2\n' });
  }, 600_000);

  /** The id the board has by now. */
  const idOfBoard = () => (liveKeysOf('front').length > 0 ? 'front' : 'back');

  test('a board that was flashed anew gets its id again unasked', async () => {
    const deviceId = idOfBoard();
    const [lost] = liveKeysOf(deviceId);
    await board.reset();
    await putOnBench(fixture, [{ deviceId, device: board }], { signal });
    await fixture.station.enrollAll();
    expect(outcomes(deviceId), await logOf(fixture, deviceId)).toEqual(['enrolled']);
    await expectEnrolled(board, deviceId, fixture.lab);
    expect(liveKeysOf(deviceId).map(({ id }) => id)).not.toContain(lost?.id);
  }, 600_000);

  test('a second board with an id that is alive is refused before anything is made or touched', async () => {
    const deviceId = idOfBoard();
    await putOnBench(fixture, [{ deviceId, device: other }], { signal });
    const [held, { mutations }] = [await stateOf(board), fixture.lab.identity.inspect()];
    await fixture.station.enrollAll();
    expect(outcomes(deviceId), await logOf(fixture, deviceId)).toEqual(['DEVICE_ID_IN_USE']);
    expect(fixture.row(deviceId).error?.says).toContain(`board at ${board.address}`);
    await expectUntouched(mutations);
    expect(await stateOf(board)).toBe(held);
  }, 900_000);

  test('with the first board switched off the record refuses it, until the operator takes the id over', async () => {
    const deviceId = idOfBoard();
    const { mutations } = fixture.lab.identity.inspect();
    const keysBefore = liveKeysOf(deviceId);
    await board.powerCut();
    await expect
      .poll(
        async () => {
          await fixture.station.enrollAll();
          return fixture.row(deviceId).error?.code ?? fixture.row(deviceId).state;
        },
        { timeout: 400_000, interval: 3_000 },
      )
      .toBe('DEVICE_ID_OF_OTHER_BOARD');
    expect(fixture.row(deviceId).error).toMatchObject({ offer: 'take-over' });
    expect(fixture.row(deviceId).error?.says).toContain(`the board at ssh://pi@${board.address}`);
    expect(fixture.row(deviceId).error?.evidence).toContain('This board, at');
    await expectUntouched(mutations);
    expect(liveKeysOf(deviceId)).toEqual(keysBefore);

    const { station } = fixture.station;
    await station.handle('batch.retry', { deviceIds: [deviceId], takeOver: true });
    await station.whenBatchIdle();
    expect(outcomes(deviceId), await logOf(fixture, deviceId)).toEqual(['enrolled']);
    expect(await logOf(fixture, deviceId)).toContain(
      `the operator takes this id over from the board at ssh://pi@${board.address}`,
    );
    await expectEnrolled(other, deviceId, fixture.lab);
    // From now on it is the other one that needs no leave.
    await fixture.station.enrollAll();
    expect(outcomes(deviceId), await logOf(fixture, deviceId)).toEqual(['enrolled']);
  }, 900_000);

  /** Nothing of ours on the other board, nothing made at the identity provider since. */
  async function expectUntouched(mutations: unknown): Promise<void> {
    expect((await other.exec('ls -d /etc/fleet-agent; id fleet-agent')).stdout).toBe('');
    expect(fixture.lab.identity.inspect().mutations).toEqual(mutations);
  }
});
