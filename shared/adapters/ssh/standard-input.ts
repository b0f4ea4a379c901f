import { once } from 'node:events';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { ClientChannel } from 'ssh2';
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
 * Writes prologue and input at the channel's pace, then ends it. Returns early, without error, when the far side
 * closes first.
 */
export async function sendInput(
  channel: ClientChannel,
  prologue: Uint8Array,
  input: StandardInput,
  closed: Promise<void>,
): Promise<void> {
  let isClosed = false;
  const closing = closed.then(() => {
    isClosed = true;
  });
  const write = async (bytes: Uint8Array) => {
    if (channel.write(bytes)) return;
    const stop = new AbortController();
    await Promise.race([once(channel, 'drain', { signal: stop.signal }).catch(() => undefined), closing]);
    stop.abort();
  };
  await write(prologue);
  for await (const chunk of input()) {
    if (isClosed) return;
    await write(chunk);
  }
  if (!isClosed) channel.end();
}
