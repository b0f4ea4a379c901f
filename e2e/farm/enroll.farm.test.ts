import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { stationAddress } from './lan.ts';

const available = farmAvailable();
const deviceId = 'bench-01';
const managedFiles = [
  '/usr/local/bin/fleet-agent',
  '/etc/fleet-agent/zitadel-key.json',
  '/etc/fleet-agent/config.toml',
  '/etc/systemd/system/fleet-agent.service',
].join(' ');

/**
 * The same engine that enrolls rehearsal devices, on a real Debian with systemd: nothing on the device is stood in
 * for, except that the reference agent runs on the device's own Node.
 */
describe.skipIf(!available.ok)('enrolling a real Debian 12', () => {
  const signal = AbortSignal.timeout(400_000);
  let device: FarmDevice;
  let fixture: LabFixture;

  beforeAll(async () => {
    device = await startFarmDevice({ name: deviceId });
    fixture = await startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 90 });
    const profile = parse(await readFile(fixture.lab.profilePath, 'utf8'));
    await writeFile(
      fixture.lab.profilePath,
      stringify({
        ...profile,
        ssh: { user: device.user, private_key_file: device.privateKeyFile },
        bench: [{ device_id: deviceId, target: `ssh://${device.user}@${device.address}` }],
      }),
    );
    await fixture.restart();
    await fixture.station.signIn(signal);
    await fixture.station.enrollAll();
  }, 400_000);
  afterAll(async () => {
    await fixture?.stop();
    await device?.stop();
  });

  const inside = async (command: string): Promise<string> => (await device.exec(command)).stdout.trim();

  test('every step is done and its heartbeat is seen', async () => {
    const row = fixture.row(deviceId);
    const agentLog = await inside('journalctl -u fleet-agent -n 20 --no-pager -o cat');
    expect(row.error, `${JSON.stringify(row.error)}\n${agentLog}`).toBeUndefined();
    expect(row.state).toBe('enrolled');
    expect(row.steps.map((step) => step.state)).toEqual(Array(9).fill('done'));
    expect(row.roundTrips).toBeLessThanOrEqual(5);
    expect(row.facts).toMatchObject({
      architecture: 'x86_64',
      system: expect.stringContaining('Debian GNU/Linux 12'),
    });
    expect(fixture.station.state.fleet[deviceId]).toMatchObject({ deviceId, keyId: expect.any(String) });
  });

  test('the final state is right, seen from inside the device', async () => {
    expect(await inside(`stat -c '%n %U %a' ${managedFiles}`)).toBe(
      [
        '/usr/local/bin/fleet-agent root 755',
        '/etc/fleet-agent/zitadel-key.json fleet-agent 640',
        '/etc/fleet-agent/config.toml root 644',
        '/etc/systemd/system/fleet-agent.service root 644',
      ].join('\n'),
    );
    expect(await inside('stat -c "%U:%G %a" /etc/fleet-agent')).toBe('root:fleet-agent 750');
    expect(await inside('systemctl is-enabled fleet-agent; systemctl is-active fleet-agent')).toBe(
      'enabled\nactive',
    );
    expect(await inside('loginctl show-user fleet-agent -p Linger --value')).toBe('yes');
    expect(await inside("dpkg-query -W -f='${Status}\\n' podman systemd-container | sort -u")).toBe(
      'install ok installed',
    );
    const uid = await inside('id -u fleet-agent');
    const asAgent = `runuser -u fleet-agent -- env XDG_RUNTIME_DIR=/run/user/${uid}`;
    expect(await inside(`${asAgent} systemctl --user is-enabled podman.socket`)).toBe('enabled');
    expect(await inside(`${asAgent} systemctl --user is-active podman.socket`)).toBe('active');
    expect(await inside('grep -c ^fleet-agent: /etc/subuid /etc/subgid')).toBe(
      '/etc/subuid:1\n/etc/subgid:1',
    );
    // No temporary file of ours is left anywhere we write.
    expect(await inside('find /usr/local/bin /etc/fleet-agent /etc/systemd/system -name ".*" -type f')).toBe(
      '',
    );
  });

  test('the key is only on the device and with the provider, never in a journal or a process list', async () => {
    const { key } = JSON.parse(await inside('cat /etc/fleet-agent/zitadel-key.json'));
    const body = String(key).split('\n')[3] ?? '';
    expect(body.length).toBeGreaterThan(40);
    expect(await inside(`journalctl --no-pager | grep -cF '${body}' || true`)).toBe('0');
    expect(fixture.published()).not.toContain(body);
  });

  test('a second run changes nothing and restarts nothing', async () => {
    const look = (): Promise<string> =>
      inside(
        `stat -c '%n %y %i' ${managedFiles}; systemctl show fleet-agent -p MainPID -p NRestarts -p ActiveEnterTimestamp; dpkg-query -W | sha256sum`,
      );
    const before = await look();
    const mutations = fixture.lab.identity.inspect().mutations;
    await fixture.station.enrollAll();
    const row = fixture.row(deviceId);
    expect(row.error).toBeUndefined();
    expect(row.state).toBe('enrolled');
    expect(row.roundTrips).toBeLessThanOrEqual(3);
    expect(row.steps.filter((step) => step.state === 'done').map((step) => step.id)).toEqual([
      'check',
      'connect',
      'heartbeat',
    ]);
    expect(await look()).toBe(before);
    expect(fixture.lab.identity.inspect().mutations).toEqual(mutations);
  }, 120_000);
});
