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
  if (isWorthReleasing(buffer)) nowhere.postMessage(undefined, [buffer]);
}

/**
 * Has a stream give back the memory of what is written to it. For a stream that ssh2 alone writes to, which does so in
 * three pieces for each packet and keeps none of them: its length, a view of the plain packet, before that is encrypted;
 * the encrypted packet; and a few bytes that seal it.
 */
export function releaseWhatIsWritten(stream: Writable): void {
  const write = stream.write.bind(stream) as (
    chunk: unknown,
    encoding: BufferEncoding | undefined,
    done: (error?: Error | null) => void,
  ) => boolean;
  stream.write = ((chunk: unknown, ...rest: unknown[]) => {
    const [encoding] = rest.filter((one) => typeof one === 'string') as BufferEncoding[];
    const done = rest.find((one) => typeof one === 'function') as
      | ((error?: Error | null) => void)
      | undefined;
    const isWhole = chunk instanceof Uint8Array && chunk.byteLength === chunk.buffer.byteLength;
    if (chunk instanceof Uint8Array && !isWhole && isWorthReleasing(chunk.buffer)) {
      // Encrypted and sealed in this turn; then the plain packet is needed no more, long before it is sent.
      process.nextTick(() => release(chunk.buffer));
      return write(Buffer.from(chunk), encoding, (error) => done?.(error));
    }
    return write(chunk, encoding, (error) => {
      // Where sending failed, the system may still be reading it.
      if (!error && isWhole) release(chunk.buffer);
      done?.(error);
    });
  }) as Writable['write'];
}
