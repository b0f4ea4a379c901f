import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { capture } from '../setup/processes.mjs';
import { hasProgram } from '../setup/system-libraries.mjs';
import { readVmArguments, type StartOptions } from './arguments.ts';
import { prepareVm } from './create.ts';
import { VmFolder } from './vm-folder.ts';

const mebibyte = 1024 * 1024;
/** For each wait one: one for the file would end the last of its tests on a slow computer. */
const limit = () => AbortSignal.timeout(50_000);
let cache: string;
let image: string;
let firmware: { code: string; variables: string };

beforeEach(() => {
  cache = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-vm-create-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  image = path.join(cache, 'own, image.img');
  const disk = Buffer.alloc(3 * mebibyte);
  disk.write('EFI PART', 512);
  fs.writeFileSync(image, disk, { mode: 0o444 });
  firmware = { code: '/none', variables: path.join(cache, 'variables.fd') };
  fs.writeFileSync(firmware.variables, 'UEFI', { mode: 0o444 });
});
afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(cache, { recursive: true, force: true });
});

const start = (...words: string[]): StartOptions => {
  const options = readVmArguments(words);
  if (options.action !== 'start') throw new Error('not a start');
  return options;
};
const prepare = async (...words: string[]) => {
  const folder = new VmFolder('pi');
  const claim = folder.claim();
  try {
    return { folder, record: await prepareVm(folder, start(...words), firmware, limit()) };
  } finally {
    claim.release();
  }
};
const digest = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const info = async (file: string) =>
  JSON.parse((await capture('qemu-img', ['info', '--output=json', file])).stdout);

describe.skipIf(!hasProgram('qemu-img'))('a new VM', () => {
  test('has a disk of its own over an image that stays as it is', async () => {
    const before = digest(image);
    const { folder } = await prepare('--image', image, '--disk', '4');
    expect(await info(folder.disk)).toMatchObject({
      ...{ format: 'qcow2', 'virtual-size': 4 * 1024 * mebibyte },
      ...{ 'backing-filename': image, 'backing-filename-format': 'raw' },
    });
    const written = await capture('qemu-io', ['-c', 'write -P 7 0 1M', folder.disk]);
    expect(written.code, written.stderr).toBe(0);
    expect(digest(image)).toBe(before);
    expect(fs.statSync(folder.variables).mode & 0o777).toBe(0o600);
    expect(fs.statSync(folder.seed).mode & 0o777).toBe(0o600);
  });

  test('is taken up again with its keys, and made anew with others', async () => {
    const first = await prepare('--image', image);
    const key = fs.readFileSync(first.folder.privateKey, 'utf8');
    const second = await prepare();
    expect(second.record).toEqual(first.record);
    expect(fs.readFileSync(first.folder.privateKey, 'utf8')).toBe(key);
    const third = await prepare('--image', image, '--fresh');
    expect(third.record.hostKey).not.toBe(first.record.hostKey);
    expect(third.record.instanceId).not.toBe(first.record.instanceId);
    expect(fs.readFileSync(first.folder.privateKey, 'utf8')).not.toBe(key);
  });

  test('takes another port, and says so in its known hosts', async () => {
    await prepare('--image', image);
    const { folder, record } = await prepare('--port', '2399');
    expect(record.port).toBe(2_399);
    expect(fs.readFileSync(folder.knownHosts, 'utf8')).toContain('[127.0.0.1]:2399 ');
  });

  test.each([
    [['--image', 'OTHER'], /was made of/],
    [['--release', 'trixie'], /there already/],
    [['--disk', '16'], /has its disk already/],
    [['--sudo-password'], /sudo that asks for nothing/],
  ])('does not quietly ignore %j when it is there already', async (words, sentence) => {
    const other = path.join(cache, 'other.img');
    fs.copyFileSync(image, other);
    await prepare('--image', image);
    const again = prepare(...words.map((word) => (word === 'OTHER' ? other : word)));
    await expect(again).rejects.toThrow(sentence);
    await expect(again).rejects.toMatchObject({ command: 'npm run vm -- --name pi --fresh' });
  });

  test('is not there when its making failed half way', async () => {
    firmware = { ...firmware, variables: '/no/such/file' };
    await expect(prepare('--image', image)).rejects.toThrow(/no such file/);
    expect(new VmFolder('pi').record()).toBeUndefined();
  });

  test('says when its image is gone', async () => {
    await prepare('--image', image);
    fs.rmSync(image);
    await expect(prepare()).rejects.toThrow(/is gone/);
  });
});
