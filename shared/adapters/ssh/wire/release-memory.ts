import type { Writable } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';

/**
 * Below this a buffer is left to the collector: there are few bytes to gain, and small ones may be views of Node's pool,
 * which others use too.
 */
const WORTH_RELEASING_BYTES = 16 * 1024;

/** A port nobody is at: what is sent there is dropped, memory and all (HTML Standard, section 9.4.4). */
const { port1: nowhere, port2: farEnd } = new MessageChannel();
farEnd.close();
nowhere.unref();

function isWorthReleasing(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  const { byteLength } = buffer;
  return (
    buffer instanceof ArrayBuffer && byteLength >= WORTH_RELEASING_BYTES && byteLength !== Buffer.poolSize
  );
}

/**
 * Gives memory back to the system at once, and leaves its views empty. V8 would let up to twice its young generation of
 * it wait for the collector, some 32 MB.
 */
function release(buffer: ArrayBufferLike): void {
  if (!isWorthReleasing(buffer)) return;
  try {
    nowhere.postMessage(undefined, [buffer]);
  } catch {
    // Memory that somebody has marked as not to be moved. It is whole, and the collector's.
  }
}

/**
 * Has a stream give back the memory of what is written to it. For a stream that ssh2 alone writes to, and keeps nothing
 * of. With the ciphers that devices choose it writes three pieces for each packet: its length, a view of the plain packet
 * before that is encrypted; the encrypted packet; and a few bytes that seal it. Where it does so otherwise, what is no
 * buffer of its own is left to the collector.
 */
export function releaseWhatIsWritten(stream: Writable): void {
  const write = stream.write.bind(stream) as (
    chunk: unknown,
    encoding: BufferEncoding | undefined,
    done: (error?: Error | null) => void,
  ) => boolean;
  stream.write = ((chunk: unknown, ...rest: unknown[]) => {
    const [encoding, callback] = typeof rest[0] === 'function' ? [undefined, rest[0]] : rest;
    const done = callback as ((error?: Error | null) => void) | undefined;
    const send = (bytes: unknown, sent?: () => void): boolean =>
      write(bytes, encoding as BufferEncoding | undefined, (error) => {
        if (!error) sent?.();
        done?.(error);
      });
    if (!(chunk instanceof Uint8Array) || !isWorthReleasing(chunk.buffer)) return send(chunk);
    // What was not sent is left to the collector.
    if (chunk.byteLength === chunk.buffer.byteLength) return send(chunk, () => release(chunk.buffer));
    // Encrypted and sealed in this turn; then the plain packet is needed no more, long before it is sent.
    process.nextTick(() => release(chunk.buffer));
    return send(Buffer.from(chunk));
  }) as Writable['write'];
}
