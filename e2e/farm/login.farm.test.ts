import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { defineCommand } from '#shared/device/device-command.ts';
import type { DeviceCredential, DeviceSession, HostKeyPins } from '#shared/engine/ports.ts';
import { Secret } from '#shared/model/secret.ts';
import { hostKeyFingerprint } from '../../shared/adapters/ssh/fingerprint.ts';
import type { SshSettings } from '../../shared/adapters/ssh/route.ts';
import { MemoryPins } from '../../shared/adapters/ssh/testing/pins.ts';
import { makeKeyFile, publicKeyOf } from '../../shared/adapters/ssh/testing/real-sshd.ts';
import { testConnector } from '../../shared/adapters/ssh/testing/test-connector.ts';
import { type FarmDevice, type FarmDeviceRequest, farmAvailable, startFarmDevice } from './farm.ts';

const available = farmAvailable();
const suites = ['bookworm', 'trixie'] as const;
const none = { kind: 'none' } as const;

/** Debian's own sshd, PAM and sudo on the other end: what a server on loopback cannot show. */
describe.skipIf(!available.ok)('logging in on real Debian', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-login-farm-'));
  const open: DeviceSession[] = [];
  const running: FarmDevice[] = [];
  /** One connector for all, as a station has: it remembers where logins failed. */
  const connectors = new Map<string, ReturnType<typeof testConnector>>();

  const start = async (request: FarmDeviceRequest): Promise<FarmDevice> => {
    const device = await startFarmDevice({ packages: 'installed', ...request });
    running.push(device);
    return device;
  };
  const connect = async (
    device: FarmDevice,
    given: {
      readonly ssh?: SshSettings;
      readonly credential?: Partial<DeviceCredential>;
      readonly host?: string;
      readonly pins?: HostKeyPins;
      readonly limitMs?: number;
    } = {},
  ): Promise<DeviceSession> => {
    const { ssh = {}, credential = {}, host = device.address, pins = new MemoryPins() } = given;
    const name = JSON.stringify(ssh);
    const connector = connectors.get(name) ?? testConnector(ssh);
    connectors.set(name, connector);
    const session = await connector.connect(
      { kind: 'ssh', user: device.user, host, port: device.sshPort },
      {
        credential: { user: 'nobody', ...credential },
        hostKeys: pins,
        signal: AbortSignal.timeout(given.limitMs ?? 120_000),
      },
    );
    open.push(session);
    return session;
  };
  const whoami = async (session: DeviceSession): Promise<string> => {
    const command = defineCommand('Who', 'id -un', { asRoot: false });
    const { stdout } = await session.run(command, {
      ...{ elevation: none, signal: AbortSignal.timeout(120_000), limitMs: 120_000 },
    });
    return stdout.trim();
  };
  const keyOf = (device: FarmDevice): SshSettings => ({ private_key_file: device.privateKeyFile });
  const fingerprintOf = (hostKey: string): string =>
    hostKeyFingerprint(Buffer.from(/AAAA\S+/.exec(hostKey)?.[0] ?? '', 'base64'));

  afterEach(() => {
    for (const session of open.splice(0)) session.close();
  });
  afterAll(async () => {
    await Promise.all(running.map((device) => device.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(suites)('%s', (suite) => {
    let device: FarmDevice;
    beforeAll(async () => {
      device = await start({ name: `login-${suite}`, suite });
    }, 600_000);

    test.each(['ed25519', 'rsa', 'ecdsa'] as const)('takes a key of type %s, encrypted', async (type) => {
      const passphrase = 'correct horse';
      const file = makeKeyFile(join(folder, `${suite}-${type}`), type, ['-N', passphrase, '-a', '4']);
      const add = await device.exec(`echo '${publicKeyOf(file)}' >> /home/pi/.ssh/authorized_keys`);
      expect(add.code, add.stderr).toBe(0);
      const credential = { keyPassphrase: new Secret(passphrase) };
      const session = await connect(device, { ssh: { private_key_file: file }, credential });
      expect(await whoami(session)).toBe('pi');
    });

    test('is reached over IPv6, with the same host key', async () => {
      const four = await connect(device, { ssh: keyOf(device) });
      const six = await connect(device, { ssh: keyOf(device), host: device.addressV6 });
      expect(six.hostKeyFingerprint).toBe(fingerprintOf(device.hostKey));
      expect(four.hostKeyFingerprint).toBe(six.hostKeyFingerprint);
    });

    test('with another host key than before is refused before any login', async () => {
      const pins = new MemoryPins();
      await connect(device, { ssh: keyOf(device), pins });
      const before = fingerprintOf(device.hostKey);
      for (const session of open.splice(0)) session.close();
      const after = fingerprintOf(await device.changeHostKey());
      const since = 'journalctl --sync; journalctl -u ssh -o cat --no-pager | grep -c Accepted';
      const logins = (await device.exec(since)).stdout.trim();
      await expect(connect(device, { ssh: keyOf(device), pins })).rejects.toMatchObject({
        code: 'DEVICE_HOST_KEY_CHANGED',
        details: { expected: before, actual: after },
      });
      expect((await device.exec(since)).stdout.trim()).toBe(logins);
    });
  });

  describe.each(suites)('%s, with a password', (suite) => {
    test.each(['password-login', 'keyboard-interactive'] as const)(
      'by %s',
      async (condition) => {
        const device = await start({
          name: `${condition.slice(0, 8)}-${suite}`,
          suite,
          conditions: [condition],
        });
        await expect(connect(device)).rejects.toMatchObject({ code: 'DEVICE_LOGIN_REFUSED' });
        const session = await connect(device, { credential: { password: new Secret(device.password) } });
        expect(await whoami(session)).toBe('pi');
      },
      600_000,
    );
  });

  test('as root, on another port', async () => {
    const conditions = ['root-login', 'port-2222'] as const;
    const device = await start({ name: 'root-2222', suite: 'trixie', conditions });
    expect(device.sshPort).toBe(2222);
    expect(await whoami(await connect(device, { ssh: keyOf(device) }))).toBe('root');
  }, 600_000);

  test('Debian 13 turns a station away after failed logins, and that is explained; Debian 12 does not', async () => {
    const [old, current] = await Promise.all(
      suites.map((suite) => start({ name: `penalty-${suite}`, suite, conditions: ['password-login'] })),
    );
    if (old === undefined || current === undefined) throw new Error('no devices');
    const codeOf = (device: FarmDevice, password: string): Promise<string> =>
      connect(device, { credential: { password: new Secret(password) } }).then(
        () => 'in',
        (thrown: { code: string }) => thrown.code,
      );
    // Each failed login counts five seconds, and from fifteen on the door is shut. One after the other they would not
    // add up, because PAM takes its time to say no.
    const failSixTimes = (device: FarmDevice): Promise<string[]> =>
      Promise.all(Array.from({ length: 6 }, () => codeOf(device, 'wrong-canary')));
    const oldCodes = await failSixTimes(old);
    expect(new Set([...oldCodes, await codeOf(old, 'wrong-canary')])).toEqual(
      new Set(['DEVICE_LOGIN_REFUSED']),
    );
    expect(await failSixTimes(current)).toContain('DEVICE_LOGIN_REFUSED');
    // Even the right password is not looked at. The door opens again by itself: a busy computer may come too late.
    const tryRight = async () => {
      const code = await codeOf(current, current.password);
      if (code === 'in') await failSixTimes(current);
      return code;
    };
    await expect.poll(tryRight, { timeout: 240_000, interval: 10 }).toBe('DEVICE_LOGIN_BLOCKED');
    const session = await connect(old, { credential: { password: new Secret(old.password) } });
    expect(await whoami(session)).toBe('pi');
  }, 600_000);
});
