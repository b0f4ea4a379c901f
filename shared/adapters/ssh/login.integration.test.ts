import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ErrorView, toErrorView } from '../../errors/enrollment-error.ts';
import { Secret } from '../../model/secret.ts';
import { unlessItHangs } from '../../testing/patience.ts';
import type { SshSettings } from './route.ts';
import { createLoginBench, seen, type Ways } from './testing/login-bench.ts';
import { MemoryPins } from './testing/pins.ts';
import { type RealAgent, startRealAgent } from './testing/real-agent.ts';
import {
  type KeyType,
  makeKeyFile,
  noSshdReason,
  publicKeyOf,
  type RealSshd,
  startRealSshd,
} from './testing/real-sshd.ts';
import { bareAccount, testConnector } from './testing/test-connector.ts';

const missing = noSshdReason();
if (missing !== undefined) console.warn(`SKIPPED: SSH logins against OpenSSH: ${missing}.`);

const folder = mkdtempSync(join(tmpdir(), 'muster-login-'));
const passphrase = 'correct horse';
const kinds: readonly (readonly [string, KeyType, readonly string[]])[] = [
  ['ed25519', 'ed25519', []],
  ['rsa', 'rsa', ['-b', '3072']],
  ['ecdsa', 'ecdsa', []],
  ['rsa-pem', 'rsa', ['-b', '2048', '-m', 'PEM']],
  ['rsa-pkcs8', 'rsa', ['-b', '2048', '-m', 'PKCS8']],
];
const plain = (name: string) => join(folder, name);
const locked = (name: string) => join(folder, `${name}-locked`);

describe.skipIf(missing !== undefined)('logging in at OpenSSH', () => {
  let sshd: RealSshd;
  let agent: RealAgent;
  const bench = createLoginBench(folder);
  const { connectTo, printed, open } = bench;
  const connect = (ways: Ways = {}) => connectTo(`127.0.0.1:${sshd.port}`, ways);

  beforeAll(async () => {
    const authorized: string[] = [];
    for (const [name, type, args] of kinds) {
      authorized.push(publicKeyOf(makeKeyFile(plain(name), type, args)));
      authorized.push(publicKeyOf(makeKeyFile(locked(name), type, [...args, '-N', passphrase, '-a', '2'])));
    }
    sshd = await startRealSshd({ authorized });
    agent = await startRealAgent(folder);
  });
  afterEach(() => bench.closeAll());
  afterAll(async () => {
    await agent?.stop();
    await sshd?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(kinds)('works with %s, encrypted or not', async (name) => {
    await connect({ ssh: { private_key_file: plain(name) } });
    const ssh = { private_key_file: locked(name) };
    await expect(connect({ ssh })).rejects.toMatchObject({
      code: 'STATION_KEY_PASSPHRASE_NEEDED',
      details: { path: locked(name) },
    });
    const wrong = { keyPassphrase: new Secret('wrong-canary') };
    await expect(connect({ ssh, credential: wrong })).rejects.toMatchObject({
      code: 'STATION_KEY_PASSPHRASE_WRONG',
    });
    await expect(connect({ ssh, credential: wrong })).rejects.not.toThrow(/canary/);
    await connect({ ssh, credential: { keyPassphrase: new Secret(passphrase) } });
  });

  it('asks for a passphrase before it calls anybody', async () => {
    const before = (await seen(sshd)).connections;
    await expect(connect({ ssh: { private_key_file: locked('ed25519') } })).rejects.toThrow();
    expect((await seen(sshd)).connections).toBe(before);
  });

  it('says what is wrong with a key file', async () => {
    const file = plain('no-key');
    writeFileSync(file, 'PuTTY-User-Key-File-3: ssh-ed25519\n', { mode: 0o600 });
    await expect(connect({ ssh: { private_key_file: file } })).rejects.toMatchObject({
      code: 'STATION_KEY_UNUSABLE',
      details: { path: file, problem: expect.stringContaining('PuTTY') },
    });
    await expect(connect({ ssh: { private_key_file: plain('nowhere') } })).rejects.toMatchObject({
      code: 'STATION_KEY_UNUSABLE',
      details: { problem: 'there is no such file' },
    });
  });

  it('makes one TCP connection a device, and one login', async () => {
    const before = await seen(sshd);
    const ways = { ssh: { private_key_file: plain('ed25519') } };
    const sessions = await Promise.all(Array.from({ length: 8 }, () => connect(ways)));
    for (const session of sessions) {
      expect(await printed(session, 'echo one')).toBe('one\n');
      expect(await printed(session, 'echo two')).toBe('two\n');
    }
    bench.closeAll();
    const after = await seen(sshd);
    expect(after.connections - before.connections).toBe(8);
    expect(after.accepted - before.accepted).toBe(8);
  });

  describe('with the agent', () => {
    afterEach(() => agent.removeAll());
    const ways = (ssh: SshSettings = {}): Ways => ({
      ssh: { agent: true, ...ssh },
      agentSocket: agent.socket,
    });

    it.each(['ed25519', 'rsa', 'ecdsa'])('works with its %s key, and forwards it nowhere', async (name) => {
      agent.add(plain(name));
      const session = await connect(ways());
      expect(await printed(session, 'echo "[$SSH_AUTH_SOCK]"')).toBe('[]\n');
    });

    it('needs no passphrase for a named key that the agent holds', async () => {
      agent.add(plain('rsa'));
      renameSync(plain('rsa'), plain('rsa-away'));
      try {
        // Only the public half is left beside the agent.
        await connect(ways({ private_key_file: plain('rsa') }));
      } finally {
        renameSync(plain('rsa-away'), plain('rsa'));
      }
      await expect(connect(ways({ private_key_file: locked('ecdsa') }))).rejects.toMatchObject({
        code: 'STATION_KEY_PASSPHRASE_NEEDED',
      });
    });

    it('offers few keys, and the named one first, so that the device does not hang up', async () => {
      for (let count = 0; count < 8; count += 1) agent.add(makeKeyFile(join(folder, `stranger-${count}`)));
      agent.add(plain('ed25519'));
      const notes: string[] = [];
      await expect(connect({ ...ways(), notes })).rejects.toMatchObject({ code: 'DEVICE_KEY_REFUSED' });
      expect(notes).toEqual([expect.stringContaining('5 more keys')]);
      await connect(ways({ private_key_file: plain('ed25519') }));
      // A password still fits behind the keys: the refusal is not for too many tries.
      const refused = connect({ ...ways(), credential: { password: new Secret('x') } });
      await expect(refused).rejects.toMatchObject({
        evidence: expect.stringContaining('The device accepts: publickey'),
      });
    });

    it('says so when there is no agent', async () => {
      const nobody = { ssh: { agent: true }, agentSocket: join(folder, 'nobody') };
      await expect(connect(nobody)).rejects.toMatchObject({ code: 'STATION_SSH_AGENT_UNAVAILABLE' });
      await expect(connect({ ssh: { agent: true } })).rejects.toMatchObject({
        code: 'STATION_SSH_AGENT_UNAVAILABLE',
        details: { problem: 'SSH_AUTH_SOCK is not set' },
      });
    });
  });

  describe('that is refused', () => {
    const refusal = async (port: number, ways: Ways): Promise<ErrorView> => {
      const thrown: unknown = await connectTo(`127.0.0.1:${port}`, ways).then(
        () => undefined,
        (error: unknown) => error,
      );
      return toErrorView(thrown);
    };
    const stranger = () => makeKeyFile(join(folder, 'refused'));
    const password = { password: new Secret('canary') };

    it.each<[string, () => Ways]>([
      ['without a key', () => ({})],
      ['with a password alone', () => ({ credential: password })],
      ['with an agent that holds none', () => ({ ssh: { agent: true }, agentSocket: agent.socket })],
    ])('where only keys are taken, %s: asks for a key and for no password', async (_case, ways) => {
      const view = await refusal(sshd.port, ways());
      expect(view).toMatchObject({
        ...{ code: 'DEVICE_KEY_NEEDED', secretNeeded: undefined, retry: 'after-fix' },
        evidence: 'No key or password was offered. The device accepts: publickey.',
      });
      for (const way of ['private_key_file', 'agent = true', '--ssh-key', '--ssh-agent'])
        expect(view.operatorDoes).toContain(way);
    });

    it('where only keys are taken, with another key: says which, and where it belongs', async () => {
      const file = stranger();
      const view = await refusal(sshd.port, { ssh: { private_key_file: file }, credential: password });
      expect(view).toMatchObject({
        ...{ code: 'DEVICE_KEY_REFUSED', secretNeeded: undefined },
        says: expect.stringContaining(file),
        operatorDoes: expect.stringContaining('~/.ssh/authorized_keys of root'),
        evidence: `Tried: ${file}. The device accepts: publickey.`,
      });
    });

    it.each([
      ['PasswordAuthentication', 'password'],
      ['KbdInteractiveAuthentication', 'keyboard-interactive'],
    ])('where %s is on: asks for the password, with a key or without', async (setting, method) => {
      // OpenSSH offers questions only where somebody puts them, which is PAM.
      const other = await startRealSshd({ config: [`${setting} yes`, 'UsePAM yes'] });
      try {
        for (const ways of [{}, { ssh: { private_key_file: stranger() } }]) {
          const view = await refusal(other.port, ways);
          expect(view).toMatchObject({ code: 'DEVICE_LOGIN_REFUSED', secretNeeded: 'ssh-password' });
          expect(view.evidence).toContain(`The device accepts: publickey, ${method}.`);
        }
      } finally {
        await other.stop();
      }
    });

    it('where a key and then a password are wanted: asks for what is missing', async () => {
      const config = ['PasswordAuthentication yes', 'AuthenticationMethods publickey,password'];
      const both = await startRealSshd({ config });
      try {
        expect(await refusal(both.port, { credential: password })).toMatchObject({
          code: 'DEVICE_KEY_NEEDED',
        });
        const ssh = { private_key_file: both.clientKeyFile };
        expect(await refusal(both.port, { ssh })).toMatchObject({
          ...{ code: 'DEVICE_LOGIN_REFUSED', secretNeeded: 'ssh-password' },
          evidence: expect.stringContaining('The device accepts: password.'),
        });
      } finally {
        await both.stop();
      }
    });

    it('where neither keys nor passwords are taken: says so', async () => {
      const none = await startRealSshd({
        config: ['PubkeyAuthentication no', 'HostbasedAuthentication yes'],
      });
      try {
        expect(await refusal(none.port, { credential: password })).toMatchObject({
          ...{ code: 'DEVICE_LOGIN_UNSUITABLE', secretNeeded: undefined },
          evidence: expect.stringContaining('hostbased'),
        });
      } finally {
        await none.stop();
      }
    });
  });

  describe('with an SSH configuration', () => {
    const configured = (text: string): SshSettings => {
      const file = join(folder, 'config');
      writeFileSync(file, text, { mode: 0o600 });
      return { config_file: file };
    };

    it('follows aliases, users, ports, keys and included files', async () => {
      writeFileSync(
        join(folder, 'keys.conf'),
        `IdentityFile ${plain('ecdsa')}\nIdentityFile ${plain('not-there')}\n`,
        {
          mode: 0o600,
        },
      );
      const ssh = configured(
        `Host east-*\n HostName 127.0.0.1\n Port ${sshd.port}\n User root\n HostKeyAlias %n-key\n Include ${folder}/*.conf\n`,
      );
      const pins = new MemoryPins();
      const session = await connectTo('east-1', { ssh, pins, credential: { user: 'nobody-else' } });
      expect(session.loginUser).toBe('root');
      expect([...pins.keys.values()]).toEqual([{ fingerprint: sshd.fingerprint, keyType: 'ssh-ed25519' }]);
    });

    it('refuses what would lead elsewhere, before it calls anybody', async () => {
      const before = (await seen(sshd)).connections;
      const ssh = configured(`Host *\n ProxyCommand nc 10.0.0.1 22\n`);
      await expect(connect({ ssh })).rejects.toMatchObject({
        code: 'STATION_SSH_CONFIG_UNUSABLE',
        details: { path: ssh.config_file, problem: expect.stringContaining('ProxyCommand') },
      });
      writeFileSync(join(folder, 'config'), 'User root\n');
      const { chmodSync } = await import('node:fs');
      chmodSync(join(folder, 'config'), 0o666);
      await expect(connect({ ssh })).rejects.toMatchObject({
        details: { problem: expect.stringContaining('other accounts may write') },
      });
      chmodSync(join(folder, 'config'), 0o600);
      expect((await seen(sshd)).connections).toBe(before);
    });
  });

  it('works over IPv6, with a zone too, and by name', async () => {
    const six = await startRealSshd({ address: '::1', authorized: [publicKeyOf(plain('ed25519'))] });
    try {
      const ssh = { private_key_file: plain('ed25519') };
      await connectTo(`[::1]:${six.port}`, { ssh });
      await connectTo(`localhost:${sshd.port}`, { ssh });
      await expect(connectTo(`[::1%lo]:${six.port}`, { ssh })).resolves.toBeDefined();
      bench.closeAll();
      expect((await seen(six)).connections).toBe(2);
    } finally {
      bench.closeAll();
      await six.stop();
    }
  });

  it('names a server that speaks nothing safe, and what it offers', async () => {
    const old = await startRealSshd({
      config: [
        'KexAlgorithms diffie-hellman-group14-sha1',
        'Ciphers aes128-cbc,aes256-cbc',
        'MACs hmac-sha1',
      ],
    });
    try {
      const refused = connectTo(`127.0.0.1:${old.port}`);
      await expect(refused).rejects.toMatchObject({ code: 'DEVICE_SSH_OUTDATED' });
      await expect(refused).rejects.toMatchObject({
        evidence: expect.stringMatching(/group14-sha1.*\n.*aes128-cbc.*\n.*hmac-sha1/),
      });
    } finally {
      await old.stop();
    }
  });

  it('offers no SHA-1 to a server that takes RSA keys only with it', async () => {
    const old = await startRealSshd({
      authorized: [publicKeyOf(plain('rsa'))],
      config: ['PubkeyAcceptedAlgorithms ssh-rsa'],
    });
    try {
      const refused = connectTo(`127.0.0.1:${old.port}`, { ssh: { private_key_file: plain('rsa') } });
      await expect(refused).rejects.toMatchObject({ code: 'DEVICE_KEY_REFUSED' });
      expect((await seen(old)).accepted).toBe(0);
    } finally {
      await old.stop();
    }
  });

  it('notices a device that is gone without a goodbye', async () => {
    const gone = await startRealSshd({ authorized: [publicKeyOf(plain('ed25519'))] });
    const limits = { keepaliveMs: 150, keepaliveMisses: 2 };
    const account = { ...bareAccount, home: folder };
    try {
      const session = await testConnector(
        { private_key_file: plain('ed25519') },
        { account, limits },
      ).connect(
        { kind: 'ssh', user: 'root', host: '127.0.0.1', port: gone.port },
        { credential: { user: 'root' }, hostKeys: new MemoryPins(), signal: unlessItHangs() },
      );
      open.push(session);
      // Nothing is said before it is gone: on a busy computer even a device that is there may miss so short a time.
      const serving = gone.serving();
      expect(serving).toHaveLength(1);
      for (const pid of serving) process.kill(pid, 'SIGSTOP');
      try {
        // By its own limit it would be another error, and later.
        await expect(printed(session, 'echo never')).rejects.toMatchObject({
          code: 'DEVICE_CONNECTION_LOST',
        });
      } finally {
        for (const pid of serving) process.kill(pid, 'SIGKILL');
      }
    } finally {
      await gone.stop();
    }
  });
});
