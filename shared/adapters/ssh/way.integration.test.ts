import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../model/secret.ts';
import type { SshSettings } from './route.ts';
import { createLoginBench, seen } from './testing/login-bench.ts';
import { MemoryPins } from './testing/pins.ts';
import {
  fingerprintOf,
  makeKeyFile,
  noSshdReason,
  publicKeyOf,
  type RealSshd,
  startRealSshd,
} from './testing/real-sshd.ts';

const missing = noSshdReason();
if (missing !== undefined) console.warn(`SKIPPED: host keys and jump hosts at OpenSSH: ${missing}.`);

const folder = mkdtempSync(join(tmpdir(), 'muster-way-'));
const key = join(folder, 'key');

describe.skipIf(missing !== undefined)('on the way to a device', () => {
  let device: RealSshd;
  let jump: RealSshd;
  let second: RealSshd;
  const bench = createLoginBench(folder);
  const { connectTo, printed } = bench;
  const at = (server: RealSshd) => `127.0.0.1:${server.port}`;
  const ssh = (more: SshSettings = {}): SshSettings => ({ private_key_file: key, ...more });

  beforeAll(async () => {
    makeKeyFile(key);
    const authorized = [publicKeyOf(key)];
    [device, jump, second] = await Promise.all([
      startRealSshd({ authorized, hostKeys: ['ed25519', 'rsa', 'ecdsa'] }),
      startRealSshd({ authorized }),
      startRealSshd({ authorized }),
    ]);
  });
  afterEach(() => bench.closeAll());
  afterAll(async () => {
    await Promise.all([device?.stop(), jump?.stop(), second?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  describe('host keys', () => {
    it('are pinned at first contact, with their type, and told', async () => {
      const pins = new MemoryPins();
      const notes: string[] = [];
      await connectTo(at(device), { ssh: ssh(), pins, notes });
      expect(pins.keys).toEqual(
        new Map([[at(device), { fingerprint: device.fingerprint, keyType: 'ssh-ed25519' }]]),
      );
      expect(notes).toEqual([
        `host key of ${at(device)}: ssh-ed25519 ${device.fingerprint}, first contact, pinned`,
      ]);
      await connectTo(at(device), { ssh: ssh(), pins, notes });
      expect(notes[1]).toMatch(/, as pinned$/);
    });

    it.each(['ssh-rsa', 'ecdsa-sha2-nistp256'])(
      'of a device with several are asked for by the pinned type %s',
      async (keyType) => {
        const fingerprint = device.fingerprints[keyType === 'ssh-rsa' ? 1 : 2] ?? '';
        const pins = new MemoryPins();
        pins.pinHostKey(at(device), { fingerprint, keyType });
        const session = await connectTo(at(device), { ssh: ssh(), pins });
        expect(session.hostKeyFingerprint).toBe(fingerprint);
        // A pin of an older station has no type; it was made with the station's own order, and gets its type now.
        pins.pinHostKey(at(device), { fingerprint: device.fingerprint, keyType: undefined });
        await connectTo(at(device), { ssh: ssh(), pins });
        expect(pins.hostKey(at(device))?.keyType).toBe('ssh-ed25519');
      },
    );

    it('that changed are named with their type, so that the new one can be asked for when it is trusted', async () => {
      const pins = new MemoryPins();
      pins.pinHostKey(at(device), { fingerprint: 'SHA256:before', keyType: 'ssh-rsa' });
      const refused = await connectTo(at(device), { ssh: ssh(), pins }).catch((thrown: unknown) => thrown);
      const { actual, keyType } = (refused as { details: Record<string, string> }).details;
      expect([actual, keyType]).toEqual([device.fingerprints[1], 'ssh-rsa']);
      pins.pinHostKey(at(device), { fingerprint: actual ?? '', keyType });
      expect((await connectTo(at(device), { ssh: ssh(), pins })).hostKeyFingerprint).toBe(actual);
    });

    it('that changed are refused with both fingerprints, before any login', async () => {
      const pins = new MemoryPins();
      await connectTo(at(second), { ssh: ssh(), pins });
      const before = second.fingerprint;
      bench.closeAll();
      await second.flash();
      const refused = connectTo(at(second), {
        ssh: ssh(),
        pins,
        credential: { password: new Secret('canary') },
      });
      await expect(refused).rejects.toMatchObject({
        code: 'DEVICE_HOST_KEY_CHANGED',
        details: { address: at(second), place: at(second), expected: before, actual: second.fingerprint },
      });
      expect(pins.hostKey(at(second))?.fingerprint).toBe(before);
      await second.whenIdle();
      expect(second.log()).not.toMatch(/authenticating|Accepted|Failed/);
    });

    it('of strangers are refused where only known ones are admitted, before any login', async () => {
      const before = (await seen(device)).attempts;
      const password = new Secret('canary');
      const refused = connectTo(at(device), { ssh: ssh({ host_keys: 'known' }), credential: { password } });
      await expect(refused).rejects.toMatchObject({
        code: 'DEVICE_HOST_KEY_UNKNOWN',
        details: { actual: device.fingerprint },
      });
      expect((await seen(device)).attempts).toBe(before);
      const pins = new MemoryPins();
      pins.pinHostKey(at(device), { fingerprint: device.fingerprint, keyType: 'ssh-ed25519' });
      await connectTo(at(device), { ssh: ssh({ host_keys: 'known' }), pins });
    });

    it.each([
      ['as ssh-keyscan writes them', []],
      ['hashed', ['-H']],
    ])('are known from a file, %s', async (_name, args) => {
      const file = join(folder, 'known_hosts');
      const scan = (type: string) =>
        execFileSync(
          'ssh-keyscan',
          [...args, '-T', '60', '-t', type, '-p', String(device.port), '127.0.0.1'],
          {
            stdio: ['ignore', 'pipe', 'ignore'],
          },
        );
      writeFileSync(file, scan('rsa'));
      const settings = ssh({ host_keys: 'known', known_hosts_file: file });
      const pins = new MemoryPins();
      const notes: string[] = [];
      // The file knows one of three keys, and not the one the station would ask for by itself.
      const session = await connectTo(at(device), { ssh: settings, pins, notes });
      expect(session.hostKeyFingerprint).toBe(device.fingerprints[1]);
      expect(notes[0]).toMatch(/as in the known hosts file$/);
      // The file keeps the last word: what it stops to say is not trusted any more.
      expect(pins.keys.size).toBe(0);

      writeFileSync(
        file,
        `@revoked * ${publicKeyOf(join(device.folder, 'host_rsa'))}\n${readFileSync(file, 'utf8')}`,
      );
      await expect(connectTo(at(device), { ssh: settings })).rejects.toMatchObject({
        code: 'DEVICE_HOST_KEY_REVOKED',
        details: { actual: device.fingerprints[1] },
      });
      writeFileSync(
        file,
        scan('rsa')
          .toString()
          .replaceAll(
            / AAAA\S+/g,
            ` ${publicKeyOf(makeKeyFile(join(folder, 'other'), 'rsa')).split(' ')[1]}`,
          ),
      );
      await expect(connectTo(at(device), { ssh: settings })).rejects.toMatchObject({
        code: 'DEVICE_HOST_KEY_CHANGED',
        details: { expected: fingerprintOf(join(folder, 'other')) },
      });
    });

    it('need a file that can be read', async () => {
      const settings = ssh({ known_hosts_file: join(folder, 'nowhere') });
      await expect(connectTo(at(device), { ssh: settings })).rejects.toMatchObject({
        code: 'STATION_PROFILE_INVALID',
      });
    });
  });

  describe('jump hosts', () => {
    it('are passed in order, each with a key of its own that is pinned, over one TCP connection', async () => {
      const pins = new MemoryPins();
      const notes: string[] = [];
      const before = await Promise.all([device, jump, second].map(seen));
      const way = [at(jump), `root@${at(second)}`];
      const session = await connectTo(at(device), { ssh: ssh({ jump: way }), pins, notes });
      expect(await printed(session, 'echo "$SSH_CLIENT"; head -c 3000000 /dev/zero | wc -c')).toMatch(
        /^127.*\n3000000\n$/,
      );
      expect([...pins.keys.keys()]).toEqual([at(jump), at(second), at(device)]);
      expect(session.hostKeyFingerprint).toBe(device.fingerprint);
      expect(notes).toHaveLength(3);
      bench.closeAll();
      const after = await Promise.all([device, jump, second].map(seen));
      expect(after.map((now, index) => now.connections - (before[index]?.connections ?? 0))).toEqual([
        1, 1, 1,
      ]);
    });

    it('come from an SSH configuration as well', async () => {
      const file = join(folder, 'config');
      writeFileSync(
        file,
        [
          `Host bastion\n HostName 127.0.0.1\n Port ${jump.port}\n User root`,
          `Host board-*\n HostName 127.0.0.1\n Port ${device.port}\n ProxyJump bastion`,
          'Host *\n User root\n',
        ].join('\n'),
        { mode: 0o600 },
      );
      const pins = new MemoryPins();
      await connectTo('board-7', { ssh: ssh({ config_file: file }), pins });
      expect([...pins.keys.keys()]).toEqual([at(jump), at(device)]);
      writeFileSync(file, 'Host a\n ProxyJump b\nHost b\n ProxyJump a\n');
      await expect(connectTo('a', { ssh: ssh({ config_file: file }) })).rejects.toMatchObject({
        code: 'STATION_SSH_CONFIG_UNUSABLE',
        details: { problem: expect.stringContaining('circle') },
      });
    });

    it('with another key than before are refused, and the device hears nothing', async () => {
      const pins = new MemoryPins();
      pins.pinHostKey(at(jump), { fingerprint: 'SHA256:other', keyType: 'ssh-ed25519' });
      const before = (await seen(device)).connections;
      await expect(connectTo(at(device), { ssh: ssh({ jump: [at(jump)] }), pins })).rejects.toMatchObject({
        code: 'DEVICE_HOST_KEY_CHANGED',
        details: { address: at(jump) },
      });
      expect((await seen(device)).connections).toBe(before);
    });

    it('that refuse the login, do not forward or are not there are named', async () => {
      const stranger = { private_key_file: makeKeyFile(join(folder, 'stranger')), jump: [at(jump)] };
      const password = new Secret('canary');
      const refused = connectTo(at(device), { ssh: stranger, credential: { password } });
      await expect(refused).rejects.toMatchObject({
        code: 'DEVICE_JUMP_REFUSED',
        details: { hop: at(jump) },
        evidence: expect.not.stringContaining('password'),
      });
      const closed = await startRealSshd({
        authorized: [publicKeyOf(key)],
        config: ['AllowTcpForwarding no'],
      });
      await expect(connectTo(at(device), { ssh: ssh({ jump: [at(closed)] }) })).rejects.toMatchObject({
        code: 'DEVICE_JUMP_FAILED',
        details: { hop: at(closed), address: at(device) },
      });
      await closed.stop();
      await expect(connectTo('127.0.0.1:1', { ssh: ssh({ jump: [at(jump)] }) })).rejects.toMatchObject({
        code: 'DEVICE_JUMP_FAILED',
      });
      await expect(connectTo(at(device), { ssh: ssh({ jump: [at(closed)] }) })).rejects.toMatchObject({
        code: 'DEVICE_UNREACHABLE',
        details: { address: at(closed) },
      });
    });

    it('go with the connection: nothing is left open when it is closed or fails', async () => {
      await jump.whenIdle();
      const session = await connectTo(at(device), { ssh: ssh({ jump: [at(jump)] }) });
      expect(jump.serving()).toHaveLength(1);
      session.close();
      await jump.whenIdle();
    });
  });
});
