import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { numberedDevices } from './lab.ts';
import { type LabFixture, startLabFixture } from './testing/lab-fixture.ts';

const deviceCount = 4;

/** Live keys, users and grants of one device, as the provider sees them. */
function identityOf(fixture: LabFixture, deviceId: string) {
  const seen = fixture.lab.identity.inspect();
  const users = seen.users.filter((user) => user.live && user.userName === `device-${deviceId}`);
  const userIds = users.map((user) => user.id);
  return {
    users,
    grants: seen.grants.filter((grant) => grant.live && userIds.includes(grant.userId)),
    keys: seen.keys.filter((key) => key.live && userIds.includes(key.userId)),
  };
}

async function keyOnDevice(fixture: LabFixture, deviceId: string): Promise<{ keyId: string; key: string }> {
  const device = fixture.lab.devices.find((candidate) => candidate.name === deviceId);
  return JSON.parse(
    await readFile(path.join(device?.root ?? '', 'etc/fleet-agent/zitadel-key.json'), 'utf8'),
  );
}

describe('a batch on the lab, first run and re-run', () => {
  let fixture: LabFixture;
  const names = numberedDevices(deviceCount).map((device) => device.name);

  beforeAll(async () => {
    fixture = await startLabFixture(numberedDevices(deviceCount));
    await fixture.station.signIn(unlessItHangs());
    await fixture.station.enrollAll();
  });
  afterAll(async () => fixture?.stop());

  it('enrolls every device with all steps done and a heartbeat seen', () => {
    for (const name of names) {
      const row = fixture.row(name);
      expect(row.error, `${name}: ${row.error?.evidence ?? ''}`).toBeUndefined();
      expect(row.state).toBe('enrolled');
      expect(row.steps.map((step) => step.state)).toEqual(Array(9).fill('done'));
      expect(fixture.station.state.fleet[name]?.deviceId).toBe(name);
    }
  });

  it('needs at most five round trips and one upload', () => {
    for (const name of names) expect(fixture.row(name).roundTrips).toBeLessThanOrEqual(5);
  });

  it('leaves one user, one grant and only the key the device holds', async () => {
    for (const name of names) {
      const { users, grants, keys } = identityOf(fixture, name);
      expect(users).toHaveLength(1);
      expect(users[0]?.accessTokenType).toBe('ACCESS_TOKEN_TYPE_JWT');
      expect(grants).toHaveLength(1);
      expect(keys.map((key) => key.id)).toEqual([(await keyOnDevice(fixture, name)).keyId]);
    }
  });

  it('puts the files where they belong, the key for nobody else', async () => {
    const root = fixture.lab.devices[0]?.root ?? '';
    const mode = async (file: string): Promise<number> => (await stat(path.join(root, file))).mode & 0o777;
    expect(await mode('usr/local/bin/fleet-agent')).toBe(0o755);
    expect(await mode('etc/fleet-agent/zitadel-key.json')).toBe(0o640);
    expect(await mode('etc/fleet-agent/config.toml')).toBe(0o644);
    expect(await readFile(path.join(root, 'etc/fleet-agent/config.toml'), 'utf8')).toContain(
      `device_id = "${names[0]}"`,
    );
  });

  it('shows no key and no token to the window', async () => {
    const { key } = await keyOnDevice(fixture, names[0] ?? '');
    const body = key.split('\n')[1] ?? '';
    expect(body.length).toBeGreaterThan(40);
    expect(fixture.published()).not.toContain(body);
    expect(fixture.published()).not.toContain('PRIVATE KEY');
    expect(fixture.published()).not.toMatch(/eyJ[A-Za-z0-9_-]{20,}\./);
  });

  it('changes nothing on a second run, in at most three round trips', async () => {
    const root = fixture.lab.devices[0]?.root ?? '';
    const files = [
      'usr/local/bin/fleet-agent',
      'etc/fleet-agent/zitadel-key.json',
      'etc/fleet-agent/config.toml',
      'etc/systemd/system/fleet-agent.service',
    ];
    const times = async (): Promise<number[]> =>
      Promise.all(files.map(async (file) => (await stat(path.join(root, file))).mtimeMs));
    const startedBefore = fixture.station.state.fleet[names[0] ?? '']?.startedAt;
    const before = { times: await times(), mutations: fixture.lab.identity.inspect().mutations };
    await fixture.station.enrollAll();
    expect({ times: await times(), mutations: fixture.lab.identity.inspect().mutations }).toEqual(before);
    expect(fixture.station.state.fleet[names[0] ?? '']?.startedAt).toBe(startedBefore);
    for (const name of names) {
      const row = fixture.row(name);
      expect(row.state).toBe('enrolled');
      expect(row.roundTrips).toBeLessThanOrEqual(3);
      const changed = row.steps.filter((step) => step.state === 'done').map((step) => step.id);
      expect(changed).toEqual(['check', 'connect', 'heartbeat']);
    }
  });
});
