import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fatImage } from '../../scripts/vm/fat-image.ts';
import { must } from '../farm/commands.ts';

const mebibyte = 1024 * 1024;
const sectorBytes = 512;

/**
 * Writes a disk that UEFI boots: a partition table, a FAT volume with boot loader, kernel and initial RAM disk, and an
 * ext4 volume with the content of a folder. No loop device and no mount is needed.
 */
export async function writeDiskImage(root: string, file: string, bytes: number): Promise<void> {
  const boot = bootVolume(root);
  const bootAt = mebibyte;
  const rootAt = bootAt + boot.length;
  const rootBytes = bytes - rootAt - mebibyte; // The last MiB holds the table's second copy.
  fs.writeFileSync(file, '');
  fs.truncateSync(file, bytes);
  const table = [
    'label: gpt',
    `start=${bootAt / sectorBytes},size=${boot.length / sectorBytes},type=uefi`,
    `start=${rootAt / sectorBytes},size=${rootBytes / sectorBytes},type=linux`,
  ];
  const { status, stderr } = spawnSync('sfdisk', ['--quiet', file], {
    ...{ input: `${table.join('\n')}\n`, encoding: 'utf8', timeout: 30_000 },
  });
  if (status !== 0) throw new Error(`sfdisk ended with ${status}: ${stderr}`);
  const handle = fs.openSync(file, 'r+');
  fs.writeSync(handle, boot, 0, boot.length, bootAt);
  fs.closeSync(handle);
  const options = ['-E', `offset=${rootAt}`, '-L', 'root', '-d', root];
  await must('mke2fs', ['-q', '-F', '-t', 'ext4', ...options, file, `${rootBytes / 1024}k`], {
    limitMs: 300_000,
  });
}

/** systemd's boot loader with the one kernel that lies in the folder's /boot. */
function bootVolume(root: string): Uint8Array {
  const at = (name: string): Uint8Array => fs.readFileSync(path.join(root, name));
  const text = (words: string): Uint8Array => new TextEncoder().encode(words);
  const kernel = fs.readdirSync(path.join(root, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  if (kernel === undefined) throw new Error(`There is no kernel in ${root}/boot.`);
  const entry =
    'title Debian\nlinux /vmlinuz\ninitrd /initrd.img\noptions root=LABEL=root rw console=ttyAMA0\n';
  return fatImage('BOOT', [
    { path: 'EFI/BOOT/BOOTAA64.EFI', content: at('usr/lib/systemd/boot/efi/systemd-bootaa64.efi') },
    { path: 'loader/loader.conf', content: text('timeout 0\n') },
    { path: 'loader/entries/debian.conf', content: text(entry) },
    { path: 'vmlinuz', content: at(`boot/${kernel}`) },
    { path: 'initrd.img', content: at(`boot/${kernel.replace('vmlinuz-', 'initrd.img-')}`) },
  ]);
}
