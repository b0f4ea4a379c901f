import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fatImage } from './fat-image.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A reader that knows nothing of the writer: it takes every number from the boot sector. */
function readFat(image: Uint8Array) {
  const view = new DataView(image.buffer, image.byteOffset);
  const u16 = (at: number): number => view.getUint16(at, true);
  const sector = u16(11);
  const clusterBytes = sector * (image[13] ?? 0);
  const fatAt = sector * u16(14);
  const rootAt = fatAt + (image[16] ?? 0) * u16(22) * sector;
  const dataAt = rootAt + u16(17) * 32;
  const sectors = u16(19) || view.getUint32(32, true);
  const clusters = Math.floor((sectors * sector - dataAt) / clusterBytes);
  const chain = (first: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    for (let cluster = first; cluster < 0xfff8; cluster = u16(fatAt + cluster * 2)) {
      if (cluster < 2 || cluster > clusters + 1) throw new Error(`cluster ${cluster} is outside`);
      parts.push(
        image.subarray(dataAt + (cluster - 2) * clusterBytes, dataAt + (cluster - 1) * clusterBytes),
      );
    }
    return Buffer.concat(parts);
  };
  const files = new Map<string, Uint8Array>();
  const shortNames: string[] = [];
  let label = '';
  const walk = (table: Uint8Array, prefix: string): void => {
    let long = '';
    for (let at = 0; at < table.length && table[at] !== 0; at += 32) {
      const entry = Buffer.from(table.subarray(at, at + 32));
      const attribute = entry[11] ?? 0;
      if (attribute === 0x0f) {
        const part = Buffer.concat([entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]);
        long = (part.toString('utf16le').split('\0')[0] ?? '') + long;
        continue;
      }
      const raw = entry.subarray(0, 11).toString('latin1');
      if (attribute === 0x08) label = raw.trimEnd();
      if (attribute === 0x08 || raw.startsWith('.')) continue;
      shortNames.push(raw);
      const dotted = [raw.slice(0, 8).trimEnd(), raw.slice(8).trimEnd()].filter(Boolean).join('.');
      const name = prefix + (long || dotted);
      long = '';
      const content = entry.readUInt16LE(26) === 0 ? new Uint8Array() : chain(entry.readUInt16LE(26));
      if (attribute === 0x10) walk(content, `${name}/`);
      else files.set(name, content.subarray(0, entry.readUInt32LE(28)));
    }
  };
  walk(image.subarray(rootAt, dataAt), '');
  const secondFat = fatAt + u16(22) * sector;
  const fatsAgree = Buffer.from(image.subarray(fatAt, secondFat)).equals(image.subarray(secondFat, rootAt));
  return { files, label, clusters, shortNames, fatsAgree, bytes: sectors * sector };
}

describe('a FAT image', () => {
  test('holds the files under their long names, and its label', () => {
    const read = readFat(
      fatImage('CIDATA', [
        { path: 'user-data', content: bytes('#cloud-config\n') },
        { path: 'meta-data', content: bytes('{}') },
        { path: 'empty', content: new Uint8Array() },
      ]),
    );
    expect(read.label).toBe('CIDATA');
    expect([...read.files.keys()]).toEqual(['user-data', 'meta-data', 'empty']);
    expect(Buffer.from(read.files.get('user-data') ?? []).toString()).toBe('#cloud-config\n');
    expect(read.fatsAgree).toBe(true);
  });

  test('holds folders in folders, and names of every length', () => {
    const names = ['a', 'thirteen-long', 'fourteen-longs', 'x'.repeat(255)];
    const files = names.map((name, index) => ({ path: `EFI/deep/${name}`, content: bytes(String(index)) }));
    const read = readFat(
      fatImage('BOOT', [...files, { path: 'EFI/BOOT/BOOTAA64.EFI', content: bytes('MZ') }]),
    );
    expect([...read.files.keys()]).toEqual([
      ...names.map((name) => `EFI/deep/${name}`),
      'EFI/BOOT/BOOTAA64.EFI',
    ]);
  });

  test('gives names that begin alike different short ones', () => {
    const names = ['user-data-1', 'user-data-2', 'user-data-3'];
    const read = readFat(
      fatImage(
        'A',
        names.map((path) => ({ path, content: bytes(path) })),
      ),
    );
    expect(new Set(read.shortNames).size).toBe(3);
  });

  test.each([0, 1, 511, 512, 513, 2_000_000, 36_000_000])('brings back %i bytes, as FAT16', (size) => {
    const content = randomBytes(size);
    const image = fatImage('DATA', [{ path: 'content.bin', content }]);
    const read = readFat(image);
    expect(Buffer.from(read.files.get('content.bin') ?? []).equals(content)).toBe(true);
    expect(read.clusters).toBeGreaterThanOrEqual(4_085);
    expect(read.clusters).toBeLessThanOrEqual(65_524);
    expect(read.bytes).toBe(image.length);
    expect(image.length % (1024 * 1024)).toBe(0);
  });

  test('is the same for the same content', () => {
    const make = (): Uint8Array => fatImage('SAME', [{ path: 'file', content: bytes('text') }]);
    expect(Buffer.from(make()).equals(Buffer.from(make()))).toBe(true);
  });

  test.each([
    ['a label of twelve', 'TWELVE-LONGS', [] as string[]],
    ['a label in lower case', 'cidata', []],
    ['a name with a colon', 'A', ['a:b']],
    ['a name of no characters', 'A', ['folder/']],
    ['the same name twice', 'A', ['one', 'one']],
    ['a file as a folder', 'A', ['one', 'one/two']],
  ])('refuses %s', (_what, label, paths) => {
    const files = paths.map((path) => ({ path, content: bytes('x') }));
    expect(() => fatImage(label, files)).toThrow(RangeError);
  });
});
