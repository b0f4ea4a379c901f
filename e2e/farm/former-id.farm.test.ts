import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { giveSerial } from './board-serial.ts';
import { expectEnrolled } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { stationAddress } from './lan.ts';

const signal = AbortSignal.timeout(3_000_000);

/** What becomes of the key of another id that a board brings along. */
describe.skipIf(!farmAvailable().ok)('a board that holds the key of another id', () => {
  let fixture: LabFixture;
  let board: FarmDevice;
  let copy: FarmDevice;

  beforeAll(async () => {
    [fixture, board, copy] = await Promise.all([
      startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 }),
      startFarmDevice({ name: 'board', packages: 'installed' }),
      startFarmDevice({ name: 'copy', packages: 'installed' }),
    ]);
    await giveSerial(board, '10000000abcdef01');
    await giveSerial(copy, '10000000abcdef02');
  }, 600_000);
  afterAll(async () => {
    await fixture?.stop();
    await Promise.all([board, copy].map((device) => device?.stop()));
  });

  const liveKeysOf = (deviceId: string) => {
    const { users, keys } = fixture.lab.identity.inspect();
    const ids = users.filter((user) => user.userName === `device-${deviceId}`).map((user) => user.id);
    return keys.filter((key) => key.live && ids.includes(key.userId)).map((key) => key.id);
  };
  async function enroll(deviceId: string, device: FarmDevice): Promise<string> {
    await putOnBench(fixture, [{ deviceId, device }], { signal });
    await fixture.station.enrollAll();
    const log = await logOf(fixture, deviceId);
    expect(fixture.row(deviceId).state, log).toBe('enrolled');
    await expectEnrolled(device, deviceId, fixture.lab);
    return log;
  }

  test('that it was given by this station: the key goes, once the new one has been heard', async () => {
    await enroll('wrong', board);
    const [held] = liveKeysOf('wrong');
    const log = await enroll('right', board);
    expect(log).toMatch(
      new RegExp(`key ${held} of machine user \\d+, which the device held before, deleted`),
    );
    expect(liveKeysOf('wrong')).toEqual([]);
    expect(liveKeysOf('right')).toHaveLength(1);
  }, 900_000);

  test('and that another board has, which is switched off: its key stays, and so does its id', async () => {
    const [held = ''] = liveKeysOf('right');
    const card = await board.exec(
      'cd / && tar -czf - etc/fleet-agent etc/ssh/ssh_host_* etc/machine-id | base64 -w0',
    );
    await copy.exec(`echo '${card.stdout}' | base64 -d | tar -C / -xzf - && systemctl restart ssh`);
    await board.powerCut();
    const log = await enroll('newcomer', copy);
    expect(log).toMatch(
      new RegExp(`key ${held} of machine user \\d+, .* stays: this station did not give it`),
    );
    expect(liveKeysOf('right')).toEqual([held]);
    expect(liveKeysOf('newcomer')).toHaveLength(1);
  }, 900_000);
});
