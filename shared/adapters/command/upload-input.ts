import type { AgentBinary, Clock } from '../../engine/ports.ts';
import { compressedMember, storedMember } from './gzip-members.ts';
import type { LinkPace } from './link-pace.ts';
import type { StandardInput } from './standard-input.ts';

export interface UploadOptions {
  readonly clock: Clock;
  /** False where no link lies in between. */
  readonly mayCompress: boolean;
  /** Bytes of the file that are on their way, uncompressed. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
}

/** Chunks that are compressed before anything is known of the link: more than any system takes ahead of a slow one. */
const FIRST_CHUNKS = 2;
/** A compressor's speed before it was measured: slower than real ones, so that the guess costs no time. */
const GUESSED_BYTES_PER_SECOND = 30e6;
/** The link must be so many times slower than the compressor: on a busy station both only seem slow. */
const CLEARLY_SLOWER = 2;
/** Below this there is so much time that more of it is spent on compressing. */
const SLOW_LINK_BYTES_PER_SECOND = 1e6;
const FAST_LEVEL = 1;
const SMALL_LEVEL = 6;
/** A chunk that stays larger than this is not worth the work on either side. */
const WORTH_IT = 0.95;
/** Chunks that are sent as they are after one that did not shrink. */
const REST_CHUNKS = 8;

/**
 * Compresses where that is faster than sending: a chunk is compressed when the link takes clearly fewer bytes a second
 * than the compressor makes of it. Both are measured while the upload runs, so that a link that becomes slow, or a station
 * that is busy, is followed within a few chunks.
 */
class Compression {
  readonly #options: UploadOptions;
  readonly #pace: LinkPace;
  #chunks = 0;
  #rest = 0;
  #bytesPerSecond = GUESSED_BYTES_PER_SECOND;

  constructor(options: UploadOptions, pace: LinkPace) {
    this.#options = options;
    this.#pace = pace;
  }

  async encode(chunk: Uint8Array): Promise<Uint8Array> {
    const level = this.#nextLevel();
    if (level === undefined) return storedMember(chunk);
    const { clock } = this.#options;
    const startedAt = clock.monotonicMs();
    const member = await compressedMember(chunk, level);
    const ms = Math.max(clock.monotonicMs() - startedAt, 0.01);
    this.#bytesPerSecond = (this.#bytesPerSecond + (chunk.length * 1000) / ms) / 2;
    if (member.length < chunk.length * WORTH_IT) return member;
    this.#rest = REST_CHUNKS;
    return member.length < chunk.length ? member : storedMember(chunk);
  }

  #nextLevel(): number | undefined {
    if (!this.#options.mayCompress) return undefined;
    this.#chunks += 1;
    if (this.#rest > 0) {
      this.#rest -= 1;
      return undefined;
    }
    if (this.#chunks <= FIRST_CHUNKS) return FAST_LEVEL;
    const taken = this.#pace.bytesPerSecond ?? Number.POSITIVE_INFINITY;
    if (taken * CLEARLY_SLOWER >= this.#bytesPerSecond) return undefined;
    return taken < SLOW_LINK_BYTES_PER_SECOND ? SMALL_LEVEL : FAST_LEVEL;
  }
}

/** A file as one or more gzip members. The next chunk is read and encoded while the one before is sent. */
export function uploadInput(file: AgentBinary, options: UploadOptions): StandardInput {
  return async function* (pace) {
    const compression = new Compression(options, pace);
    const source = file.chunks()[Symbol.asyncIterator]();
    const encodeNext = async () => {
      const { done, value } = await source.next();
      return done ? undefined : { chunkBytes: value.length, bytes: await compression.encode(value) };
    };
    let sentBytes = 0;
    try {
      let next = encodeNext();
      for (let block = await next; block !== undefined; block = await next) {
        next = encodeNext();
        // It is awaited once this block was taken; until then its failure is nobody's.
        next.catch(() => undefined);
        yield block.bytes;
        sentBytes += block.chunkBytes;
        options.onProgress?.(sentBytes);
      }
      if (sentBytes === 0) yield storedMember(new Uint8Array());
    } finally {
      await source.return?.();
    }
  };
}
