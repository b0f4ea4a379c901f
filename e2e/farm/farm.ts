import fs from 'node:fs';
import path from 'node:path';
import { startCompanion, waitUntil } from '../../scripts/setup/companions.mjs';
import { capture, type Outcome } from '../../scripts/setup/processes.mjs';
import { type Availability, farmAvailable as machineAvailable } from './availability.ts';
import { baseImage } from './base-image.ts';
import { createCgroup } from './cgroups.ts';
import { must } from './commands.ts';
import { addPort, insideLanVariable, type Port } from './lan.ts';

/** Where devices live while they run; in memory, mounted by with-lan.ts. */
export const farmFolder = '/run/muster-farm';

/** A booted Debian with systemd, an SSH server and a user who may use sudo without a password. */
export interface FarmDevice {
  readonly name: string;
  readonly address: string;
  readonly sshPort: 22;
  readonly user: 'pi';
  /** OpenSSH private key (ed25519) that `user` accepts. */
  readonly privateKeyFile: string;
  /** Public host key as in known_hosts, e.g. `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Runs a shell command as root on the device, past SSH: for looking, not for enrolling. */
  exec(command: string, options?: { limitMs?: number }): Promise<Outcome>;
  /** Shuts the device down and removes everything it had. */
  stop(): Promise<void>;
}

/** Whether devices can be started from here; they need the network that with-lan.ts makes. */
export function farmAvailable(): Availability {
  if (!process.env[insideLanVariable]) {
    return { ok: false, reason: 'Not inside the farm network: run it by `npm test -- farm`.' };
  }
  return machineAvailable();
}

/**
 * Boots a device of its own: the shared base below, everything it writes in memory.
 * @param options.name lower case letters, digits, dashes; also its host name
 * @throws {Error} when it does not boot within 60 s, with its console output
 */
export async function startFarmDevice({ name }: { name: string }): Promise<FarmDevice> {
  const base = await baseImage();
  const folder = fs.mkdtempSync(path.join(farmFolder, `${name}-`));
  const undo: (() => Promise<unknown>)[] = [async () => fs.rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const port = await addPort(name);
    undo.push(() => port.remove());
    const root = await mountRoot(base, folder, undo);
    const privateKeyFile = path.join(folder, 'key');
    const hostKey = await personalise(root, name, privateKeyFile);
    const exec = await boot(root, name, port, undo);
    return { name, address: port.address, sshPort: 22, user: 'pi', privateKeyFile, hostKey, exec, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An overlay whose upper layer is in memory: fast, and gone with the run. */
async function mountRoot(base: string, folder: string, undo: (() => Promise<unknown>)[]): Promise<string> {
  const [upper, work, root] = [
    path.join(folder, 'upper'),
    path.join(folder, 'work'),
    path.join(folder, 'root'),
  ];
  for (const part of [upper, work, root]) fs.mkdirSync(part);
  await must('mount', [
    '-t',
    'overlay',
    '-o',
    `lowerdir=${base},upperdir=${upper},workdir=${work}`,
    'muster-device',
    root,
  ]);
  undo.push(() => must('umount', ['--lazy', root]));
  return root;
}

/** Gives a root its name, host keys and the operator's key; returns its public host key. */
async function personalise(root: string, name: string, privateKeyFile: string): Promise<string> {
  const at = (file: string) => path.join(root, file);
  fs.writeFileSync(at('etc/hostname'), `${name}\n`);
  fs.writeFileSync(at('etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${name}\n`);
  await must('ssh-keygen', ['-q', '-A', '-f', root]);
  await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'muster-farm', '-f', privateKeyFile]);
  fs.mkdirSync(at('home/pi/.ssh'), { mode: 0o700 });
  fs.copyFileSync(`${privateKeyFile}.pub`, at('home/pi/.ssh/authorized_keys'));
  await must('chroot', [root, 'chown', '-R', 'pi:pi', '/home/pi/.ssh']);
  const [type, key] = fs.readFileSync(at('etc/ssh/ssh_host_ed25519_key.pub'), 'utf8').split(' ');
  return `${type} ${key}`;
}

/** Shell: moves itself into the control groups before `--`, then becomes systemd-nspawn. */
const enterGroups =
  'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs"; shift; done; shift; exec systemd-nspawn "$@"';

/** Boots the root and waits until its SSH server answers; gives the way to run commands in it. */
async function boot(
  root: string,
  name: string,
  port: Port,
  undo: (() => Promise<unknown>)[],
): Promise<FarmDevice['exec']> {
  const groups = createCgroup(process.env[insideLanVariable] ?? 'nobody', path.basename(path.dirname(root)));
  const nspawn = [
    '--quiet',
    '--boot',
    '--register=no',
    '--keep-unit',
    '--link-journal=no',
    '--resolv-conf=off',
    '--timezone=off',
    `--directory=${root}`,
    `--machine=${name}`,
    `--network-namespace-path=${port.namespace}`,
  ];
  const container = startCompanion('sh', ['-c', enterGroups, 'sh', ...groups, '--', ...nspawn]);
  undo.push(() => container.stop({ graceMs: 15_000 }));
  const exec: FarmDevice['exec'] = async (command, { limitMs = 30_000 } = {}) => {
    const leader = leaderOf(container.process.pid);
    if (!leader) throw new Error(`${name} is not running: ${container.messages()}`);
    const spaces = ['--target', leader, '--mount', '--uts', '--ipc', '--net', '--pid'];
    return await capture('nsenter', [...spaces, '--', '/bin/sh', '-c', command], { limitMs });
  };
  const answers = async () => {
    if (!leaderOf(container.process.pid)) return false;
    return (await exec('ss -Hltn sport = :22 && systemctl is-system-running')).stdout.includes(':22');
  };
  await waitUntil(name, container, answers, 60_000);
  await exec('systemctl is-system-running --wait', { limitMs: 60_000 });
  return exec;
}

/** Process id of the container's init as seen from here: the only child of systemd-nspawn. */
function leaderOf(pid: number | undefined): string | undefined {
  if (!pid) return undefined;
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!fs.existsSync(file)) return undefined;
  return fs.readFileSync(file, 'utf8').trim().split(' ').at(-1) || undefined;
}
