import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Secret } from '#shared/model/secret.ts';

/** What decides how a device's files look. */
export interface SkeletonOptions {
  readonly root: string;
  readonly name: string;
  readonly user: string;
  /** What the sudo stand-in asks for when the fault `sudo-password` is on. */
  readonly sudoPassword: Secret;
  /** True where the device has only one real user id, so that owners are recorded, not set. */
  readonly folded: boolean;
  readonly aptSeconds: number;
}

const MODELS = [
  'Raspberry Pi 4 Model B Rev 1.5',
  'Raspberry Pi 5 Model B Rev 1.0',
  'Raspberry Pi 3 Model B Plus Rev 1.3',
];

const FOLDERS = [
  'dev/shm',
  'etc/alternatives',
  'etc/default',
  'etc/ssl',
  'etc/systemd/system',
  'etc/systemd/user',
  'home',
  'mnt',
  'media',
  'opt/rehearsal/node',
  'opt/rehearsal/usr',
  'proc',
  'root',
  'run/lock',
  'run/user',
  'srv',
  'sys/firmware/devicetree/base',
  'tmp',
  'usr/local/bin',
  'usr/local/sbin',
  'usr/local/lib',
  'usr/local/share',
  'var/lib/apt/lists',
  'var/lib/dpkg',
  'var/lib/rehearsal/faults',
  'var/lib/rehearsal/units/user',
  'var/lib/rehearsal/units/system',
  'var/lib/systemd/linger',
  'var/log/rehearsal',
  'var/tmp',
  'var/cache',
]; // prettier would put one per line; the list reads better by the row

const BASE_PACKAGES = [
  ['apt', '2.6.1'],
  ['base-files', '12.4+deb12u11'],
  ['dbus', '1.14.10-1~deb12u1'],
  ['dbus-user-session', '1.14.10-1~deb12u1'],
  ['dpkg', '1.21.22'],
  ['libc6', '2.36-9+deb12u10'],
  ['openssh-server', '1:9.2p1-2+deb12u6'],
  ['sudo', '1.9.13p3-1+deb12u2'],
  ['systemd', '252.38-1~deb12u1'],
] as const;

/** Debian's name for this computer's architecture. */
export function debianArchitecture(arch: string = process.arch): string {
  const names: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'armhf', ia32: 'i386' };
  return names[arch] ?? arch;
}

/**
 * Writes the files of a freshly flashed Raspberry Pi OS (Debian 12) that the station looks at.
 * Synchronous on purpose: some eighty tiny operations take 3 ms this way, and many times that through the
 * thread pool when the computer is busy.
 */
export function writeSkeleton(options: SkeletonOptions): void {
  const { root, name, user } = options;
  const home = join('home', user);
  for (const folder of [...FOLDERS, home]) mkdirSync(join(root, folder), { recursive: true, mode: 0o755 });
  if (!options.folded) chownSync(join(root, home), 1000, 1000);
  chmodSync(join(root, 'root'), 0o700);
  for (const folder of ['tmp', 'var/tmp', 'dev/shm']) chmodSync(join(root, folder), 0o1777);
  for (const [path, text] of Object.entries(filesOf(options))) writeFileSync(join(root, path), text);
  for (const node of ['null', 'zero', 'full', 'random', 'urandom', 'tty'])
    writeFileSync(join(root, 'dev', node), '');
  for (const path of ['etc/resolv.conf', 'etc/hosts', 'etc/ld.so.cache']) {
    if (existsSync(`/${path}`)) copyFileSync(`/${path}`, join(root, path));
  }
  writeFileSync(join(root, 'etc/hostname'), `${name}\n`);
  chmodSync(join(root, 'etc/shadow'), 0o640);
}

function filesOf({ name, user, sudoPassword, folded, aptSeconds }: SkeletonOptions): Record<string, string> {
  const serial = `10000000${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  const model = MODELS[Number.parseInt(serial.slice(-2), 16) % MODELS.length] ?? '';
  const cpu = `processor\t: 0\nmodel name\t: Cortex-A72\nBogoMIPS\t: 108.00\n\nSerial\t\t: ${serial}\nModel\t\t: ${model}\n`;
  return {
    'etc/os-release':
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n' +
      'VERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n',
    'etc/debian_version': '12.11\n',
    'etc/rpi-issue': 'Raspberry Pi reference 2025-05-13\n',
    'etc/machine-id': `${randomBytes(16).toString('hex')}\n`,
    'etc/passwd':
      'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n' +
      `${user}:x:1000:1000:,,,:/home/${user}:/bin/bash\n` +
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
    'etc/group':
      `root:x:0:\ndaemon:x:1:\nadm:x:4:${user}\nsudo:x:27:${user}\nusers:x:100:\n` +
      `${user}:x:1000:\nnogroup:x:65534:\n`,
    'etc/shadow': `root:*:19000:0:99999:7:::\n${user}:!:19000:0:99999:7:::\n`,
    'etc/subuid': `${user}:100000:65536\n`,
    'etc/subgid': `${user}:100000:65536\n`,
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
    'etc/timezone': 'Etc/UTC\n',
    'sys/firmware/devicetree/base/model': `${model}\0`,
    'sys/firmware/devicetree/base/serial-number': `${serial}\0`,
    // In prefix mode this is what the station reads; in a namespace it is bound over the kernel's file.
    [folded ? 'proc/cpuinfo' : 'opt/rehearsal/cpuinfo']: cpu,
    'opt/rehearsal/cpuinfo': cpu,
    'opt/rehearsal/node/node': '',
    'var/lib/apt/lists/lists-fetched': '',
    'var/lib/dpkg/status': BASE_PACKAGES.map(([pkg, version]) => dpkgStanza(pkg, version)).join(''),
    'var/lib/rehearsal/sudo-password.sha256': createHash('sha256')
      .update(sudoPassword.reveal())
      .digest('hex'),
    'var/lib/rehearsal/apt-seconds': String(aptSeconds),
    'var/lib/rehearsal/architecture': debianArchitecture(),
    ...(folded ? { 'var/lib/rehearsal/folded': '' } : {}),
  };
}

function dpkgStanza(name: string, version: string): string {
  return `Package: ${name}\nStatus: install ok installed\nArchitecture: ${debianArchitecture()}\nVersion: ${version}\n\n`;
}
