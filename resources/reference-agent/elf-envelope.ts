/**
 * Wraps a Node script into a Linux executable file: a minimal static ELF whose only act is
 *
 *     execve("/usr/bin/env", ["env", "node", "-e", LOADER, "--", <path of this file>, ...arguments], environment)
 *
 * followed by a marker line and the script. The loader finds the marker in the file and runs what
 * comes after it. So the file is honest about its architecture (a wrong one gives "exec format error",
 * as a compiled agent would), while the program inside is plain JavaScript.
 *
 * The file, front to back: ELF header, two program headers, machine code, strings, marker line, payload.
 * One read-only, executable segment maps everything before the marker at a fixed address.
 *
 * How the code works, the same on all three machines. On entry the stack pointer points at
 *
 *     argc | argv[0] argv[1] … 0 | envp[0] … 0 | auxiliary vector: (key, value) pairs
 *
 * The path of the running file is the value of key 31, AT_EXECFN (getauxval(3)): argv[0] may be a bare
 * name, and /proc/self/exe would be Node's after the exec. That path overwrites argv[0]; the fixed
 * arguments are stored downwards from there, over argc, so that argv[1], argv[2] … follow them in place.
 */
export type AgentArchitecture = 'x86_64' | 'aarch64' | 'armv7';

export const agentArchitectures: readonly AgentArchitecture[] = ['x86_64', 'aarch64', 'armv7'];

/** The line that separates the envelope from the script. Its first occurrence counts. */
export const PAYLOAD_MARKER = '\n//#muster-agent-payload\n';

/**
 * Runs the part of `process.argv[1]` after the marker as a CommonJS module. The marker's line breaks
 * are escapes here, so the loader itself is not mistaken for it.
 */
const LOADER = `const M=require("node:module"),f=process.argv[1],b=require("node:fs").readFileSync(f),k=${JSON.stringify(PAYLOAD_MARKER)},m=new M(f);m.filename=f;m._compile(b.toString("utf8",b.indexOf(k)+k.length),f)`;

/** A small young generation: the agent allocates little, and many agents may share one computer. */
const FIXED_ARGUMENTS = ['env', 'node', '--max-semi-space-size=1', '-e', LOADER, '--'] as const;

const LOAD_ADDRESS = 0x40_0000;
/** 64 KiB: the largest page size of an arm64 kernel; smaller pages divide it. */
const SEGMENT_ALIGNMENT = 0x1_0000;

interface Machine {
  /** `e_machine` of the ELF header. */
  readonly id: number;
  readonly wordBytes: 4 | 8;
  readonly flags: number;
  /** Code that execs `program` with the strings at `fixedArguments` before the process's own arguments. */
  readonly code: (program: number, fixedArguments: readonly number[]) => Uint8Array;
}

function bytes(...parts: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flat());
}

function littleEndian32(value: number): readonly number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

/** Instructions of the two Arm machines are 32-bit words. */
function words(values: readonly number[]): Uint8Array {
  return bytes(...values.map(littleEndian32));
}

const lastFirst = (addresses: readonly number[]): readonly number[] => [...addresses].reverse();

const x86Code: Machine['code'] = (program, fixedArguments) =>
  bytes(
    [0x48, 0x8b, 0x04, 0x24], //             mov  rax, [rsp]              argc
    [0x48, 0x8d, 0x54, 0xc4, 0x10], //       lea  rdx, [rsp + rax*8 + 16] envp
    [0x48, 0x89, 0xd1], //                   mov  rcx, rdx
    [0x48, 0x83, 0xc1, 0x08], //         1:  add  rcx, 8
    [0x48, 0x83, 0x79, 0xf8, 0x00], //       cmp  qword [rcx - 8], 0
    [0x75, 0xf5], //                         jne  1b                      rcx: auxiliary vector
    [0x48, 0x83, 0xc1, 0x10], //         2:  add  rcx, 16
    [0x48, 0x83, 0x79, 0xf0, 0x1f], //       cmp  qword [rcx - 16], 31    AT_EXECFN
    [0x75, 0xf5], //                         jne  2b
    [0x48, 0x8b, 0x41, 0xf8], //             mov  rax, [rcx - 8]
    [0x48, 0x89, 0x44, 0x24, 0x08], //       mov  [rsp + 8], rax          over argv[0]
    [0x58], //                               pop  rax                     drops argc
    ...lastFirst(fixedArguments).map((address) => [0x68, ...littleEndian32(address)]), // push address
    [0x48, 0x89, 0xe6], //                   mov  rsi, rsp                argv
    [0xbf, ...littleEndian32(program)], //   mov  edi, program
    [0xb8, ...littleEndian32(59)], //        mov  eax, 59                 execve
    [0x0f, 0x05], //                         syscall
    [0xbf, ...littleEndian32(127)], //       mov  edi, 127                it failed: exit code 127
    [0xb8, ...littleEndian32(60)], //        mov  eax, 60                 exit
    [0x0f, 0x05], //                         syscall
  );

/** `movz xN, low; movk xN, high, lsl 16`. */
const aarch64Load = (register: number, value: number): readonly number[] => [
  0xd280_0000 + (value & 0xffff) * 0x20 + register,
  0xf2a0_0000 + (value >>> 16) * 0x20 + register,
];

const aarch64Code: Machine['code'] = (program, fixedArguments) =>
  words([
    0x9100_03e9, //       mov  x9, sp                sp itself must stay 16-byte aligned when used
    0xf940_0120, //       ldr  x0, [x9]              argc
    0x8b00_0d22, //       add  x2, x9, x0, lsl 3
    0x9100_4042, //       add  x2, x2, 16            envp
    0xaa02_03e3, //       mov  x3, x2
    0xf840_8464, //   1:  ldr  x4, [x3], 8
    0xb5ff_ffe4, //       cbnz x4, 1b                x3: auxiliary vector
    0xa8c1_1464, //   2:  ldp  x4, x5, [x3], 16
    0xf100_7c9f, //       cmp  x4, 31                AT_EXECFN
    0x54ff_ffc1, //       b.ne 2b
    0xf900_0525, //       str  x5, [x9, 8]           over argv[0]
    0x9100_2121, //       add  x1, x9, 8             argv, growing downwards
    ...lastFirst(fixedArguments).flatMap((address) => [
      ...aarch64Load(4, address),
      0xf81f_8c24, //     str  x4, [x1, -8]!
    ]),
    ...aarch64Load(0, program),
    0xd280_1ba8, //       mov  x8, 221               execve
    0xd400_0001, //       svc  0
    0xd280_0fe0, //       mov  x0, 127               it failed: exit code 127
    0xd280_0ba8, //       mov  x8, 93                exit
    0xd400_0001, //       svc  0
  ]);

/** `movw rN, low; movt rN, high`, each immediate split into 4 and 12 bits. */
const armv7Load = (register: number, value: number): readonly number[] => {
  const half = (opcode: number, immediate: number): number =>
    opcode + (immediate >>> 12) * 0x1_0000 + register * 0x1000 + (immediate & 0xfff);
  return [half(0xe300_0000, value & 0xffff), half(0xe340_0000, value >>> 16)];
};

const armv7Code: Machine['code'] = (program, fixedArguments) =>
  words([
    0xe59d_0000, //       ldr  r0, [sp]              argc
    0xe08d_2100, //       add  r2, sp, r0, lsl 2
    0xe282_2008, //       add  r2, r2, 8             envp
    0xe1a0_3002, //       mov  r3, r2
    0xe493_4004, //   1:  ldr  r4, [r3], 4
    0xe354_0000, //       cmp  r4, 0
    0x1aff_fffc, //       bne  1b                    r3: auxiliary vector
    0xe493_4008, //   2:  ldr  r4, [r3], 8
    0xe354_001f, //       cmp  r4, 31                AT_EXECFN
    0x1aff_fffc, //       bne  2b
    0xe513_5004, //       ldr  r5, [r3, -4]
    0xe58d_5004, //       str  r5, [sp, 4]           over argv[0]
    0xe28d_1004, //       add  r1, sp, 4             argv, growing downwards
    ...lastFirst(fixedArguments).flatMap((address) => [
      ...armv7Load(4, address),
      0xe521_4004, //     str  r4, [r1, -4]!
    ]),
    ...armv7Load(0, program),
    0xe3a0_700b, //       mov  r7, 11                execve
    0xef00_0000, //       svc  0
    0xe3a0_007f, //       mov  r0, 127               it failed: exit code 127
    0xe3a0_7001, //       mov  r7, 1                 exit
    0xef00_0000, //       svc  0
  ]);

/** EABI version 5, floating-point arguments in registers: what Debian calls armhf. */
const EF_ARM_EABI5_HARD_FLOAT = 0x0500_0400;

const machines: Readonly<Record<AgentArchitecture, Machine>> = {
  x86_64: { id: 62, wordBytes: 8, flags: 0, code: x86Code },
  aarch64: { id: 183, wordBytes: 8, flags: 0, code: aarch64Code },
  armv7: { id: 40, wordBytes: 4, flags: EF_ARM_EABI5_HARD_FLOAT, code: armv7Code },
};

/** Writes integers one after another, little-endian; `word` is 4 or 8 bytes wide by machine. */
class FieldWriter {
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  readonly #wordBytes: 4 | 8;
  #offset = 0;

  constructor(byteLength: number, wordBytes: 4 | 8) {
    this.#buffer = new Uint8Array(byteLength);
    this.#view = new DataView(this.#buffer.buffer);
    this.#wordBytes = wordBytes;
  }

  bytes(...values: readonly number[]): void {
    this.#buffer.set(values, this.#offset);
    this.#offset += values.length;
  }

  half(value: number): void {
    this.#view.setUint16(this.#offset, value, true);
    this.#offset += 2;
  }

  int(value: number): void {
    this.#view.setUint32(this.#offset, value, true);
    this.#offset += 4;
  }

  /** An address, offset or size. All of ours fit 32 bits. */
  word(value: number): void {
    this.int(value);
    if (this.#wordBytes === 8) this.int(0);
  }

  finish(): Uint8Array {
    return this.#buffer;
  }
}

const sizes = { 4: { header: 52, programHeader: 32 }, 8: { header: 64, programHeader: 56 } } as const;

function writeHeaders(machine: Machine, segmentBytes: number): Uint8Array {
  const { header, programHeader } = sizes[machine.wordBytes];
  const out = new FieldWriter(header + 2 * programHeader, machine.wordBytes);
  const wide = machine.wordBytes === 8;
  out.bytes(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0); // magic, class, little-endian
  out.half(2); // ET_EXEC: a program at fixed addresses
  out.half(machine.id);
  out.int(1);
  out.word(LOAD_ADDRESS + header + 2 * programHeader); // entry point: the code follows the headers
  out.word(header); // program headers
  out.word(0); // no section headers
  out.int(machine.flags);
  for (const value of [header, programHeader, 2, 0, 0, 0]) out.half(value);

  // The flags stand after the type in the 64-bit form, before the alignment in the 32-bit form.
  const segment = (type: number, flags: number, address: number, size: number, alignment: number): void => {
    out.int(type);
    if (wide) out.int(flags);
    for (const value of [0, address, address, size, size]) out.word(value);
    if (!wide) out.int(flags);
    out.word(alignment);
  };
  segment(1, 5, LOAD_ADDRESS, segmentBytes, SEGMENT_ALIGNMENT); // PT_LOAD, readable and executable
  segment(0x6474_e551, 6, 0, 0, 16); // PT_GNU_STACK: the stack holds no code
  return out.finish();
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/**
 * An executable file for `architecture` that runs `payload`, a CommonJS script in UTF-8, with the Node
 * found on PATH. Its process sees `process.argv` as `[node, path of the file, ...arguments]`.
 * Equal input gives equal bytes.
 */
export function wrapInElf(architecture: AgentArchitecture, payload: Uint8Array): Uint8Array {
  const machine = machines[architecture];
  const encoder = new TextEncoder();
  const strings = ['/usr/bin/env', ...FIXED_ARGUMENTS].map((text) => encoder.encode(`${text}\0`));
  const { header, programHeader } = sizes[machine.wordBytes];
  // The code's length does not depend on the addresses in it, so a first draft measures it.
  const codeBytes = machine.code(
    0,
    FIXED_ARGUMENTS.map(() => 0),
  ).length;

  let offset = header + 2 * programHeader + codeBytes;
  const addresses = strings.map((text) => {
    const address = LOAD_ADDRESS + offset;
    offset += text.length;
    return address;
  });
  const [program = 0, ...fixedArguments] = addresses;
  return concatenate([
    writeHeaders(machine, offset),
    machine.code(program, fixedArguments),
    ...strings,
    encoder.encode(PAYLOAD_MARKER),
    payload,
  ]);
}
