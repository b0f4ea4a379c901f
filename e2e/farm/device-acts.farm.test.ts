import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Heartbeat } from '#shared/model/station-state.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectJournalClean, markJournal } from './device-journal.ts';
import { expectEnrolled } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { stationAddress } from './lan.ts';

const signal = AbortSignal.timeout(3_000_000);
const deviceId = 'acts';

describe.skipIf(!farmAvailable().ok)('a real Debian after its enrollment', () => {
  let fixture: LabFixture;
  let device: FarmDevice;
  /** Another board of the plant. */
  let heir: FarmDevice;

  beforeAll(async () => {
    [fixture, device, heir] = await Promise.all([
      startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 }),
      startFarmDevice({ name: 'acts', packages: 'installed' }),
      startFarmDevice({ name: 'acts-heir', packages: 'installed' }),
    ]);
    await putOnBench(fixture, [{ deviceId, device }], { signal });
  }, 600_000);
  afterAll(async () => {
    await fixture?.stop();
    await device?.stop();
    await heir?.stop();
  });

  const inside = async (command: string): Promise<string> => (await device.exec(command)).stdout.trim();
  const heldKey = (): Promise<string> =>
    inside(`sed -n 's/.*"keyId" *: *"\\([0-9]*\\)".*/\\1/p' /etc/fleet-agent/zitadel-key.json`);

  /** A batch of the one row there is. */
  async function run(wish: { readonly takeOver?: boolean; readonly rotateKeys?: boolean }): Promise<void> {
    const { station } = fixture.station;
    await station.handle('batch.start', { rowIds: station.state.bench.map((row) => row.rowId), ...wish });
    await station.whenBatchIdle();
  }
  const rotate = (): Promise<void> => run({ rotateKeys: true });
  const expectRow = async (): Promise<void> =>
    expect(fixture.row(deviceId).state, await logOf(fixture, deviceId)).toBe('enrolled');
  const live = () => fixture.lab.identity.inspect().keys.filter((key) => key.live);

  /** Starts the station anew with keys that are valid for so long. */
  async function keysValidFor(days: number): Promise<void> {
    const { profilePath } = fixture.lab;
    const profile = parse(await readFile(profilePath, 'utf8'));
    const identity = { ...(profile.identity as object), key_valid_for_days: days };
    await writeFile(profilePath, stringify({ ...profile, identity }));
    await fixture.restart();
    await fixture.station.signIn(signal);
  }

  test('makes its key itself, and holds nothing else of it', async () => {
    await fixture.station.enrollAll();
    await expectRow();
    expect(live()).toMatchObject([{ id: await heldKey(), origin: 'registered' }]);
    expect(await inside('ls /run/fleet-agent-*.pem /run/fleet-agent-login* 2>/dev/null')).toBe('');
  }, 400_000);

  test('gets a new key in place of a good one, and goes on reporting', async () => {
    const [mark, before] = [await markJournal(device), await heldKey()];
    const beats: Heartbeat[] = [];
    const listening = setInterval(() => {
      const beat = fixture.station.state.fleet[deviceId];
      if (beat !== undefined && beat.receivedAt !== beats.at(-1)?.receivedAt) beats.push(beat);
    }, 100);
    try {
      await rotate();
      await expectRow();
      const after = await heldKey();
      expect(after).not.toBe(before);
      // One more than the enrollment waited for: it goes on.
      const withNew = () => beats.filter((beat) => beat.keyId === after);
      await expect.poll(() => withNew().length, { timeout: 120_000 }).toBeGreaterThan(1);
      expect(beats.map((beat) => beat.keyId === after)).toEqual(
        [...beats.map((beat) => beat.keyId === after)].sort(),
      );
    } finally {
      clearInterval(listening);
    }
    // One start anew in between, and not a report that was not taken.
    expect(new Set(beats.map(({ startedAt }) => startedAt)).size).toBe(2);
    await expectJournalClean(device, mark);
    await expectEnrolled(device, deviceId, fixture.lab);
  }, 400_000);

  test('gets a new key when the end of its own is near, by an ordinary enrollment', async () => {
    await keysValidFor(20);
    await rotate();
    await expectRow();
    const short = await heldKey();
    await fixture.station.enrollAll();
    expect(await heldKey()).toBe(short);
    // The plant now wants keys of a year, whose last 30 days are for the renewal.
    await keysValidFor(365);
    await fixture.station.enrollAll();
    await expectRow();
    expect(await logOf(fixture, deviceId)).toContain(`key ${short} ends on`);
    expect(await heldKey()).not.toBe(short);
    expect((live()[0]?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(350 * 86_400_000);
    await expectEnrolled(device, deviceId, fixture.lab);
  }, 600_000);

  test('is shut out by another board that takes its id over', async () => {
    const before = await heldKey();
    await putOnBench(fixture, [{ deviceId, device: heir }], { signal });
    await fixture.station.enrollAll();
    expect(fixture.row(deviceId).error).toMatchObject({ code: 'DEVICE_ID_IN_USE' });
    expect(live().map(({ id }) => id)).toEqual([before]);
    await run({ takeOver: true });
    await expectRow();
    expect(await logOf(fixture, deviceId)).toMatch(
      new RegExp(
        `key ${before} of .* deleted: that board is shut out once its token ends, by .* UTC at the latest`,
      ),
    );
    await expectEnrolled(heir, deviceId, fixture.lab);
    // The old board still holds its key, and no token is given for it any more.
    expect(await heldKey()).toBe(before);
    expect(live().map(({ id }) => id)).not.toContain(before);
    await device.exec('systemctl restart fleet-agent');
    await expect
      .poll(() => inside('journalctl -u fleet-agent -n 5 -o cat'), { timeout: 180_000, interval: 500 })
      .toContain('The issuer gave no token: status 500');
    // It goes back to its old job.
    await putOnBench(fixture, [{ deviceId, device }], { signal });
    await run({ takeOver: true });
    await expectRow();
    await expectEnrolled(device, deviceId, fixture.lab);
    // Its token lasts longer than its key, and its heartbeats would bring back the entry of a device that is gone.
    await heir.exec('systemctl disable --now fleet-agent');
  }, 600_000);

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
  }, 300_000);

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
  }, 300_000);
});
