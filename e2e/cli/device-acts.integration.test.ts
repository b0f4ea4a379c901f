import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HANGS_AFTER_MS, unlessItHangs } from '#shared/testing/patience.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { bundledCli, type CliRun, operatorToken, runCli } from './run-cli.ts';

/** What is done with a device after its enrollment: a new key, and the end. */
describe('rotate and decommission on the lab', () => {
  let fixture: LabFixture;
  let token: string;
  let state: string;

  beforeAll(async () => {
    fixture = await startLabFixture([{ name: 'acts-01' }]);
    await bundledCli();
    state = path.join(fixture.dir, 'cli-state');
    token = await operatorToken(fixture.lab.profilePath, fixture.dir, unlessItHangs());
  });
  afterAll(async () => {
    await fixture?.stop();
  });

  const cli = (...args: readonly string[]): Promise<CliRun> =>
    runCli([...args, '--profile', fixture.lab.profilePath, '--state-dir', state, '--json'], {
      env: { MUSTER_ADMIN_TOKEN: token },
    });
  const target = (): string => {
    const [device] = fixture.lab.devices;
    return `ssh://${device?.user}@${device?.host}:${device?.port}`;
  };
  const onDevice = (file: string): string => path.join(fixture.lab.devices[0]?.root ?? '', file);
  const heldKey = (): string =>
    (JSON.parse(readFileSync(onDevice('etc/fleet-agent/zitadel-key.json'), 'utf8')) as { keyId: string })
      .keyId;
  const live = () => {
    const { users, grants, keys } = fixture.lab.identity.inspect();
    const userIds = users
      .filter((user) => user.userName === 'device-acts-01' && user.live)
      .map(({ id }) => id);
    const of = <T extends { readonly live: boolean }>(all: readonly T[]) => all.filter((one) => one.live);
    return {
      users: userIds.length,
      grants: of(grants).filter((grant) => userIds.includes(grant.userId)).length,
      keys: of(keys)
        .filter((key) => userIds.includes(key.userId))
        .map(({ id }) => id),
    };
  };

  test('rotate puts a new key on the device and deletes the old one', async () => {
    const first = await cli('enroll', '--target', target(), '--device-id', 'acts-01');
    expect(first.status, first.stderr + first.stdout).toBe(0);
    const before = heldKey();
    const run = await cli('rotate', 'acts-01', '--target', target());
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(heldKey()).not.toBe(before);
    expect(live()).toEqual({ users: 1, grants: 1, keys: [heldKey()] });
  });

  test('decommission asks for --yes where nobody can be asked, and changes nothing then', async () => {
    const before = JSON.stringify(fixture.lab.identity.inspect().mutations);
    const run = await cli('decommission', 'acts-01', '--target', target());
    expect(run.status).toBe(2);
    expect(run.events('usage')[0]?.says).toContain('--yes');
    expect(JSON.stringify(fixture.lab.identity.inspect().mutations)).toBe(before);
  });

  test('decommission takes all of it away, and a second time finds all gone', async () => {
    const run = await cli('decommission', 'acts-01', '--target', target(), '--yes');
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(run.events('decommission')[0]).toMatchObject({ deviceId: 'acts-01', state: 'done' });
    expect(run.events('decommission')[0]?.findings.map((one) => `${one.what} ${one.state}`)).toEqual([
      ...['keys deleted', 'account deleted', 'device deleted', 'entry deleted', 'records gone'],
    ]);
    expect(live()).toEqual({ users: 0, grants: 0, keys: [] });
    for (const file of [
      'etc/fleet-agent',
      'usr/local/bin/fleet-agent',
      'etc/systemd/system/fleet-agent.service',
    ])
      expect(existsSync(onDevice(file)), file).toBe(false);
    const again = await cli('decommission', 'acts-01', '--target', target(), '--yes');
    expect(again.status, again.stderr + again.stdout).toBe(0);
    expect(new Set(again.events('decommission')[0]?.findings.map((one) => one.state))).toEqual(
      new Set(['gone']),
    );
    const fleet = await cli('devices');
    expect(fleet.events('heartbeat').map((beat) => beat.deviceId)).not.toContain('acts-01');
  });

  test('status says that it has left the fleet, and no more that it is enrolled', async () => {
    const [run] = (await cli('status', 'acts-01')).events('run');
    expect(run).toMatchObject({ deviceId: 'acts-01', state: 'decommissioned' });
    expect(run?.finishedAt).toBeDefined();
    expect(run?.errorCode).toBeUndefined();
  });

  test('the id can be enrolled again afterwards', async () => {
    const run = await cli('enroll', '--target', target(), '--device-id', 'acts-01');
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(live()).toEqual({ users: 1, grants: 1, keys: [heldKey()] });
    expect((await cli('status', 'acts-01')).events('run')).toMatchObject([{ state: 'enrolled' }]);
  });

  test('an agent that was left on its device is told from the fleet while it reports on', async () => {
    const run = await cli('decommission', 'acts-01', '--yes');
    expect(run.status, run.stderr + run.stdout).toBe(0);
    // What it has in hand lasts until its token ends.
    let beat: { decommissionedAt?: string | undefined } | undefined;
    await expect
      .poll(
        async () => {
          beat = (await cli('devices')).events('heartbeat').find((one) => one.deviceId === 'acts-01');
          return beat;
        },
        { timeout: HANGS_AFTER_MS, interval: 1000 },
      )
      .toBeDefined();
    expect(Date.parse(beat?.decommissionedAt ?? '')).toBeGreaterThan(0);
    const status = await cli('status', 'acts-01');
    expect(status.events('run')).toMatchObject([{ state: 'decommissioned' }]);
    expect(status.events('heartbeat')[0]?.decommissionedAt).toBe(beat?.decommissionedAt);
  });
});
