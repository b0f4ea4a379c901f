import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '#shared/model/secret.ts';
import type { RehearsalFault } from './faults.ts';
import type { RehearsalDevice } from './model.ts';
import { START_TRIVIAL_AGENT } from './testing/agent-life.ts';
import { Bench, modesHere } from './testing/bench.ts';
import { connectTo, runOn } from './testing/ssh-client.ts';
import { until } from './testing/until.ts';

describe.each(await modesHere())('faults of a rehearsal device, %s mode', (mode) => {
  const bench = new Bench();
  afterAll(() => bench.putAway());

  const faulty = async (...faults: RehearsalFault[]): Promise<RehearsalDevice> =>
    await bench.startOne({ mode, devices: [{ name: 'bench-07', faults }], password: new Secret('sesame') });

  it('sudo-password: -n fails, -S takes the right password and leaves the rest of the input alone', async () => {
    const device = await faulty('sudo-password');
    const client = await bench.connect(device);
    const never = await runOn(client, 'sudo -n true');
    expect([never.code, never.stderr]).toEqual([1, 'sudo: a password is required\n']);
    const right = await runOn(client, "sudo -S -k -p '' sh -c 'id -u; cat'", 'sesame\nrest');
    expect([right.code, right.stdout, right.stderr]).toEqual([0, '0\nrest', '']);
    const wrong = await runOn(client, "sudo -S -k -p '' true", 'nope\nnope\nnope\n');
    expect([wrong.code, wrong.stderr.split('\n').at(-2)]).toEqual([1, 'sudo: 3 incorrect password attempts']);
    await device.setFault('sudo-password', false);
    expect((await runOn(client, 'sudo -n id -u')).stdout).toBe('0\n');
  });

  it('wrong-password and unreachable: nobody gets in, until the fault is off', async () => {
    const device = await faulty('wrong-password');
    await expect(bench.connect(device)).rejects.toThrow(/authentication methods failed/);
    await device.setFault('wrong-password', false);
    await bench.connect(device);
    await device.setFault('unreachable', true);
    await expect(bench.connect(device)).rejects.toThrow(/ECONNREFUSED/);
    await device.setFault('unreachable', false);
    await bench.connect(device);
  });

  it('unreachable from the start still has a port of its own', async () => {
    const device = await faulty('unreachable');
    expect(device.port).toBeGreaterThan(0);
    await expect(bench.connect(device)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('disk-full: a binary does not fit, until the fault is off; a prefix says it cannot have it', async () => {
    if (mode === 'prefix') {
      await expect(faulty('disk-full')).rejects.toThrow(/namespace mode only/);
      return;
    }
    const device = await faulty('disk-full');
    const client = await bench.connect(device);
    const write = "sudo -n sh -c 'cat >/usr/local/bin/fleet-agent'";
    expect((await runOn(client, write, randomBytes(100_000))).stderr).toMatch(/No space left on device/);
    expect((await runOn(client, "df -Pk /usr/local | awk 'END { print $4 }'")).stdout).toBe('0\n');
    await device.setFault('disk-full', false);
    expect((await runOn(client, write, randomBytes(100_000))).code).toBe(0);
  });

  it('slow-link: 200 KB take the time that 2 Mbit/s allow, and arrive whole', async () => {
    const client = await bench.connect(await faulty('slow-link'));
    const from = performance.now();
    const ran = await runOn(client, 'wc -c', randomBytes(200_000));
    expect(ran.stdout.trim()).toBe('200000');
    expect(performance.now() - from).toBeGreaterThan(800);
  });

  it('dead-agent: the unit starts, the agent ends at once, its words are in the journal', async () => {
    const client = await bench.connect(await faulty('dead-agent'));
    expect((await runOn(client, 'sudo -n sh', START_TRIVIAL_AGENT)).code).toBe(0);
    const state = async (): Promise<string> =>
      (await runOn(client, 'systemctl show -P ActiveState fleet-agent')).stdout.trim();
    await until('systemd gives up', async () => (await state()) === 'failed');
    const journal = await runOn(client, 'journalctl -u fleet-agent -n 20 --no-pager -o cat');
    expect(journal.stdout).toContain('fatal: cannot start');
    expect(journal.stdout).toContain('Start request repeated too quickly.');
  });

  it('apt-locked and apt-lists-missing: the real words, and no trace afterwards', async () => {
    const device = await faulty('apt-locked', 'apt-lists-missing');
    const client = await bench.connect(device);
    const install = 'sudo -n apt-get -y -o DPkg::Lock::Timeout=1 install podman';
    const locked = await runOn(client, install);
    expect(locked.code).toBe(100);
    expect(locked.stderr).toMatch(/^E: Could not get lock \/var\/lib\/dpkg\/lock-frontend\./);
    expect(locked.stdout).toMatch(/Waiting for cache lock/);
    await device.setFault('apt-locked', false);
    const unknown = await runOn(client, install);
    expect([unknown.code, unknown.stderr]).toEqual([100, 'E: Unable to locate package podman\n']);
    expect((await runOn(client, `sudo -n apt-get update && ${install}`)).code).toBe(0);
  });

  it('noisy-rc: banner lines come before the output of every command', async () => {
    const client = await bench.connect(await faulty('noisy-rc'));
    expect((await runOn(client, 'echo mine')).stdout).toMatch(/^Welcome to the line\.\n.*\nmine\n$/);
  });

  it('changed-host-key: another key is shown, but the fingerprint told is the old one', async () => {
    const device = await faulty();
    const seen = async (): Promise<string> => {
      let hash = '';
      const hostVerifier = (told: string): boolean => {
        hash = `SHA256:${Buffer.from(told, 'hex').toString('base64').replace(/=+$/, '')}`;
        return true;
      };
      const client = await connectTo(device, {
        privateKey: bench.key.privateKey,
        hostHash: 'sha256',
        hostVerifier,
      });
      client.end();
      return hash;
    };
    expect(await seen()).toBe(device.hostKeyFingerprint);
    await device.setFault('changed-host-key', true);
    const other = await seen();
    expect(other).not.toBe(device.hostKeyFingerprint);
    expect(await seen()).toBe(other);
  });

  it('link-cut: the connection drops once in mid-upload; the next one holds', async () => {
    const device = await faulty('link-cut');
    const bytes = randomBytes(1_000_000);
    await expect(runOn(await bench.connect(device), 'wc -c', bytes)).rejects.toThrow(
      /without an exit status/,
    );
    expect((await runOn(await bench.connect(device), 'wc -c', bytes)).stdout.trim()).toBe('1000000');
    expect(device.faults()).toEqual([]);
  });
});

describe('what cannot be started', () => {
  const bench = new Bench();
  afterAll(() => bench.putAway());

  it('refuses names that cannot be a host name, and unknown faults', async () => {
    await expect(bench.start({ devices: [{ name: '../up' }] })).rejects.toThrow(
      /cannot be a rehearsal device's name/,
    );
    const faults = ['on-fire'] as unknown as RehearsalFault[];
    await expect(bench.start({ devices: [{ name: 'a', faults }] })).rejects.toThrow(
      /no rehearsal fault called "on-fire"/,
    );
  });

  it('says what is missing when there is no node', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rehearsal-no-node-'));
    process.env.MUSTER_NODE = join(dir, 'no-node-here');
    try {
      await expect(bench.start({ count: 1, dir })).rejects.toThrow(/MUSTER_NODE/);
    } finally {
      delete process.env.MUSTER_NODE;
      await rm(dir, { recursive: true });
    }
  });
});
