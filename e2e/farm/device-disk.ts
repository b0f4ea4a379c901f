import fs from 'node:fs';
import path from 'node:path';
import { must } from './commands.ts';
import type { Condition } from './conditions/condition.ts';
import { deviceFiles } from './device-files.ts';
import { hostKeysOf, putHostKeys } from './host-keys.ts';
import { operatorKey } from './operator-key.ts';

export interface DiskOptions {
  readonly name: string;
  /** Where what it writes is kept: in memory. */
  readonly folder: string;
  /** Read-only folders below, uppermost first. */
  readonly layers: readonly string[];
  readonly conditions: readonly Condition[];
}

export interface Disk {
  readonly root: string;
  readonly privateKeyFile: string;
  hostKey: string;
  /** Throws away all that was written and prepares it again. Only while nothing runs on it. */
  refresh(): Promise<void>;
  remove(): Promise<void>;
}

/** An overlay whose upper layer is in memory (fast, and gone with the run), prepared for its first boot. */
export async function makeDisk({ name, folder, layers, conditions }: DiskOptions): Promise<Disk> {
  const [upper, work, root] = ['upper', 'work', 'root'].map((part) => path.join(folder, part)) as [
    string,
    string,
    string,
  ];
  const privateKeyFile = await operatorKey();
  fs.mkdirSync(root);
  const mount = async (): Promise<string> => {
    for (const part of [upper, work]) fs.mkdirSync(part);
    const options = `lowerdir=${layers.join(':')},upperdir=${upper},workdir=${work},volatile`;
    await must('mount', ['-t', 'overlay', '-o', options, 'muster-device', root]);
    return await prepare(root, name, privateKeyFile, conditions);
  };
  const unmount = async () => {
    await must('umount', ['--lazy', root]);
    for (const part of [upper, work]) fs.rmSync(part, { recursive: true, force: true });
  };
  const disk: Disk = {
    ...{ root, privateKeyFile, hostKey: await mount() },
    refresh: async () => {
      await unmount();
      disk.hostKey = await mount();
    },
    remove: unmount,
  };
  return disk;
}

/** Gives a root its name, its host keys, the operator's key, and what is awkward about it; returns its host key. */
async function prepare(
  root: string,
  name: string,
  privateKeyFile: string,
  conditions: readonly Condition[],
): Promise<string> {
  const files = deviceFiles(root);
  await files.write('/etc/hostname', `${name}\n`);
  await files.write('/etc/hosts', `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${name}\n`);
  const hostKey = putHostKeys(root, await hostKeysOf(name));
  const publicKey = fs.readFileSync(`${privateKeyFile}.pub`, 'utf8');
  await files.write('/home/pi/.ssh/authorized_keys', publicKey, { mode: 0o600 });
  await files.run('chmod', '0700', '/home/pi/.ssh');
  await files.run('chown', '--recursive', 'pi:pi', '/home/pi/.ssh');
  // Podman's storage driver that works on top of an overlay; the two folders are its defaults, which it then wants too.
  const storage = ['driver = "vfs"', 'runroot = "/run/containers/storage"'];
  await files.write(
    '/etc/containers/storage.conf',
    `[storage]\n${storage.join('\n')}\ngraphroot = "/var/lib/containers/storage"\n`,
  );
  for (const condition of conditions) await condition.prepare?.(files);
  return hostKey;
}
