import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { AgentBinary, Clock } from '../../engine/ports.ts';
import { systemClock } from '../system/clock.ts';
import type { LinkPace } from './link-pace.ts';
import { createLinkPace } from './link-pace.ts';
import { uploadInput } from './upload-input.ts';

const CHUNK_BYTES = 64 * 1024;

function fileOf(chunks: readonly Uint8Array[], onEnd: () => void = () => undefined): AgentBinary {
  return {
    ...{ path: 'agent', sha256: '', architecture: 'x86_64' },
    sizeBytes: chunks.reduce((sum, { length }) => sum + length, 0),
    chunks: async function* () {
      try {
        yield* chunks;
      } finally {
        onEnd();
      }
    },
  };
}

const compressible = () => Buffer.alloc(CHUNK_BYTES, 'pattern that compresses well 0123456789');
const chunks = (count: number, make: () => Uint8Array) => Array.from({ length: count }, make);

/** A link of this speed, and a clock by which every compression takes no time but what `compressMs` says. */
async function send(
  file: AgentBinary,
  options: { linkBytesPerSecond?: number; compressMs?: number; mayCompress?: boolean },
) {
  let now = 0;
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => {
      now += options.compressMs ?? 1;
      return now;
    },
  };
  const pace: LinkPace = createLinkPace();
  const progress: number[] = [];
  const sent: Buffer[] = [];
  const input = uploadInput(file, {
    ...{ clock, mayCompress: options.mayCompress ?? true },
    onProgress: (bytes) => progress.push(bytes),
  });
  for await (const bytes of input(pace)) {
    sent.push(Buffer.from(bytes));
    const speed = options.linkBytesPerSecond ?? Number.POSITIVE_INFINITY;
    pace.record(bytes.length, (bytes.length * 1000) / speed);
  }
  return { sent, progress, compressed: sent.map((bytes) => bytes.length < CHUNK_BYTES / 2) };
}

it('sends as it is what the link takes faster than it could be compressed', async () => {
  const parts = chunks(12, compressible);
  const { sent, compressed } = await send(fileOf(parts), { linkBytesPerSecond: 500e6 });
  // The first two are compressed, because nothing is known of the link then.
  expect(compressed).toEqual([true, true, ...Array(10).fill(false)]);
  expect(gunzipSync(Buffer.concat(sent)).equals(Buffer.concat(parts))).toBe(true);
});

it('compresses what the link takes slower', async () => {
  const parts = chunks(12, compressible);
  const { sent, compressed, progress } = await send(fileOf(parts), { linkBytesPerSecond: 250e3 });
  expect(compressed).toEqual(Array(12).fill(true));
  expect(gunzipSync(Buffer.concat(sent)).equals(Buffer.concat(parts))).toBe(true);
  expect(progress).toEqual(parts.map((_, index) => (index + 1) * CHUNK_BYTES));
});

it('does not compress on a station that is slower than the link', async () => {
  // 64 KiB in a second: far below the link.
  const { compressed } = await send(fileOf(chunks(12, compressible)), {
    ...{ linkBytesPerSecond: 5e6, compressMs: 1000 },
  });
  expect(compressed.slice(4)).toEqual(Array(8).fill(false));
});

it('gives up on what does not shrink, and looks again later', async () => {
  const parts = [...chunks(3, () => randomBytes(CHUNK_BYTES)), ...chunks(17, compressible)];
  const { sent, compressed } = await send(fileOf(parts), { linkBytesPerSecond: 250e3 });
  expect(gunzipSync(Buffer.concat(sent)).equals(Buffer.concat(parts))).toBe(true);
  expect(compressed.indexOf(true)).toBeGreaterThan(8);
  expect(compressed.slice(-3)).toEqual([true, true, true]);
  const overhead = sent.reduce((sum, bytes, index) => sum + (compressed[index] ? 0 : bytes.length), 0);
  expect(overhead).toBeLessThan(CHUNK_BYTES * compressed.filter((is) => !is).length * 1.001);
});

it('never compresses where no link lies in between, and an empty file is an empty file', async () => {
  const local = await send(fileOf(chunks(3, compressible)), { linkBytesPerSecond: 1000, mayCompress: false });
  expect(local.compressed).toEqual([false, false, false]);
  const empty = await send(fileOf([]), {});
  expect(gunzipSync(Buffer.concat(empty.sent)).length).toBe(0);
});

it('closes the file when nobody wants more of it, and hands on its failure', async () => {
  let ended = 0;
  const file = fileOf(chunks(50, compressible), () => {
    ended += 1;
  });
  const options = { clock: systemClock, mayCompress: true };
  for await (const _ of uploadInput(file, options)(createLinkPace())) break;
  expect(ended).toBe(1);
  const broken: AgentBinary = {
    ...file,
    chunks: async function* () {
      yield compressible();
      throw new Error('disk error');
    },
  };
  const drain = async () => {
    for await (const _ of uploadInput(broken, options)(createLinkPace()));
  };
  await expect(drain()).rejects.toThrow('disk error');
});
