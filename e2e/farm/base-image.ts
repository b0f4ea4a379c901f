import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { installAtomically } from '../../scripts/setup/install-atomically.mjs';
import { cacheFolder } from '../../scripts/setup/paths.mjs';
import { say } from '../../scripts/setup/report.mjs';
import { ownDebianMirror } from './apt-mirror.ts';
import { must } from './commands.ts';
import { writeFlatRepository } from './flat-repository.ts';

const suite = 'bookworm';

/** What every device has before it is enrolled. `nodejs` runs the reference agent. */
const installed = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'openssh-server',
  'sudo',
  'iproute2',
  'procps',
  'ca-certificates',
  'nodejs',
];

/** What the station installs on a device; the base brings it as an apt repository on disk. */
const offered = ['podman', 'systemd-container', 'uidmap', 'slirp4netns', 'dbus-user-session'];

const repository = '/var/lib/muster-packages';

/** Units that slow a boot in a container or reach for a network that is not there. */
const masked = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'fstrim.timer',
  'systemd-tmpfiles-clean.timer',
  'systemd-networkd.service',
  'systemd-timesyncd.service',
  'systemd-resolved.service',
  'systemd-udevd.service',
  'systemd-udev-trigger.service',
  'console-getty.service',
  'getty.target',
];

/** Raise when the preparation below changes: the next run builds a new base. */
const recipe = 1;

/**
 * The read-only Debian that all devices share, built on first use (about a minute and 400 MB).
 * @returns its root folder
 * @throws {Error} with debootstrap's or apt's own words
 */
export async function baseImage(): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([recipe, suite, installed, offered, masked, process.arch]))
    .digest('hex')
    .slice(0, 12);
  const folder = cacheFolder('farm', `${suite}-${key}`);
  const root = path.join(folder, 'root');
  return await installAtomically(
    folder,
    () => (fs.existsSync(root) ? root : undefined),
    async (temporary) => {
      say('farm', `building the base of the real devices, Debian ${suite} (about a minute, once)`);
      const unfinished = path.join(temporary, 'unfinished');
      await bootstrap(unfinished);
      await offerPackages(unfinished);
      await prepare(unfinished);
      fs.renameSync(unfinished, path.join(temporary, 'root'));
    },
  );
}

async function bootstrap(root: string): Promise<void> {
  const mirror = ownDebianMirror();
  const args = [
    '--variant=minbase',
    `--include=${installed.join(',')}`,
    suite,
    root,
    ...(mirror ? [mirror] : []),
  ];
  await must('debootstrap', args, { limitMs: 10 * 60_000, env: { ...process.env, LC_ALL: 'C' } });
}

/** Downloads what a device lacks of the offered packages, and makes that the only source its apt knows. */
async function offerPackages(root: string): Promise<void> {
  const inside = path.join(root, repository);
  fs.mkdirSync(path.join(inside, 'partial'), { recursive: true });
  const download = [
    '-y',
    '-qq',
    '--download-only',
    '--no-install-recommends',
    '-o',
    `Dir::Cache::archives=${repository}`,
  ];
  const options = {
    limitMs: 5 * 60_000,
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  };
  await must('chroot', [root, 'apt-get', 'update', '-qq'], options);
  await must('chroot', [root, 'apt-get', ...download, 'install', ...offered], options);
  fs.rmSync(path.join(inside, 'partial'), { recursive: true, force: true });
  fs.rmSync(path.join(inside, 'lock'), { force: true });
  await writeFlatRepository(inside);
  fs.writeFileSync(path.join(root, 'etc/apt/sources.list'), `deb [trusted=yes] file:${repository} ./\n`);
  await must('chroot', [root, 'apt-get', 'clean'], options);
  await must('chroot', [root, 'apt-get', 'update', '-qq'], options);
}

async function prepare(root: string): Promise<void> {
  const at = (file: string) => path.join(root, file);
  await must('chroot', [root, 'useradd', '--create-home', '--shell', '/bin/bash', 'pi']);
  fs.writeFileSync(at('etc/sudoers.d/pi'), 'pi ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440 });
  for (const unit of masked) {
    fs.rmSync(at(`etc/systemd/system/${unit}`), { force: true });
    fs.symlinkSync('/dev/null', at(`etc/systemd/system/${unit}`));
  }
  // Every device makes its own identity at its first boot.
  fs.writeFileSync(at('etc/machine-id'), '');
  fs.rmSync(at('var/lib/dbus/machine-id'), { force: true });
  for (const file of fs.readdirSync(at('etc/ssh')).filter((name) => name.startsWith('ssh_host_'))) {
    fs.rmSync(at(`etc/ssh/${file}`));
  }
  // The storage driver that works on top of an overlay.
  fs.mkdirSync(at('etc/containers'), { recursive: true });
  fs.writeFileSync(at('etc/containers/storage.conf'), '[storage]\ndriver = "vfs"\n');
}
