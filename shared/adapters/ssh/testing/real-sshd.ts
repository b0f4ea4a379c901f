// biome-ignore lint/style/noRestrictedImports: a helper of tests, which starts the real sshd.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HANGS_AFTER_MS } from '../../../testing/patience.ts';
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
  /** What the server has written about its connections by now. */
  log(): string;
  /** Processes that serve a connection each. */
  serving(): readonly number[];
  /** Waits until no connection is being served: from then on the log tells all there is to tell. */
  whenIdle(): Promise<void>;
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

/** Ports that the system gives to nobody by itself (ip_local_port_range): only another such server may have one. */
const portOfOurOwn = (): number => randomInt(20_000, 30_000);

/** Waits for a state, as long as nothing hangs. */
async function until(isThere: () => boolean, whatHangs: () => string): Promise<void> {
  const end = performance.now() + HANGS_AFTER_MS;
  while (!isThere()) {
    if (performance.now() > end) throw new Error(whatHangs());
    await sleep(10);
  }
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
  let port = portOfOurOwn();
  // OpenSSH's sandbox folder; a package's start script makes it otherwise.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  chmodSync('/run/sshd', 0o755);
  let hostKeyFiles: string[] = [];
  let server: ChildProcess | undefined;
  let beginnings = 0;
  // A file, and no pipe: what stands in it is read where it is asked for, and is not on its way to this process.
  const logFile = () => join(folder, `log-${beginnings}`);
  const log = () => readFileSync(logFile(), 'utf8');

  const makeHostKeys = (hostKeys: readonly KeyType[]) => {
    hostKeyFiles = hostKeys.map((type) => makeKeyFile(join(folder, `host_${type}`), type));
  };
  const writeConfig = () => {
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
      // A home without start files: those of this computer's account say what they like, and take their time.
      `SetEnv PATH=${binFolder}:/usr/bin:/bin HOME=${folder}`,
    ];
    writeFileSync(files.config, `${lines.join('\n')}\n`);
  };
  const end = async () => {
    const ending = server;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
    ending.kill('SIGTERM');
    await exited;
  };
  /** Gives whether it listens; false where somebody has its port. */
  const begin = async (): Promise<boolean> => {
    beginnings += 1;
    const written = openSync(logFile(), 'a', 0o600);
    const begun = spawn(SSHD, ['-D', '-e', '-f', files.config], { stdio: ['ignore', 'ignore', written] });
    closeSync(written);
    server = begun;
    const hasEnded = () => begun.exitCode !== null || begun.signalCode !== null;
    const listens = () => log().includes(`Server listening on ${address} port ${port}.`);
    await until(
      () => listens() || hasEnded(),
      () => `sshd did not start: ${log().slice(-4000)}`,
    );
    if (listens()) return true;
    if (log().includes('Address already in use')) return false;
    throw new Error(`sshd did not start: ${log().slice(-4000)}`);
  };
  const serving = () => {
    const { pid } = server ?? {};
    return (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []).map(Number);
  };
  const whenIdle = async () => {
    await until(
      () => serving().length === 0,
      () => `sshd still serves a connection: ${log().slice(-4000)}`,
    );
  };
  const stop = async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  };

  makeHostKeys(options.hostKeys ?? ['ed25519']);
  try {
    for (writeConfig(); !(await begin()); writeConfig()) port = portOfOurOwn();
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    ...{ port, user: userInfo().username, clientKeyFile, binFolder, folder },
    get fingerprint() {
      return fingerprintOf(hostKeyFiles[0] ?? '');
    },
    get fingerprints() {
      return hostKeyFiles.map(fingerprintOf);
    },
    ...{ log, serving, whenIdle },
    flash: async (hostKeys = options.hostKeys ?? ['ed25519']) => {
      await end();
      makeHostKeys(hostKeys);
      writeConfig();
      if (!(await begin())) throw new Error(`Somebody took the port of a board that was flashed: ${port}.`);
    },
    stop,
  };
}
