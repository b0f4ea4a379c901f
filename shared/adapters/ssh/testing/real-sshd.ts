// biome-ignore lint/style/noRestrictedImports: a helper of tests, which starts the real sshd.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostKeyFingerprint } from '../fingerprint.ts';

const SSHD = '/usr/sbin/sshd';

/** Why there is no OpenSSH server for tests here, or undefined. */
export function noSshdReason(): string | undefined {
  if (!existsSync(SSHD)) return `${SSHD} is not installed`;
  if (process.getuid?.() !== 0) return 'the test does not run as root';
  return undefined;
}

export type KeyType = 'ed25519' | 'rsa' | 'ecdsa';

export interface RealSshdOptions {
  /** Types of the host keys it has; ed25519 alone unless said otherwise. */
  readonly hostKeys?: readonly KeyType[];
  /** Lines of sshd_config that come first and so count. */
  readonly config?: readonly string[];
  readonly address?: '127.0.0.1' | '::1';
  /** Public keys that may log in beside the client key. */
  readonly authorized?: readonly string[];
}

export interface RealSshd {
  readonly port: number;
  readonly user: string;
  readonly clientKeyFile: string;
  /** Of the first host key. */
  readonly fingerprint: string;
  readonly fingerprints: readonly string[];
  /** Folder that comes first on the PATH of every session. */
  readonly binFolder: string;
  readonly folder: string;
  /** What the server wrote about its connections. */
  log(): string;
  /** Gives it another set of host keys, as a flashed board has, and starts it anew. */
  flash(hostKeys?: readonly KeyType[]): Promise<void>;
  stop(): Promise<void>;
}

/** Makes a key pair with ssh-keygen; the public half stands beside it. */
export function makeKeyFile(file: string, type: KeyType = 'ed25519', more: readonly string[] = []): string {
  rmSync(file, { force: true });
  rmSync(`${file}.pub`, { force: true });
  const passphrase = more.includes('-N') ? [] : ['-N', ''];
  execFileSync('ssh-keygen', ['-q', '-t', type, '-C', 'muster-test', '-f', file, ...passphrase, ...more]);
  return file;
}

export function publicKeyOf(file: string): string {
  return readFileSync(`${file}.pub`, 'utf8').trim();
}

export function fingerprintOf(file: string): string {
  return hostKeyFingerprint(Buffer.from(publicKeyOf(file).split(' ')[1] ?? '', 'base64'));
}

async function freePort(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Starts an OpenSSH server of its own: own keys, own configuration, any free port of loopback. */
export async function startRealSshd(options: RealSshdOptions = {}): Promise<RealSshd> {
  const { config = [], address = '127.0.0.1', authorized = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'muster-sshd-'));
  const binFolder = join(folder, 'bin');
  mkdirSync(binFolder);
  const files = { config: join(folder, 'config'), allowed: join(folder, 'allowed') };
  const clientKeyFile = makeKeyFile(join(folder, 'client_key'));
  writeFileSync(files.allowed, `${[publicKeyOf(clientKeyFile), ...authorized].join('\n')}\n`, {
    mode: 0o600,
  });
  const port = await freePort(address);
  // OpenSSH's sandbox folder; a package's start script makes it otherwise.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  chmodSync('/run/sshd', 0o755);
  let hostKeyFiles: string[] = [];
  let said = '';
  let server: ChildProcess | undefined;

  const writeConfig = (hostKeys: readonly KeyType[]) => {
    hostKeyFiles = hostKeys.map((type) => makeKeyFile(join(folder, `host_${type}`), type));
    const lines = [
      ...config,
      `Port ${port}`,
      `ListenAddress ${address}`,
      ...hostKeyFiles.map((file) => `HostKey ${file}`),
      `AuthorizedKeysFile ${files.allowed}`,
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'Subsystem sftp internal-sftp',
      'StrictModes no',
      'PidFile none',
      'LogLevel VERBOSE',
      `SetEnv PATH=${binFolder}:/usr/bin:/bin`,
    ];
    writeFileSync(files.config, `${lines.join('\n')}\n`);
  };
  const end = async () => {
    const ending = server;
    if (ending === undefined || ending.exitCode !== null) return;
    const exited = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
    ending.kill('SIGTERM');
    await exited;
  };
  const begin = async () => {
    const begun = spawn(SSHD, ['-D', '-e', '-f', files.config], { stdio: ['ignore', 'ignore', 'pipe'] });
    server = begun;
    begun.stderr.on('data', (bytes: Buffer) => {
      said = `${said}${bytes.toString()}`.slice(-200_000);
    });
    for (let tries = 0; !(await answers(port, address)); tries += 1) {
      if (tries > 100 || begun.exitCode !== null) throw new Error(`sshd did not start: ${said.slice(-4000)}`);
      await sleep(50);
    }
    said = '';
  };
  const stop = async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  };

  writeConfig(options.hostKeys ?? ['ed25519']);
  await begin().catch(async (thrown: unknown) => {
    await stop();
    throw thrown;
  });
  return {
    ...{ port, user: userInfo().username, clientKeyFile, binFolder, folder },
    get fingerprint() {
      return fingerprintOf(hostKeyFiles[0] ?? '');
    },
    get fingerprints() {
      return hostKeyFiles.map(fingerprintOf);
    },
    log: () => said,
    flash: async (hostKeys = options.hostKeys ?? ['ed25519']) => {
      await end();
      writeConfig(hostKeys);
      await begin();
    },
    stop,
  };
}
