import { once } from 'node:events';
import { pipeline, Readable, type Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { AgentBinary } from '../../engine/ports.ts';
import type { Secret } from '../../model/secret.ts';

/** What follows the script on its standard input. */
export type StandardInput = () => AsyncIterable<Uint8Array>;

/** The bytes of a payload, or nothing. */
export function payloadInput(payload: Secret | undefined): StandardInput {
  return async function* () {
    if (payload !== undefined && !payload.isEmpty) yield Buffer.from(payload.reveal(), 'utf8');
  };
}

/** A file, compressed while it is sent. Level 1: the station must not be slower than the link. */
export function uploadInput(file: AgentBinary, onProgress?: (sentBytes: number) => void): StandardInput {
  async function* counted() {
    let sentBytes = 0;
    for await (const chunk of file.chunks()) {
      yield chunk;
      // Reached when the next chunk is asked for: this one was taken.
      sentBytes += chunk.length;
      onProgress?.(sentBytes);
    }
  }
  return async function* () {
    const gzip = createGzip({ level: 1 });
    // Its error ends the gzip stream as well and comes out of the loop below.
    pipeline(
      Readable.from(counted(), { objectMode: false, highWaterMark: 256 * 1024 }),
      gzip,
      () => undefined,
    );
    for await (const chunk of gzip) yield chunk as Buffer;
  };
}

/**
 * Writes prologue and input at the reader's pace, then ends it. Returns early, without error, when the reader is
 * gone.
 * @param gone aborted when nobody reads any more
 */
export async function sendInput(
  to: Writable,
  prologue: Uint8Array,
  input: StandardInput,
  gone: AbortSignal,
): Promise<void> {
  const isGone = () => gone.aborted || !to.writable;
  const write = async (bytes: Uint8Array) => {
    if (to.write(bytes)) return;
    // It rejects when the reader goes; whatever went wrong there is told by the one who opened it.
    await once(to, 'drain', { signal: gone }).catch(() => undefined);
  };
  await write(prologue);
  for await (const chunk of input()) {
    if (isGone()) return;
    await write(chunk);
  }
  if (!isGone()) to.end();
}
