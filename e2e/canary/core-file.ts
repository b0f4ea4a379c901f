/*
 * Core files as Linux writes them (core(5), elf(5)): 64 bit, little endian; notes about the process and its threads, then
 * memory.
 */

const PT_LOAD = 1;
const PT_NOTE = 4;

/** Notes that hold the registers of a thread (elf.h): general, floating point, extended state of x86, and those of ARM. */
const isOfRegisters = (type: number): boolean =>
  type === 1 || type === 2 || type === 0x202 || (type >= 0x400 && type <= 0x4ff);

interface Segment {
  readonly type: number;
  readonly at: number;
  readonly bytes: number;
}

function segmentsOf(core: Buffer): readonly Segment[] {
  if (core.readUInt32BE(0) !== 0x7f454c46) throw new Error('This is no ELF file.');
  const [table, size, count] = [
    Number(core.readBigUInt64LE(32)),
    core.readUInt16LE(54),
    core.readUInt16LE(56),
  ];
  return Array.from({ length: count }, (_, index) => table + index * size).map((header) => ({
    type: core.readUInt32LE(header),
    at: Number(core.readBigUInt64LE(header + 8)),
    bytes: Number(core.readBigUInt64LE(header + 32)),
  }));
}

/** Bytes of memory in a core file. */
export function memoryBytesOf(core: Buffer): number {
  return segmentsOf(core)
    .filter(({ type }) => type === PT_LOAD)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * The core file with zeros in place of all registers, and the registers alone. Nothing keeps the kernel from writing what a thread
 * had in its registers at that instant, which may be a piece of a text it was copying.
 */
export function apartFromRegisters(core: Buffer): { readonly rest: Buffer; readonly registers: Buffer } {
  const rest = Buffer.from(core);
  const registers: Buffer[] = [];
  const four = (bytes: number): number => Math.ceil(bytes / 4) * 4;
  for (const { at, bytes } of segmentsOf(core).filter(({ type }) => type === PT_NOTE)) {
    for (let note = at; note + 12 <= at + bytes; ) {
      const [nameBytes, contentBytes] = [core.readUInt32LE(note), core.readUInt32LE(note + 4)];
      const content = note + 12 + four(nameBytes);
      if (isOfRegisters(core.readUInt32LE(note + 8))) {
        registers.push(core.subarray(content, content + contentBytes));
        rest.fill(0, content, content + contentBytes);
      }
      note = content + four(contentBytes);
    }
  }
  return { rest, registers: Buffer.concat(registers) };
}
