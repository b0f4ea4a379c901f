// biome-ignore lint/style/noRestrictedImports: a helper of tests, which starts the real sshd.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { utils } from 'ssh2';
import { hostKeyFingerprint } from '../fingerprint.ts';
import { makeKeyPair } from './key-pair.ts';

const SSHD = '/usr/sbin/sshd';

/** Why there is no OpenSSH server for tests here, or undefined. */
export function noSshdReason(): string | undefined {
  if (!existsSync(SSHD)) return `${SSHD} is not installed`;
  if (process.getuid?.() !== 0) return 'the test does not run as root';
  return undefined;
}

export interface RealSshd {
  readonly port: number;
  readonly user: string;
  readonly clientKeyFile: string;
  readonly fingerprint: string;
  /** Folder that comes first on the PATH of every session. */
  readonly binFolder: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Starts an OpenSSH server of its own: own keys, own configuration, any free port of loopback. */
export async function startRealSshd(): Promise<RealSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-sshd-'));
  const binFolder = join(folder, 'bin');
  mkdirSync(binFolder);
  const host = makeKeyPair();
  const client = makeKeyPair();
  const hostKey = utils.parseKey(host.private);
  if (hostKey instanceof Error) throw hostKey;
  const files = {
    key: join(folder, 'host_key'),
    config: join(folder, 'config'),
    allowed: join(folder, 'allowed'),
    client: join(folder, 'client_key'),
  };
  writeFileSync(files.key, host.private, { mode: 0o600 });
  writeFileSync(files.client, client.private, { mode: 0o600 });
  writeFileSync(files.allowed, `${client.public}\n`, { mode: 0o600 });
  const port = await freePort();
  writeFileSync(
    files.config,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${files.key}`,
      `AuthorizedKeysFile ${files.allowed}`,
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'StrictModes no',
      'PidFile none',
      `SetEnv PATH=${binFolder}:/usr/bin:/bin`,
      '',
    ].join('\n'),
  );
  // OpenSSH's sandbox folder; a package's start script makes it otherwise.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  chmodSync('/run/sshd', 0o755);
  const process: ChildProcess = spawn(SSHD, ['-D', '-e', '-f', files.config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  process.stderr?.on('data', (bytes: Buffer) => {
    said = `${said}${bytes.toString()}`.slice(-4000);
  });
  const exited = new Promise<void>((resolve) => process.once('exit', () => resolve()));
  const stop = async () => {
    process.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries > 100 || process.exitCode !== null) {
      await stop();
      throw new Error(`sshd did not start: ${said}`);
    }
    await sleep(50);
  }
  return {
    port,
    user: userInfo().username,
    clientKeyFile: files.client,
    fingerprint: hostKeyFingerprint(hostKey.getPublicSSH()),
    binFolder,
    stop,
  };
}
