import fs from 'node:fs';
import path from 'node:path';
import { installAtomically } from '../../scripts/setup/install-atomically.mjs';
import { cacheFolder } from '../../scripts/setup/paths.mjs';
import { must } from './commands.ts';

/**
 * The host keys of the device of this name: made once and kept, so that it stays the same device through a fresh
 * disk, and a `known_hosts` file stays right from one farm to the next.
 * @returns the folder that holds `ssh_host_*_key` and their public halves
 */
export async function hostKeysOf(name: string): Promise<string> {
  const folder = cacheFolder('farm', 'host-keys', name);
  const present = () => (fs.existsSync(path.join(folder, 'ssh_host_ed25519_key.pub')) ? folder : undefined);
  return await installAtomically(folder, present, async (temporary) => {
    await makeHostKeys(temporary);
  });
}

/** Makes a set of host keys as Debian's openssh-server does: RSA, ECDSA and Ed25519. */
export async function makeHostKeys(folder: string): Promise<void> {
  const etc = path.join(folder, 'etc/ssh');
  fs.mkdirSync(etc, { recursive: true });
  await must('ssh-keygen', ['-q', '-A', '-f', folder]);
  for (const file of fs.readdirSync(etc)) fs.renameSync(path.join(etc, file), path.join(folder, file));
  fs.rmSync(path.join(folder, 'etc'), { recursive: true });
}

/** Puts a set of host keys into a device's root; gives its Ed25519 key as known_hosts writes it. */
export function putHostKeys(root: string, folder: string): string {
  for (const file of fs.readdirSync(folder).filter((name) => name.startsWith('ssh_host_'))) {
    const place = path.join(root, 'etc/ssh', file);
    fs.copyFileSync(path.join(folder, file), place);
    fs.chmodSync(place, file.endsWith('.pub') ? 0o644 : 0o600);
  }
  const [type, key] = fs.readFileSync(path.join(root, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8').split(' ');
  return `${type} ${key}`;
}
