import type { Architecture } from '../../model/facts.ts';

/** What the header of a Linux program says. */
export type ElfResult =
  | { readonly kind: 'program'; readonly architecture: Architecture }
  /** A program, for a machine no device of ours is. `machine` is its name for people. */
  | { readonly kind: 'foreign'; readonly machine: string }
  | { readonly kind: 'not-elf'; readonly why: string };

/** Bytes of a file that are enough to judge it. */
export const ELF_HEADER_BYTES = 64;

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const CLASS_32 = 1;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const BIG_ENDIAN = 2;
const HEADER_BYTES = { [CLASS_32]: 52, [CLASS_64]: 64 } as const;
const EXECUTABLE = 2;
/** Position-independent programs carry the type of a shared object. */
const SHARED = 3;

const MACHINE_ARM = 40;
/** e_flags of Arm: version of the calling convention in the top byte, and how floats are passed. */
const ARM_EABI_MASK = 0xff00_0000;
const ARM_EABI_5 = 0x0500_0000;
const ARM_SOFT_FLOAT = 0x200;

const machineNames: Readonly<Record<number, string>> = {
  3: 'x86 (32 bit)',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC 64',
  22: 'S390',
  40: 'Arm (32 bit)',
  62: 'x86_64',
  183: 'aarch64',
  243: 'RISC-V',
  258: 'LoongArch',
};

function armResult(flags: number): ElfResult {
  if ((flags & ARM_EABI_MASK) >>> 0 !== ARM_EABI_5)
    return { kind: 'foreign', machine: 'Arm (32 bit, old EABI)' };
  // armhf passes floats in registers. Some static builds set neither float flag and run there as well.
  if ((flags & ARM_SOFT_FLOAT) !== 0) return { kind: 'foreign', machine: 'Arm (32 bit, soft float)' };
  return { kind: 'program', architecture: 'armv7' };
}

/**
 * Judges a file by its first {@link ELF_HEADER_BYTES} bytes: class, byte order, type, machine, Arm flags.
 * Layout: System V ABI, chapter 4; flags: ELF for the Arm Architecture, section 5.2.
 */
export function readElfHeader(header: Uint8Array): ElfResult {
  const notElf = (why: string): ElfResult => ({ kind: 'not-elf', why });
  if (MAGIC.some((byte, index) => header[index] !== byte))
    return notElf('It does not begin like a Linux program.');
  const fileClass = header[4];
  const byteOrder = header[5];
  if (fileClass !== CLASS_32 && fileClass !== CLASS_64) return notElf('Its word size is unknown.');
  if (byteOrder !== LITTLE_ENDIAN && byteOrder !== BIG_ENDIAN) return notElf('Its byte order is unknown.');
  if (header.length < HEADER_BYTES[fileClass]) return notElf('It ends inside its header.');
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const little = byteOrder === LITTLE_ENDIAN;
  const type = view.getUint16(16, little);
  if (type !== EXECUTABLE && type !== SHARED) return notElf('It is an object or core file, not a program.');
  const machine = view.getUint16(18, little);
  if (little && fileClass === CLASS_64 && machine === 62) return { kind: 'program', architecture: 'x86_64' };
  if (little && fileClass === CLASS_64 && machine === 183)
    return { kind: 'program', architecture: 'aarch64' };
  if (little && fileClass === CLASS_32 && machine === MACHINE_ARM)
    return armResult(view.getUint32(36, little));
  const name = machineNames[machine] ?? `machine ${machine}`;
  return { kind: 'foreign', machine: little ? name : `${name}, big-endian` };
}
