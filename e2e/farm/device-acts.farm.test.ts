import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectEnrolled } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { stationAddress } from './lan.ts';

const signal = AbortSignal.timeout(300_000);
const deviceId = 'acts';

describe.skipIf(!farmAvailable().ok)('a real Debian after its enrollment', () => {
  let fixture: LabFixture;
  let device: FarmDevice;

  beforeAll(async () => {
    [fixture, device] = await Promise.all([
      startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 60 }),
      startFarmDevice({ name: 'acts', packages: 'installed' }),
    ]);
    await putOnBench(fixture, [{ deviceId, device }], { signal });
  }, 200_000);
  afterAll(async () => {
    await fixture?.stop();
    await device?.stop();
  });

  const inside = async (command: string): Promise<string> => (await device.exec(command)).stdout.trim();
  const heldKey = (): Promise<string> =>
    inside(`sed -n 's/.*"keyId" *: *"\\([0-9]*\\)".*/\\1/p' /etc/fleet-agent/zitadel-key.json`);

  test('gets a new key in place of a good one', async () => {
    await fixture.station.enrollAll();
    expect(fixture.row(deviceId).state, await logOf(fixture, deviceId)).toBe('enrolled');
    const before = await heldKey();
    await fixture.station.station.handle('fleet.rotateKeys', { devices: [{ deviceId }] });
    await fixture.station.station.whenBatchIdle();
    expect(fixture.row(deviceId).state, await logOf(fixture, deviceId)).toBe('enrolled');
    expect(await heldKey()).not.toBe(before);
    await expectEnrolled(device, deviceId, fixture.lab);
  }, 120_000);

  test('leaves the fleet with all that was put on it, and keeps packages and user', async () => {
    const { station } = fixture.station;
    const target = `ssh://pi@${device.address}`;
    await station.handle('device.decommission', { deviceId, target });
    await station.whenDecommissioned();
    expect(station.state.decommissions?.[deviceId]).toMatchObject({ state: 'done' });
    const { users, keys } = fixture.lab.identity.inspect();
    expect(users.filter((user) => user.live && user.userName === `device-${deviceId}`)).toEqual([]);
    expect(keys.filter((key) => key.live)).toEqual([]);
    const left = await inside(
      'ls -d /etc/fleet-agent /usr/local/bin/fleet-agent /etc/systemd/system/fleet-agent.service /etc/systemd/system/multi-user.target.wants/fleet-agent.service 2>/dev/null; systemctl is-active fleet-agent; systemctl is-failed fleet-agent; pgrep -x fleet-agent; id -un fleet-agent; dpkg --audit; systemctl is-system-running',
    );
    expect(left.split('\n')).toEqual(['inactive', 'inactive', 'fleet-agent', 'running']);
    expect(station.state.fleet[deviceId]).toBeUndefined();
  }, 60_000);

  test('deletes the user too when asked, on a device where the rest is gone already', async () => {
    const { station } = fixture.station;
    const target = `ssh://pi@${device.address}`;
    await station.handle('device.decommission', { deviceId, target, removeUser: true });
    await station.whenDecommissioned();
    expect(station.state.decommissions?.[deviceId]?.findings.map(({ state }) => state)).toEqual(
      Array(5).fill('gone'),
    );
    expect(
      await inside(
        'id fleet-agent 2>&1; ls -d /var/lib/fleet-agent 2>/dev/null; grep -c fleet-agent /etc/subuid',
      ),
    ).toBe('id: ‘fleet-agent’: no such user\n0');
  }, 60_000);
});
