import fs from 'node:fs';
import path from 'node:path';
import { must } from './commands.ts';

/** The Debian releases a device can run. */
export const suites = ['bookworm', 'trixie'] as const;
export type Suite = (typeof suites)[number];
export const debianVersions: Readonly<Record<Suite, string>> = { bookworm: '12', trixie: '13' };

/** Raise when the preparation below changes: the next run builds a new base. */
export const recipe = 3;

/** What every device has before it is enrolled. `nodejs` runs the reference agent. There is no Python. */
export const installed = [
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
  'avahi-daemon',
  'libnss-mdns',
];

/** What the station installs on a device. */
export const containerPackages = [
  'podman',
  'systemd-container',
  'uidmap',
  'slirp4netns',
  'dbus-user-session',
];

/** What only some conditions have installed. */
export const conditionPackages = ['fish', 'tcsh', 'libfaketime', 'python3'] as const;
export type ConditionPackage = (typeof conditionPackages)[number];

/** The apt repository on disk that every device has, and the only one it knows. */
export const repository = '/var/lib/muster-packages';

/** Units that slow a boot in a container or reach for a network that is not there. */
export const masked = [
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

/** The password of `pi` and of root, for login and sudo, where a condition asks for one. */
export const devicePassword = 'bench of the farm';

/** Makes a bootstrapped root a device that nobody has touched yet. */
export async function prepareBase(root: string): Promise<void> {
  const at = (file: string) => path.join(root, file);
  const chroot = (...words: readonly string[]) => must('chroot', [root, ...words]);
  await chroot('useradd', '--create-home', '--shell', '/bin/bash', 'pi');
  await must('chroot', [root, 'chpasswd'], { stdin: `pi:${devicePassword}\nroot:${devicePassword}\n` });
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
  announce(root);
}

/** Has Avahi announce the device itself and its SSH server, as an image for the bench would. */
function announce(root: string): void {
  const config = path.join(root, 'etc/avahi/avahi-daemon.conf');
  const text = fs.readFileSync(config, 'utf8');
  fs.writeFileSync(config, text.replace(/^#?publish-workstation=.*$/m, 'publish-workstation=yes'));
  fs.writeFileSync(path.join(root, 'etc/avahi/services/ssh.service'), sshAnnouncement(22));
}

/** Avahi's service file for an SSH server on a port. */
export function sshAnnouncement(port: number): string {
  return `<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
  <name replace-wildcards="yes">%h</name>
  <service>
    <type>_ssh._tcp</type>
    <port>${port}</port>
  </service>
</service-group>
`;
}
