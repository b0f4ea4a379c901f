import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import bcrypt from 'bcrypt-pbkdf';

const BLOCK_BYTES = 32;

function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/**
 * The key of a passphrase as OpenSSH's key files derive it: bcrypt_pbkdf, described in OpenBSD's bcrypt_pbkdf(3). One
 * round takes about ten milliseconds in JavaScript, and files have 16 rounds and more, each once or twice. So it hands
 * back the thread after every one: whatever else the engine does goes on meanwhile.
 */
export async function deriveKey(
  passphrase: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  lengthBytes: number,
): Promise<Buffer> {
  const stride = Math.ceil(lengthBytes / BLOCK_BYTES);
  const hashedPassphrase = sha512(passphrase);
  const key = Buffer.alloc(lengthBytes);
  for (let block = 0; block < stride; block += 1) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(block + 1);
    let output = new Uint8Array(BLOCK_BYTES);
    bcrypt.hash(hashedPassphrase, sha512(salt, number), output);
    const sum = Uint8Array.from(output);
    for (let round = 1; round < rounds; round += 1) {
      await nextTurn();
      const next = new Uint8Array(BLOCK_BYTES);
      bcrypt.hash(hashedPassphrase, sha512(output), next);
      output = next;
      for (const [index, byte] of next.entries()) sum[index] = (sum[index] ?? 0) ^ byte;
    }
    // The blocks are interleaved, so that whoever wants one byte has to work for all of them.
    for (const [index, byte] of sum.entries()) {
      const at = index * stride + block;
      if (at < lengthBytes) key[at] = byte;
    }
  }
  return key;
}
