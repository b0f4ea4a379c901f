import { spawnSync } from 'node:child_process';
import { hasProgram } from '../../scripts/setup/system-libraries.mjs';

export type Availability = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const programs = [
  'debootstrap',
  'systemd-nspawn',
  'ip',
  'unshare',
  'nsenter',
  'dpkg-scanpackages',
  'ssh-keygen',
];

/** Whether this machine can boot real devices; if not, why, as a sentence. */
export function farmAvailable(): Availability {
  if (process.platform !== 'linux') return { ok: false, reason: 'Real devices need Linux.' };
  if (process.getuid?.() !== 0) return { ok: false, reason: 'Real devices need root.' };
  const missing = programs.filter((name) => !hasProgram(name));
  if (missing.length > 0) return { ok: false, reason: `Not installed: ${missing.join(', ')}.` };
  const bridge =
    'ip link add probe type bridge && mount -t tmpfs probe /mnt && mkdir /mnt/u /mnt/w /mnt/l /mnt/m && mount -t overlay probe -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m';
  const probe = spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'sh', '-c', bridge], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (probe.status === 0) return { ok: true };
  return {
    ok: false,
    reason: `This kernel or container gives no namespaces of its own: ${probe.stderr.trim()}.`,
  };
}
