// An image like Debian's own generic cloud image for 64-bit ARM, built from Debian's packages. For tests: it boots the
// same way and has the same cloud-init, kernel and services, and needs no download of a whole image.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { installAtomically } from '../../scripts/setup/install-atomically.mjs';
import { cacheFolder } from '../../scripts/setup/paths.mjs';
import { say } from '../../scripts/setup/report.mjs';
import { ownDebianMirror } from '../farm/apt-mirror.ts';
import { must } from '../farm/commands.ts';
import { writeDiskImage } from './disk-image.ts';
import { inArmRoot } from './emulated-chroot.ts';

const suite = 'bookworm';

/** What the cloud image has, as far as a device needs it. */
const like = [
  ...[
    'systemd',
    'systemd-sysv',
    'systemd-timesyncd',
    'udev',
    'dbus',
    'libpam-systemd',
    'openssh-server',
    'sudo',
  ],
  ...['iproute2', 'procps', 'ca-certificates', 'netbase', 'netplan.io', 'cloud-init', 'cloud-guest-utils'],
  ...['linux-image-cloud-arm64', 'initramfs-tools', 'zstd', 'e2fsprogs', 'systemd-boot-efi'],
];

/** What enrolling would install (minutes under emulation), and the Node that the reference agent runs on. */
const ahead = [
  'podman',
  'systemd-container',
  'uidmap',
  'slirp4netns',
  'dbus-user-session',
  'iptables',
  'nodejs',
];

/** Packages that others ask for under a name which debootstrap does not resolve. */
const behindVirtualNames = ['python3-cffi-backend', 'netavark'];

/** Large enough for what is in it; VMs get a larger disk over it. */
const diskBytes = 3 * 1024 ** 3;

/** Raise when the preparation below changes: the next run builds a new image. */
const recipe = 1;

/**
 * The image, built on first use: a quarter to half an hour on two processors under emulation, 800 MB. Needs root on Linux.
 * @returns its file, raw
 * @throws {Error} with the words of the tool that failed
 */
export async function localImage(): Promise<string> {
  const packages = [...like, ...ahead, ...behindVirtualNames];
  const key = createHash('sha256')
    .update(JSON.stringify([recipe, suite, packages, diskBytes]))
    .digest('hex');
  const folder = cacheFolder('vm', 'test-images', `${suite}-${key.slice(0, 12)}`);
  const file = path.join(folder, 'disk.img');
  return await installAtomically(
    folder,
    () => (fs.existsSync(file) ? file : undefined),
    async (temporary) => {
      say(
        'vm',
        `building a Debian ${suite} for 64-bit ARM (a quarter to half an hour under emulation, once)`,
      );
      const root = path.join(temporary, 'root');
      const mirror = ownDebianMirror();
      const how = ['--arch=arm64', '--foreign', '--variant=minbase', `--include=${packages.join(',')}`];
      await must('debootstrap', [...how, suite, root, ...(mirror ? [mirror] : [])], {
        ...{ limitMs: 10 * 60_000, env: { ...process.env, LC_ALL: 'C' } },
      });
      lighten(root);
      await inArmRoot(root, ['/debootstrap/debootstrap', '--second-stage'], 40 * 60_000);
      finish(root);
      const unfinished = path.join(temporary, 'unfinished.img');
      await writeDiskImage(root, unfinished, diskBytes);
      fs.rmSync(root, { recursive: true, force: true });
      fs.renameSync(unfinished, path.join(temporary, 'disk.img'));
    },
  );
}

/** Spares the emulated half of the build what it need not do. */
function lighten(root: string): void {
  const write = (file: string, text: string): void => {
    const target = path.join(root, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  };
  write('etc/dpkg/dpkg.cfg.d/muster-build', 'force-unsafe-io\n');
  // Only the drivers of this one kind of machine; looking for all others takes minutes.
  write('etc/initramfs-tools/conf.d/muster', 'MODULES=list\n');
  write('usr/share/initramfs-tools/modules.d/muster', 'virtio_pci\nvirtio_blk\next4\n');
}

/** What tells one machine from another is made at the first boot. */
function finish(root: string): void {
  const at = (file: string): string => path.join(root, file);
  fs.writeFileSync(at('etc/fstab'), 'LABEL=root / ext4 errors=remount-ro 0 1\n');
  fs.rmSync(at('etc/resolv.conf'), { force: true });
  fs.writeFileSync(at('etc/resolv.conf'), 'nameserver 10.0.2.3\n');
  fs.writeFileSync(at('etc/machine-id'), '');
  for (const name of fs.readdirSync(at('etc/ssh')).filter((file) => file.startsWith('ssh_host_'))) {
    fs.rmSync(at(`etc/ssh/${name}`));
  }
  for (const name of fs.readdirSync(at('var/cache/apt/archives')).filter((file) => file.endsWith('.deb'))) {
    fs.rmSync(at(`var/cache/apt/archives/${name}`));
  }
  fs.rmSync(at('etc/dpkg/dpkg.cfg.d/muster-build'));
  const wanted = at('etc/systemd/system/multi-user.target.wants');
  fs.mkdirSync(wanted, { recursive: true });
  fs.symlinkSync(
    '/lib/systemd/system/systemd-networkd.service',
    path.join(wanted, 'systemd-networkd.service'),
  );
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(`${await localImage()}\n`);
}
