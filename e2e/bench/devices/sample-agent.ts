/** Programs of x86-64 that do nothing, and weigh something. */

const headersBytes = 64 + 56;
const loadAddress = 0x400000n;
/** `pause` again and again: mov eax, 34; syscall; jmp to the start. */
const code = Buffer.from([0xb8, 0x22, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xeb, 0xf7]);

/**
 * An agent of this size that starts at once and uses nothing, so that only its installation is measured: a static
 * ELF executable (elf(5)) whose rest compresses about as well as a compiled program's.
 */
export function sampleAgent(sizeBytes: number): Buffer {
  const file = Buffer.alloc(sizeBytes);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]).copy(file);
  file.writeUInt16LE(2, 16); // An executable
  file.writeUInt16LE(62, 18); // for x86-64,
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(loadAddress + BigInt(headersBytes), 24); // which begins behind the headers.
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // One segment, loaded
  file.writeUInt32LE(5, 68); // to be read and run.
  file.writeBigUInt64LE(loadAddress, 80);
  file.writeBigUInt64LE(loadAddress, 88);
  file.writeBigUInt64LE(BigInt(headersBytes + code.length), 96);
  file.writeBigUInt64LE(BigInt(headersBytes + code.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  code.copy(file, headersBytes);
  // Numerical Recipes' generator, of which three bits of each byte are kept: the same bytes every time.
  let state = 1;
  for (let at = headersBytes + code.length; at < sizeBytes; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    file[at] = state >>> 29;
  }
  return file;
}
