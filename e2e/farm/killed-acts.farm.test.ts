import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KilledRuns, type Moment, requests } from '../cli/killed-run.ts';
import { bundledCli, type CliRun, operatorToken, runCli } from '../cli/run-cli.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectEnrolled } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { putOnBench } from './farm-bench.ts';
import { gateReached, openGate, putGate } from './gate.ts';
import { stationAddress } from './lan.ts';

const deviceId = 'killed';

/** What a killed station leaves on a real Debian, whose shell goes on or ends without it, and what the next run makes of it. */
describe.skipIf(!farmAvailable().ok)('a station that is killed while it works on a real Debian', () => {
  const signal = AbortSignal.timeout(1_800_000);
  const killed = new KilledRuns();
  let fixture: LabFixture;
  let device: FarmDevice;
  let dir: string;
  let token: string;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-killed-'));
    [fixture, device] = await Promise.all([
      startLabFixture([], {
        ...{ host: stationAddress, heartbeatLimitSeconds: 300, identityFaults: killed.faults },
      }),
      startFarmDevice({ name: 'killed', packages: 'installed' }),
    ]);
    await putOnBench(fixture, [{ deviceId, device }], { signal });
    await bundledCli();
    token = await operatorToken(fixture.lab.profilePath, dir, signal);
    await expectRun(cli('enroll', '--device-id', deviceId));
  }, 900_000);
  afterAll(async () => {
    await fixture?.stop();
    await device?.stop();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  const words = (args: readonly string[]): string[] => [
    ...[...args, '--target', `ssh://pi@${device.address}`, '--profile', fixture.lab.profilePath],
    ...['--state-dir', path.join(dir, 'state'), '--json'],
  ];
  const options = () => ({ env: { MUSTER_ADMIN_TOKEN: token }, limitMs: 400_000 });
  const cli = (...args: readonly string[]): Promise<CliRun> => runCli(words(args), options());
  const expectRun = async (running: Promise<CliRun>): Promise<void> => {
    const run = await running;
    expect(run.status, run.stderr + run.stdout).toBe(0);
  };
  const expectDeath = async (moment: Moment, ...args: readonly string[]): Promise<void> => {
    const run = await killed.run(words(args), moment, options());
    expect(run.status, run.stderr + run.stdout).toBeNull();
  };
  const inside = async (command: string): Promise<string> => (await device.exec(command)).stdout.trim();

  test.each([
    ['once the new key is registered, and it has not heard of it', requests.makesKey],
    ['once the device has logged in with it', requests.provesKey()],
    ['once the old one is deleted', requests.deletesKey],
  ])(
    '%s',
    async (_when, when) => {
      await expectDeath({ when, effect: 'after' }, 'rotate', deviceId);
      await expectRun(cli('rotate', deviceId));
      await expectEnrolled(device, deviceId, fixture.lab);
      expect(await inside('ls /run/fleet-agent-*.pem 2>/dev/null')).toBe('');
    },
    600_000,
  );

  test('while the device puts the new key in its place', async () => {
    await putGate(device, 'key-config');
    await expectDeath({ isSo: () => gateReached(device) }, 'rotate', deviceId);
    await openGate(device);
    await expectRun(cli('rotate', deviceId));
    await expectEnrolled(device, deviceId, fixture.lab);
    expect(await inside('ls /run/fleet-agent-*.pem 2>/dev/null')).toBe('');
  }, 600_000);

  test.each([
    ['once its keys are deleted', { when: requests.deletesKey, effect: 'after' }],
    ['once its machine user is deleted', { when: requests.deletesUser, effect: 'after' }],
  ] as const)(
    'in a decommission, %s',
    async (_when, moment) => {
      await expectDeath(moment, 'decommission', deviceId, '--yes');
      await expectRun(cli('decommission', deviceId, '--yes'));
      const { users, keys } = fixture.lab.identity.inspect();
      expect(users.filter((user) => user.live && user.userName === `device-${deviceId}`)).toEqual([]);
      expect(keys.filter((key) => key.live)).toEqual([]);
      expect(
        await inside('ls -d /etc/fleet-agent /usr/local/bin/fleet-agent 2>/dev/null; pgrep -x fleet-agent'),
      ).toBe('');
      await expectRun(cli('enroll', '--device-id', deviceId));
      await expectEnrolled(device, deviceId, fixture.lab);
    },
    600_000,
  );
});
