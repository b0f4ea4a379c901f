import { execFile, spawn } from 'node:child_process';
import { lstatSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setFaultMark } from './fault-marks.ts';
import { type Holder, startHolder } from './holder.ts';
import type { RehearsalProcess } from './model.ts';
import { HOLDER_MARK, type Sandbox, type SandboxOptions } from './sandbox.ts';

const run = promisify(execFile);
const TOOL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const LOGIN_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/games';
/** Folders beside /usr that hold programs and libraries; links on most systems. */
const SYSTEM_FOLDERS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'nix', 'gnu'];
const DEVICE_NODES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

const isRoot = (): boolean => process.getuid?.() === 0;

/** True when devices have real user ids of their own; otherwise owners are only written down. */
export const namespacesHaveRealUsers = isRoot;

/** Arguments that make `unshare` give a device its own mounts, processes and host name. */
function unshareArguments(): string[] {
  const user = isRoot() ? [] : ['--user', '--map-root-user'];
  return [
    ...user,
    '--mount',
    '--pid',
    '--uts',
    '--fork',
    '--kill-child=KILL',
    '--propagation',
    'private',
    '--',
  ];
}

/**
 * Tries everything a namespace device needs once, on a scratch folder.
 * @returns undefined when it works, else why it does not.
 */
export async function whyNoNamespaces(dir: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return `${process.platform} has no Linux namespaces`;
  const scratch = await mkdtemp(join(dir, '.probe-'));
  const script =
    'set -e; cd "$1"; mkdir low low/bin all p; mount -t overlay -o ro,lowerdir=low:/usr overlay all; ' +
    'mount -t proc proc p; mount --bind all all; command -v pivot_root nsenter setpriv >/dev/null';
  try {
    const env = { PATH: TOOL_PATH, LC_ALL: 'C' };
    await run('unshare', [...unshareArguments(), '/bin/sh', '-c', script, 'probe', scratch], {
      env,
      timeout: 60_000,
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Starts the sandbox of one device in Linux namespaces, its skeleton already written. */
export async function openNamespaceSandbox(options: SandboxOptions): Promise<Sandbox> {
  const fstab = join(options.folder, 'fstab');
  await writeFile(fstab, await mountsOf(options));
  const holder = await startHolder('unshare', [
    ...unshareArguments(),
    '/bin/sh',
    join(options.standIns.holders, 'namespace.sh'),
    options.root,
    fstab,
    options.name,
  ]);
  return new NamespaceSandbox(options, holder);
}

async function mountsOf({ root, folder, standIns, nodePath }: SandboxOptions): Promise<string> {
  const own = join(folder, 'usr-local');
  await Promise.all([own, join(root, 'usr')].map((path) => mkdir(path, { recursive: true })));
  const fstabWord = (path: string): string =>
    path.replace(/[\\ \t\n]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
  const mounts: string[] = [];
  const mount = (what: string, where: string, type: string, how: string): void => {
    mounts.push(`${fstabWord(what)} ${fstabWord(join(root, where))} ${type} ${how} 0 0`);
  };
  mount(root, '', 'none', 'bind');
  // The device's own /usr/local must be taken aside before /usr covers it.
  mounts.push(`${fstabWord(join(root, 'usr/local'))} ${fstabWord(own)} none bind 0 0`);
  mount('overlay', 'usr', 'overlay', `ro,lowerdir=${fstabWord(standIns.tree.replaceAll(':', '\\:'))}:/usr`);
  mount(own, 'usr/local', 'none', 'bind');
  if (!isRoot()) mount('/usr', 'opt/rehearsal/usr', 'none', 'bind');
  for (const name of SYSTEM_FOLDERS) {
    const entry = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (entry?.isSymbolicLink()) await linkOnce(readlinkSync(`/${name}`), join(root, name));
    else if (entry?.isDirectory()) {
      await mkdir(join(root, name), { recursive: true });
      mount(`/${name}`, name, 'none', isRoot() ? 'bind,ro' : 'rbind');
    }
  }
  for (const name of ['etc/alternatives', 'etc/ssl']) {
    if (lstatSync(`/${name}`, { throwIfNoEntry: false })?.isDirectory())
      mount(`/${name}`, name, 'none', isRoot() ? 'bind,ro' : 'rbind');
  }
  mount(nodePath, 'opt/rehearsal/node/node', 'none', 'bind,ro');
  for (const node of DEVICE_NODES) mount(`/dev/${node}`, `dev/${node}`, 'none', 'bind');
  await linkOnce('/proc/self/fd', join(root, 'dev/fd'));
  for (const [index, name] of ['stdin', 'stdout', 'stderr'].entries())
    await linkOnce(`/proc/self/fd/${index}`, join(root, 'dev', name));
  mount('proc', 'proc', 'proc', 'defaults');
  mount(join(root, 'opt/rehearsal/cpuinfo'), 'proc/cpuinfo', 'none', 'bind');
  return `${mounts.join('\n')}\n`;
}

async function linkOnce(target: string, at: string): Promise<void> {
  if (lstatSync(at, { throwIfNoEntry: false }) === undefined) await symlink(target, at);
}

class NamespaceSandbox implements Sandbox {
  readonly mode = 'namespace';
  readonly environment = undefined;
  readonly #options: SandboxOptions;
  readonly #holder: Holder;
  #diskFull = false;

  constructor(options: SandboxOptions, holder: Holder) {
    this.#options = options;
    this.#holder = holder;
  }

  spawn(command: string, env: Readonly<Record<string, string>>) {
    const { user } = this.#options;
    // The login user is a real one. It keeps the one capability that lets the sudo stand-in become root.
    const caps = '+setuid,+setgid';
    const become = isRoot()
      ? [
          'setpriv',
          '--reuid',
          '1000',
          '--regid',
          '1000',
          '--init-groups',
          '--inh-caps',
          caps,
          '--ambient-caps',
          caps,
          '--',
        ]
      : [];
    const login = ['/bin/sh', '-c', 'cd 2>/dev/null; exec /bin/sh -c "$1"', 'sshd', command];
    return spawn('nsenter', [...this.#enter(), ...become, ...login], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: {
        ...env,
        PATH: LOGIN_PATH,
        HOME: `/home/${user}`,
        USER: user,
        LOGNAME: user,
        SHELL: '/bin/bash',
        ...(isRoot() ? {} : { MUSTER_REHEARSAL_USER: user }),
      },
    });
  }

  async setFault(fault: Parameters<Sandbox['setFault']>[0], on: boolean): Promise<void> {
    await setFaultMark(this.#options.root, fault, on);
    if (fault !== 'disk-full') return;
    const script = on
      ? 'mount -t tmpfs -o size=16k,mode=755 full /usr/local && ' +
        'cd /usr/local && mkdir bin sbin lib share && { head -c 65536 /dev/zero >.no-space-left 2>/dev/null || :; }'
      : 'umount -l /usr/local';
    if (this.#diskFull === on) return;
    this.#diskFull = on;
    await run('nsenter', [...this.#enter(), '/bin/sh', '-c', script], {
      env: { PATH: TOOL_PATH },
      timeout: 60_000,
    });
  }

  #enter(): string[] {
    const user = isRoot() ? [] : ['--user', '--preserve-credentials'];
    return ['--target', String(this.#holder.innerPid), ...user, '--mount', '--pid', '--uts', '--root', '--'];
  }

  async processes(): Promise<readonly RehearsalProcess[]> {
    const world = await readlink(`/proc/${this.#holder.innerPid}/ns/pid`).catch(() => undefined);
    if (world === undefined) return [];
    const found = await Promise.all(
      (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map((pid) => processIn(world, pid)),
    );
    return found.filter((entry) => entry !== undefined);
  }

  async close(): Promise<void> {
    await this.#holder.close();
  }
}

/** One process of a pid world, undefined when it belongs elsewhere, is the holder, or has just ended. */
async function processIn(world: string, pid: string): Promise<RehearsalProcess | undefined> {
  try {
    if ((await readlink(`/proc/${pid}/ns/pid`)) !== world) return undefined;
    if ((await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').includes(`${HOLDER_MARK}=1`))
      return undefined;
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid: Number(pid), command };
  } catch {
    return undefined; // ended while we looked
  }
}
