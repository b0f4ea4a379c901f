import { expect, test } from 'vitest';
import { apartFromRegisters, memoryBytesOf } from './core-file.ts';

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;

function note(type: number, content: string): Buffer {
  const padded = Buffer.alloc(Math.ceil(content.length / 4) * 4);
  padded.write(content);
  const head = Buffer.alloc(12 + 8);
  head.writeUInt32LE(5, 0);
  head.writeUInt32LE(content.length, 4);
  head.writeUInt32LE(type, 8);
  head.write('CORE\0', 12);
  return Buffer.concat([head, padded]);
}

function core(notes: Buffer, memory: Buffer): Buffer {
  const contents = [
    [4, notes],
    [1, memory],
  ] as const;
  const head = Buffer.alloc(HEADER_BYTES + contents.length * SEGMENT_BYTES);
  head.writeUInt32BE(0x7f454c46, 0);
  head.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  head.writeUInt16LE(SEGMENT_BYTES, 54);
  head.writeUInt16LE(contents.length, 56);
  let at = head.length;
  for (const [index, [type, bytes]] of contents.entries()) {
    const place = HEADER_BYTES + index * SEGMENT_BYTES;
    head.writeUInt32LE(type, place);
    head.writeBigUInt64LE(BigInt(at), place + 8);
    head.writeBigUInt64LE(BigInt(bytes.length), place + 32);
    at += bytes.length;
  }
  return Buffer.concat([head, ...contents.map(([, bytes]) => bytes)]);
}

test('takes registers out of a core file, of every thread, and nothing else', () => {
  const [status, arguments_, vectors, files] = [
    note(1, 'in a register'),
    note(3, 'in its arguments'),
    note(0x202, 'in a vector register'),
    note(0x46494c45, 'in the name of a file'),
  ];
  const whole = core(Buffer.concat([status, arguments_, vectors, files]), Buffer.from('in memory'));
  const { rest, registers } = apartFromRegisters(whole);
  expect(registers.toString()).toBe('in a registerin a vector register');
  for (const kept of ['in its arguments', 'in the name of a file', 'in memory'])
    expect(rest.includes(kept)).toBe(true);
  expect(rest.includes('register')).toBe(false);
  expect(rest.length).toBe(whole.length);
  expect(memoryBytesOf(whole)).toBe('in memory'.length);
});

test('refuses what is no core file', () => {
  expect(() => memoryBytesOf(Buffer.alloc(100))).toThrow('no ELF file');
});
