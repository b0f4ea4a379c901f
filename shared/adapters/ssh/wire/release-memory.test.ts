import { Writable } from 'node:stream';
import { markAsUntransferable } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { gatherWrites } from './gather-writes.ts';
import { releaseWhatIsWritten } from './release-memory.ts';

const PACKET_BYTES = 32 * 1024;

/** A link whose sending ends when it is told to, well or badly. */
function link() {
  const sent: Buffer[] = [];
  let end: (error?: Error) => void = () => undefined;
  const stream = new Writable({
    highWaterMark: 1024 * 1024,
    writev: (chunks: { chunk: Buffer }[], done) => {
      // As the system does it: what is not sent yet is read from where it is.
      end = (error) => {
        if (error === undefined) sent.push(Buffer.concat(chunks.map(({ chunk }) => chunk)));
        done(error ?? null);
      };
    },
  });
  stream.on('error', () => undefined);
  gatherWrites(stream);
  releaseWhatIsWritten(stream);
  return { stream, sent, end: (error?: Error) => end(error) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const filled = (byte: number) => new Uint8Array(new ArrayBuffer(PACKET_BYTES)).fill(byte);

it('gives the encrypted packet back once it is sent, and not before', async () => {
  const { stream, sent, end } = link();
  const encrypted = filled(7);
  let taken = false;
  stream.write(encrypted, () => {
    taken = true;
  });
  await turn();
  expect(encrypted.byteLength).toBe(PACKET_BYTES);
  end();
  await turn();
  expect([encrypted.byteLength, taken]).toEqual([0, true]);
  expect(sent[0]?.equals(Buffer.alloc(PACKET_BYTES, 7))).toBe(true);
});

it('gives the plain packet back as soon as it is encrypted and sealed, and still sends its length', async () => {
  const { stream, sent, end } = link();
  const plain = filled(9);
  stream.write(Buffer.from(plain.buffer, 0, 4));
  expect(plain.byteLength, 'in the same turn it is encrypted and sealed').toBe(PACKET_BYTES);
  await turn();
  expect(plain.byteLength).toBe(0);
  end();
  await turn();
  expect(sent[0]?.equals(Buffer.alloc(4, 9))).toBe(true);
});

it('leaves alone what is small, and what may be shared', async () => {
  const { stream, end } = link();
  const small = Buffer.from(new ArrayBuffer(1024));
  const pooled = Buffer.allocUnsafe(4);
  const ofPoolSize = Buffer.from(new ArrayBuffer(Buffer.poolSize), 0, 4);
  for (const chunk of [small, pooled, ofPoolSize, 'text']) stream.write(chunk);
  await turn();
  end();
  await turn();
  expect([small.length, pooled.length, ofPoolSize.length]).toEqual([1024, 4, 4]);
});

it('leaves alone what is marked as not to be moved', async () => {
  const { stream, sent, end } = link();
  const marked = filled(5);
  markAsUntransferable(marked.buffer);
  await new Promise<void>((resolve) => {
    stream.write(marked, () => resolve());
    void turn().then(() => end());
  });
  expect(marked.byteLength).toBe(PACKET_BYTES);
  expect(sent[0]?.equals(Buffer.alloc(PACKET_BYTES, 5))).toBe(true);
});

it('leaves what was not sent to the collector', async () => {
  const { stream, end } = link();
  const encrypted = filled(7);
  const failed = new Promise((resolve) => stream.write(encrypted, resolve));
  await turn();
  end(new Error('The link is gone.'));
  expect(await failed).toBeInstanceOf(Error);
  expect(encrypted.byteLength).toBe(PACKET_BYTES);
});

it('holds megabytes where as much as is sent would wait for the collector', async () => {
  const stream = new Writable({ writev: (_chunks, done) => setImmediate(done) });
  gatherWrites(stream);
  releaseWhatIsWritten(stream);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let packet = 0; packet < 400; packet += 1) {
    const plain = filled(1);
    stream.write(Buffer.from(plain.buffer, 0, 4));
    await new Promise((resolve) => stream.write(filled(2), resolve));
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  // 400 packets are 26 MB, plain and encrypted.
  expect(most).toBeLessThan(4e6);
});
