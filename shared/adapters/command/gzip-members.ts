import { promisify } from 'node:util';
import { crc32, gzip } from 'node:zlib';

/** gzip's header without name and time: magic, deflate, no flags, no time, no extra flags, unknown system (RFC 1952). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
const TRAILER_BYTES = 8;
/** A stored block holds at most what 16 bits count (RFC 1951, 3.2.4). */
const BLOCK_BYTES = 65_535;
const BLOCK_HEADER_BYTES = 5;

/**
 * One gzip member that holds the bytes as they are. `gzip -dc` joins members, so that stored and compressed ones may
 * follow each other. Costs a copy and a checksum, a small part of what even the fastest compression does.
 */
export function storedMember(bytes: Uint8Array): Buffer {
  const blocks = Math.max(1, Math.ceil(bytes.length / BLOCK_BYTES));
  const member = Buffer.allocUnsafe(
    HEADER.length + blocks * BLOCK_HEADER_BYTES + bytes.length + TRAILER_BYTES,
  );
  let at = HEADER.copy(member);
  for (let block = 0; block < blocks; block += 1) {
    const from = block * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, bytes.length - from);
    at = member.writeUInt8(block === blocks - 1 ? 1 : 0, at);
    at = member.writeUInt16LE(length, at);
    at = member.writeUInt16LE(~length & 0xffff, at);
    member.set(bytes.subarray(from, from + length), at);
    at += length;
  }
  at = member.writeUInt32LE(crc32(bytes), at);
  member.writeUInt32LE(bytes.length, at);
  return member;
}

const gzipAsync = promisify(gzip);

/** One gzip member that holds the bytes compressed, made on another thread. `level`: 1 (fast) to 9 (small). */
export async function compressedMember(bytes: Uint8Array, level: number): Promise<Buffer> {
  return gzipAsync(bytes, { level });
}
