import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import { agentConfig } from '#shared/device/agent-config.ts';
import { requiredPackages } from '#shared/device/paths.ts';
import { unitFile } from '#shared/device/unit-file.ts';
import { parseDeviceId } from '#shared/model/device-id.ts';
import { fileDigest } from '../../scripts/setup/digest.mjs';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { debianVersions, suites } from './base-recipe.ts';
import { expectJournalClean, type JournalMark, markJournal } from './device-journal.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { stationAddress } from './lan.ts';

const available = farmAvailable();
const managedFiles = [
  '/usr/local/bin/fleet-agent',
  '/etc/fleet-agent/zitadel-key.json',
  '/etc/fleet-agent/config.toml',
  '/etc/systemd/system/fleet-agent.service',
].join(' ');

/** Asks the agent's own podman, over its socket, whether it is there; from Node, which the device has. */
const pingPodman = (uid: string): string => `runuser -u fleet-agent -- node -e "
require('node:http').get({ socketPath: '/run/user/${uid}/podman/podman.sock', path: '/_ping' }, (answer) => {
  answer.setEncoding('utf8').on('data', (text) => process.stdout.write(answer.statusCode + ' ' + text));
})"`;

/** Everything an enrollment may touch, and what a restart would show. */
const everything = `stat -c '%n %y %i %a %u:%g' ${managedFiles} /etc/fleet-agent /var/lib/systemd/linger/fleet-agent
stat -c '%n %y %i' /etc/passwd /etc/group /etc/subuid /etc/subgid /var/lib/dpkg/status
systemctl show fleet-agent user@$(id -u fleet-agent).service -p MainPID -p NRestarts -p ActiveEnterTimestamp
runuser -u fleet-agent -- env XDG_RUNTIME_DIR=/run/user/$(id -u fleet-agent) systemctl --user show podman.socket -p ActiveEnterTimestamp
dpkg-query -W | sha256sum
find /usr/local /etc -newer /run/second-run`;

/**
 * The same engine that enrolls rehearsal devices, on real Debians with systemd: nothing on a device is stood in
 * for, except that the reference agent runs on the device's own Node.
 */
describe.skipIf(!available.ok)('enrolling a real Debian', () => {
  const signal = AbortSignal.timeout(900_000);
  const devices = new Map<string, FarmDevice>();
  const marks = new Map<string, JournalMark>();
  let fixture: LabFixture;
  const idOf = (suite: string) => `bench-${suite}`;

  beforeAll(async () => {
    const started = await Promise.all(suites.map((suite) => startFarmDevice({ name: idOf(suite), suite })));
    for (const device of started) devices.set(device.name, device);
    fixture = await startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 });
    const profile = parse(await readFile(fixture.lab.profilePath, 'utf8'));
    await writeFile(
      fixture.lab.profilePath,
      stringify({
        ...profile,
        ssh: { user: 'pi', private_key_file: started[0]?.privateKeyFile },
        bench: started.map(({ name, address }) => ({ device_id: name, target: `ssh://pi@${address}` })),
      }),
    );
    await fixture.restart();
    await fixture.station.signIn(signal);
    for (const device of started) marks.set(device.name, await markJournal(device));
    await fixture.station.enrollAll();
  }, 900_000);
  afterAll(async () => {
    await fixture?.stop();
    await Promise.all([...devices.values()].map((device) => device.stop()));
  });

  const expectClean = async (deviceId: string): Promise<void> => {
    const [device, mark] = [devices.get(deviceId), marks.get(deviceId)];
    if (device === undefined || mark === undefined) throw new Error(`There is no device ${deviceId}.`);
    await expectJournalClean(device, mark);
  };

  describe.each(suites)('%s', (suite) => {
    const deviceId = idOf(suite);
    const inside = async (command: string): Promise<string> => {
      const outcome = await devices.get(deviceId)?.exec(command);
      return outcome?.stdout.trim() ?? '';
    };

    test('every step is done and its heartbeat is seen', async () => {
      const row = fixture.row(deviceId);
      const agentLog = await inside('journalctl -u fleet-agent -n 20 --no-pager -o cat');
      expect(row.error, `${JSON.stringify(row.error)}\n${agentLog}`).toBeUndefined();
      expect(row.state).toBe('enrolled');
      expect(row.steps.map((step) => step.state)).toEqual(Array(9).fill('done'));
      expect(row.roundTrips).toBeLessThanOrEqual(5);
      expect(row.facts).toMatchObject({
        architecture: 'x86_64',
        system: expect.stringContaining(`Debian GNU/Linux ${debianVersions[suite]}`),
      });
      expect(fixture.station.state.fleet[deviceId]).toMatchObject({ deviceId, keyId: expect.any(String) });
    });

    test('every managed file has its content, owner and mode', async () => {
      expect(await inside(`stat -c '%n %U:%G %a' ${managedFiles} /etc/fleet-agent`)).toBe(
        [
          '/usr/local/bin/fleet-agent root:root 755',
          '/etc/fleet-agent/zitadel-key.json fleet-agent:fleet-agent 640',
          '/etc/fleet-agent/config.toml root:root 644',
          '/etc/systemd/system/fleet-agent.service root:root 644',
          '/etc/fleet-agent root:fleet-agent 750',
        ].join('\n'),
      );
      const profile = await loadProfile(fixture.lab.profilePath, signal);
      const id = parseDeviceId(deviceId);
      if (!id.ok) throw new Error(id.problem.says);
      const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
      const hashes = await inside(`sha256sum ${managedFiles} | cut -c1-64`);
      const [binary, key, config, unit] = hashes.split('\n');
      expect(binary).toBe(fileDigest(profile.agent.binaries.x86_64 ?? ''));
      expect(config).toBe(sha256(agentConfig(profile, id.id, profile.labels)));
      expect(unit).toBe(sha256(unitFile));
      // The key is born on the device: the provider knows the one it has, and has never had its private half.
      const text = await inside('cat /etc/fleet-agent/zitadel-key.json');
      expect(sha256(text)).toBe(key);
      const { type, keyId, userId } = JSON.parse(text);
      expect(type).toBe('serviceaccount');
      const known = fixture.lab.identity.inspect().keys.filter((one) => one.userId === userId);
      expect(known).toMatchObject([{ id: keyId, origin: 'registered' }]);
      expect(known[0]?.lastUsedAt).toBeDefined();
      // No temporary file of ours is left anywhere we write.
      const hidden = 'find /usr/local/bin /etc/fleet-agent /etc/systemd/system -name ".*" -type f';
      expect(await inside(hidden)).toBe('');
    });

    test('packages, user, linger and podman are as the agent needs them', async () => {
      const states = await inside(`dpkg -l ${requiredPackages.join(' ')} | grep -c '^ii '`);
      expect(states).toBe(String(requiredPackages.length));
      expect(await inside('systemctl is-enabled fleet-agent; systemctl is-active fleet-agent')).toBe(
        'enabled\nactive',
      );
      expect(await inside('loginctl show-user fleet-agent -p Linger --value')).toBe('yes');
      expect(await inside('getent passwd fleet-agent | cut -d: -f6,7')).toBe(
        '/var/lib/fleet-agent:/usr/sbin/nologin',
      );
      expect(await inside('grep -c ^fleet-agent: /etc/subuid /etc/subgid')).toBe(
        '/etc/subuid:1\n/etc/subgid:1',
      );
      const uid = await inside('id -u fleet-agent');
      expect(Number(uid)).toBeLessThan(1_000);
      const asAgent = `runuser -u fleet-agent -- env XDG_RUNTIME_DIR=/run/user/${uid}`;
      expect(await inside(`${asAgent} systemctl --user is-enabled podman.socket`)).toBe('enabled');
      expect(await inside(`${asAgent} systemctl --user is-active podman.socket`)).toBe('active');
      expect(await inside(pingPodman(uid))).toBe('200 OK');
    });

    test('nothing complains', async () => {
      await expectClean(deviceId);
      expect(await inside('journalctl -u fleet-agent -p warning --no-pager -q -o cat')).toBe('');
      expect(await inside('systemctl --failed --no-legend')).toBe('');
      expect(await inside('systemctl show fleet-agent -p NRestarts --value')).toBe('0');
      expect(await inside('dpkg --audit')).toBe('');
    });

    test('the key is only on the device and with the provider, never in a journal or a process list', async () => {
      const { key } = JSON.parse(await inside('cat /etc/fleet-agent/zitadel-key.json'));
      const body = String(key).split('\n')[3] ?? '';
      expect(body.length).toBeGreaterThan(40);
      expect(await inside(`journalctl --no-pager | grep -cF '${body}' || true`)).toBe('0');
      expect(fixture.published()).not.toContain(body);
    });
  });

  test('a second run changes nothing and restarts nothing', async () => {
    const look = async (): Promise<readonly string[]> =>
      await Promise.all([...devices.values()].map(async (device) => (await device.exec(everything)).stdout));
    for (const device of devices.values()) await device.exec('touch /run/second-run');
    const before = await look();
    for (const text of before) expect(text).toMatch(/^MainPID=[1-9]/m);
    const mutations = fixture.lab.identity.inspect().mutations;
    await fixture.station.enrollAll();
    for (const deviceId of devices.keys()) {
      const row = fixture.row(deviceId);
      expect(row.error).toBeUndefined();
      expect(row.state).toBe('enrolled');
      expect(row.roundTrips).toBeLessThanOrEqual(3);
      expect(row.steps.filter((step) => step.state === 'done').map((step) => step.id)).toEqual([
        'check',
        'connect',
        'heartbeat',
      ]);
    }
    expect(await look()).toEqual(before);
    expect(fixture.lab.identity.inspect().mutations).toEqual(mutations);
    for (const deviceId of devices.keys()) await expectClean(deviceId);
  }, 600_000);
});
