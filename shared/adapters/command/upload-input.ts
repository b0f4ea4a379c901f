import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { partHeader, partsEnd } from '../../device/receive.ts';
import type { AgentBinary, Clock } from '../../engine/ports.ts';
import type { BusyWatch } from './busy-watch.ts';
import type { LinkPace } from './link-pace.ts';
import type { StandardInput } from './standard-input.ts';

export interface UploadOptions {
  readonly clock: Clock;
  /** Watches this computer for as long as the upload takes; undefined where no link lies in between. */
  readonly watch: (() => BusyWatch) | undefined;
  /** Bytes of the file that are on their way, uncompressed. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
}

/** No chunk goes through a compressor here and a small board's decompressor faster. */
const MOST_BYTES_PER_SECOND = 30e6;
/** The link must be so many times slower than that: on a busy station everything seems slow. */
const CLEARLY_SLOWER = 8;
/** Below this there is so much time that more of it is spent on compressing. */
const SLOW_LINK_BYTES_PER_SECOND = 0.5e6;
const FAST_LEVEL = 1;
const SMALL_LEVEL = 6;
/** A chunk that stays larger than this is not worth the work on either side. */
const WORTH_IT = 0.95;
/** A part that travels as it is cannot change its mind: short at first, and twice as long each time the link stays fast. */
const FIRST_RAW_BYTES = 1024 * 1024;
/** What is sent as it is from a chunk on that did not shrink. */
const DENSE_RAW_BYTES = 2 * 1024 * 1024;
const MOST_RAW_BYTES = 8 * 1024 * 1024;
/** After so many compressed chunks one part travels as it is, to see what the link takes now. */
const LOOK_AGAIN_CHUNKS = 32;

const gzipAsync = promisify(gzip);

/**
 * Compresses where that is faster than sending: while nothing is known of the link, and when it takes clearly fewer bytes
 * a second than the compressor makes of them. What counts is how fast parts go that travel as they are: with compressed
 * ones the device's work would pass for a slow link. Only below the speed of a slow link there is no doubt.
 *
 * Many uploads at once share one computer, and each of them goes as slowly as over a bad link. What is slow then is
 * this computer, and compressing would make it slower still.
 */
class Compression {
  readonly #options: UploadOptions;
  readonly #pace: LinkPace;
  readonly #watch: BusyWatch | undefined;
  #bytesPerSecond = MOST_BYTES_PER_SECOND;
  #rawBytes = FIRST_RAW_BYTES;
  #rawTaken = Number.POSITIVE_INFINITY;
  #chunksSinceRaw = 0;

  constructor(options: UploadOptions, pace: LinkPace) {
    this.#options = options;
    this.#pace = pace;
    this.#watch = options.watch?.();
  }

  close(): void {
    this.#watch?.close();
  }

  /** The chunk compressed, or undefined where it had better travel as it is. */
  async tryOn(chunk: Uint8Array): Promise<Buffer | undefined> {
    const level = this.#level();
    if (level === undefined) return undefined;
    const { clock } = this.#options;
    const startedAt = clock.monotonicMs();
    const compressed = await gzipAsync(chunk, { level });
    const ms = Math.max(clock.monotonicMs() - startedAt, 0.01);
    this.#bytesPerSecond = Math.min(
      MOST_BYTES_PER_SECOND,
      (this.#bytesPerSecond + (chunk.length * 1000) / ms) / 2,
    );
    const isSmaller = compressed.length < chunk.length * WORTH_IT;
    this.#chunksSinceRaw += 1;
    this.#rawBytes = isSmaller ? FIRST_RAW_BYTES : DENSE_RAW_BYTES;
    return isSmaller ? compressed : undefined;
  }

  /** How many bytes may travel as they are before it is asked again. */
  nextRawBytes(): number {
    const bytes = this.#rawBytes;
    this.#rawBytes = Math.min(2 * bytes, MOST_RAW_BYTES);
    return bytes;
  }

  /** What travelled as it is has been taken. */
  endRaw(): void {
    this.#chunksSinceRaw = 0;
    this.#rawTaken = this.#pace.bytesPerSecond ?? Number.POSITIVE_INFINITY;
  }

  #level(): number | undefined {
    const taken = this.#pace.bytesPerSecond;
    // Nothing is worth compressing where no link lies in between.
    if (this.#watch?.isBusy() ?? true) return undefined;
    if (taken === undefined) return FAST_LEVEL;
    if (taken < SLOW_LINK_BYTES_PER_SECOND) return SMALL_LEVEL;
    if (this.#chunksSinceRaw >= LOOK_AGAIN_CHUNKS) return undefined;
    return this.#rawTaken * CLEARLY_SLOWER < this.#bytesPerSecond ? FAST_LEVEL : undefined;
  }
}

/** A file in raw and compressed parts. The next chunk is read while the one before is sent. */
export function uploadInput(file: AgentBinary, options: UploadOptions): StandardInput {
  return async function* (pace) {
    const compression = new Compression(options, pace);
    const source = file.chunks()[Symbol.asyncIterator]();
    const readNext = () => {
      const reading = source.next();
      // It is awaited once the chunk before was taken; until then its failure is nobody's.
      reading.catch(() => undefined);
      return reading;
    };
    let sentBytes = 0;
    let rawLeft = 0;
    try {
      let next = readNext();
      for (let read = await next; !read.done; read = await next) {
        const chunk = read.value;
        next = readNext();
        for (let at = 0; at < chunk.length; ) {
          if (rawLeft === 0) {
            const rest = at === 0 ? chunk : chunk.subarray(at);
            const compressed = await compression.tryOn(rest);
            if (compressed !== undefined) {
              yield Buffer.concat([Buffer.from(partHeader('gzip', compressed.length)), compressed]);
              at = chunk.length;
              continue;
            }
            const left = file.sizeBytes - sentBytes - at;
            rawLeft = Math.max(rest.length, Math.min(left, compression.nextRawBytes()));
            yield Buffer.from(partHeader('raw', rawLeft));
          }
          const piece = chunk.subarray(at, at + rawLeft);
          yield piece;
          at += piece.length;
          rawLeft -= piece.length;
          if (rawLeft === 0) compression.endRaw();
        }
        sentBytes += chunk.length;
        options.onProgress?.(sentBytes);
      }
      yield Buffer.from(partsEnd);
    } finally {
      compression.close();
      await source.return?.();
    }
  };
}
