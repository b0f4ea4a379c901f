import fs from 'node:fs';

/**
 * What a machine with sixty devices needs, as the kernel counts it over all of them: each has its own systemd, and
 * their users have the same numbers, so that they share one account for watches and for session keys.
 */
const quotas: Readonly<Record<string, number>> = {
  '/proc/sys/fs/inotify/max_user_instances': 4_096,
  '/proc/sys/fs/inotify/max_user_watches': 262_144,
  '/proc/sys/kernel/keys/maxkeys': 4_000,
  '/proc/sys/kernel/keys/maxbytes': 400_000,
  '/proc/sys/kernel/pid_max': 131_072,
};

/**
 * Raises the kernel's quotas to what many devices need. They are the machine's, not a namespace's: they stay raised
 * until it boots, and are never lowered, because another farm may run.
 */
export function raiseQuotas(): void {
  for (const [file, needed] of Object.entries(quotas)) {
    if (Number(fs.readFileSync(file, 'utf8')) < needed) fs.writeFileSync(file, String(needed));
  }
}
