import { closeSync, openSync, readSync } from 'node:fs';
import { arch, platform } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ELF_HEADER_BYTES, readElfHeader } from './elf.ts';

interface Fields {
  readonly wordBits?: 32 | 64;
  readonly little?: boolean;
  readonly type?: number;
  readonly machine: number;
  readonly flags?: number;
}

function header({ wordBits = 64, little = true, type = 2, machine, flags = 0 }: Fields): Uint8Array {
  const bytes = new Uint8Array(ELF_HEADER_BYTES);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wordBits === 64 ? 2 : 1, little ? 1 : 2, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, type, little);
  view.setUint16(18, machine, little);
  view.setUint32(wordBits === 64 ? 48 : 36, flags, little);
  return bytes;
}

const arm = (flags: number) => header({ wordBits: 32, machine: 40, flags });

describe('readElfHeader', () => {
  it.each([
    ['x86_64', header({ machine: 62 })],
    ['x86_64', header({ machine: 62, type: 3 })],
    ['aarch64', header({ machine: 183 })],
    ['armv7', arm(0x0500_0400)],
    ['armv7', arm(0x0500_0002)],
  ])('knows %s', (architecture, bytes) => {
    expect(readElfHeader(bytes)).toEqual({ kind: 'program', architecture });
  });

  it.each([
    ['Arm (32 bit, soft float)', arm(0x0500_0200)],
    ['Arm (32 bit, old EABI)', arm(0x0400_0000)],
    ['x86 (32 bit)', header({ wordBits: 32, machine: 3 })],
    ['RISC-V', header({ machine: 243 })],
    ['aarch64, big-endian', header({ machine: 183, little: false })],
    ['machine 999', header({ machine: 999 })],
  ])('names %s as foreign', (machine, bytes) => {
    expect(readElfHeader(bytes)).toEqual({ kind: 'foreign', machine });
  });

  it.each([
    ['a script', Buffer.from('#!/bin/sh\necho agent\n'.padEnd(64))],
    ['an empty file', new Uint8Array()],
    ['an archive', Buffer.from('1f8b0800'.padEnd(128, '0'), 'hex')],
    ['a file cut off in its header', header({ machine: 62 }).subarray(0, 60)],
    ['an object file', header({ machine: 62, type: 1 })],
    ['a core file', header({ machine: 62, type: 4 })],
  ])('refuses %s', (_name, bytes) => {
    expect(readElfHeader(bytes).kind).toBe('not-elf');
  });

  it('judges any bytes without failing, and none as a program that is cut off', () => {
    const start = [0x7f, 0x45, 0x4c, 0x46];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (random, prefixed) => {
        const bytes = prefixed ? Uint8Array.from([...start, ...random]) : random;
        const result = readElfHeader(bytes);
        if (bytes.length < 52) expect(result.kind).toBe('not-elf');
      }),
    );
  });

  it("reads the header of this computer's own shell", () => {
    const expected: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armv7' };
    if (platform() !== 'linux' || expected[arch()] === undefined) {
      console.warn('SKIPPED: header of /bin/sh: not Linux, or another processor.');
      return;
    }
    const bytes = Buffer.alloc(ELF_HEADER_BYTES);
    const descriptor = openSync('/bin/sh', 'r');
    readSync(descriptor, bytes);
    closeSync(descriptor);
    expect(readElfHeader(bytes)).toEqual({ kind: 'program', architecture: expected[arch()] });
  });
});
