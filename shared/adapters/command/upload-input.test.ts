import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { AgentBinary, Clock } from '../../engine/ports.ts';
import { systemClock } from '../system/clock.ts';
import type { BusyWatch } from './busy-watch.ts';
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
const half = () => Buffer.concat([randomBytes(CHUNK_BYTES / 2), Buffer.alloc(CHUNK_BYTES / 2)]);
const many = (count: number, make: () => Uint8Array) => Array.from({ length: count }, make);

interface Part {
  readonly kind: string;
  readonly bytes: Buffer;
}

/** What a device makes of what it is sent. */
function readParts(sent: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = 0; ; ) {
    const end = sent.indexOf('\n', at);
    const [, kind = '', size] = /^(raw|gzip|end) (\d+)$/.exec(sent.toString('latin1', at, end)) ?? [];
    at = end + 1 + Number(size);
    if (kind === 'end') {
      expect(at).toBe(sent.length);
      return parts;
    }
    parts.push({ kind, bytes: sent.subarray(end + 1, at) });
  }
}

const watchOf = (isBusy: (() => boolean) | undefined, close: () => void = () => undefined): BusyWatch => ({
  isBusy: isBusy ?? (() => false),
  close,
});

/** A link of this speed, and a clock by which every compression takes no time but what `compressMs` says. */
async function send(
  file: AgentBinary,
  options: {
    linkBytesPerSecond?: number | ((sentBytes: number) => number);
    compressMs?: number;
    isLocal?: boolean;
    isBusy?: () => boolean;
  },
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
  let arrived = 0;
  let sentMs = 0;
  const input = uploadInput(file, {
    clock,
    watch: options.isLocal ? undefined : () => watchOf(options.isBusy),
    onProgress: (bytes) => progress.push(bytes),
  });
  for await (const bytes of input(pace)) {
    sent.push(Buffer.from(bytes));
    const { linkBytesPerSecond: link = Number.POSITIVE_INFINITY } = options;
    const speed = typeof link === 'number' ? link : link(arrived);
    arrived += bytes.length;
    sentMs += (bytes.length * 1000) / speed;
    pace.record(arrived, sentMs);
  }
  const parts = readParts(Buffer.concat(sent));
  const contents = parts.map(({ kind, bytes }) => (kind === 'gzip' ? gunzipSync(bytes) : bytes));
  return { progress, parts, file: Buffer.concat(contents) };
}

it('sends as it is what the link takes faster than it could be compressed, in parts that grow', async () => {
  const chunks = many(400, half);
  const { parts, file } = await send(fileOf(chunks), { linkBytesPerSecond: 500e6 });
  const [first] = parts;
  // While nothing is known of the link it is compressed.
  expect(first?.kind).toBe('gzip');
  const raw = parts.slice(parts.findIndex(({ kind }) => kind === 'raw'));
  expect(raw.map(({ kind }) => kind)).toEqual(raw.map(() => 'raw'));
  const [one = 0, two = 0, ...more] = raw.map(({ bytes }) => bytes.length);
  expect([two, ...more].slice(0, 3)).toEqual([2 * one, 4 * one, 8 * one]);
  expect(file.equals(Buffer.concat(chunks))).toBe(true);
});

it('compresses what the link takes slower', async () => {
  const chunks = many(40, compressible);
  const { parts, file, progress } = await send(fileOf(chunks), { linkBytesPerSecond: 250e3 });
  expect(parts.map(({ kind }) => kind)).toEqual(chunks.map(() => 'gzip'));
  expect(file.equals(Buffer.concat(chunks))).toBe(true);
  expect(progress).toEqual(chunks.map((_, index) => (index + 1) * CHUNK_BYTES));
});

it('does not compress on a station that is slower than the link', async () => {
  // 64 KiB in a second: far below the link.
  const { parts } = await send(fileOf(many(200, half)), { linkBytesPerSecond: 5e6, compressMs: 1000 });
  expect(parts.at(-1)?.kind).toBe('raw');
  expect(parts.filter(({ kind }) => kind === 'gzip').length).toBeLessThan(20);
});

it('does not compress while the station is busy, however slow it goes, and does once it is not', async () => {
  let asked = 0;
  const { parts } = await send(fileOf(many(200, compressible)), {
    ...{ linkBytesPerSecond: 250e3, isBusy: () => asked++ < 3 },
  });
  expect(parts.slice(0, 3).map(({ kind }) => kind)).toEqual(['raw', 'raw', 'raw']);
  expect(parts.at(-1)?.kind).toBe('gzip');
});

it('compresses again when a link becomes slow', async () => {
  const { parts, file } = await send(fileOf(many(400, compressible)), {
    linkBytesPerSecond: (sentBytes) => (sentBytes < 3e6 ? 500e6 : 100e3),
  });
  expect(parts.some(({ kind }) => kind === 'raw')).toBe(true);
  expect(parts.at(-1)?.kind).toBe('gzip');
  expect(file.length).toBe(400 * CHUNK_BYTES);
});

it('gives up on what does not shrink, and looks again later', async () => {
  const chunks = [...many(3, () => randomBytes(CHUNK_BYTES)), ...many(60, compressible)];
  const { parts, file } = await send(fileOf(chunks), { linkBytesPerSecond: 250e3 });
  expect(file.equals(Buffer.concat(chunks))).toBe(true);
  expect(parts[0]).toMatchObject({ kind: 'raw' });
  expect(parts[0]?.bytes.length).toBe(2 * 1024 * 1024);
  expect(parts.at(-1)?.kind).toBe('gzip');
});

it('never compresses where no link lies in between, and an empty file is an empty file', async () => {
  const local = await send(fileOf(many(3, compressible)), { linkBytesPerSecond: 1000, isLocal: true });
  expect(local.parts.map(({ kind }) => kind)).toEqual(['raw']);
  const empty = await send(fileOf([]), {});
  expect(empty.parts).toEqual([]);
});

it('closes file and watch when nobody wants more of it, and hands on its failure', async () => {
  let ended = 0;
  const file = fileOf(many(50, compressible), () => {
    ended += 1;
  });
  let watches = 0;
  const watch = () => {
    watches += 1;
    return watchOf(undefined, () => {
      watches -= 1;
    });
  };
  const options = { clock: systemClock, watch };
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
  expect(watches).toBe(0);
});
