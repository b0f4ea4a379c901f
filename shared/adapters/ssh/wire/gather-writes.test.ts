import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { gatherWrites } from './gather-writes.ts';

/** A stream that notes what is handed to the system at once. */
function link(options: { readonly takesSeveral: boolean; readonly highWaterMark?: number }) {
  const calls: string[][] = [];
  const stream = new Writable({
    ...(options.highWaterMark === undefined ? {} : { highWaterMark: options.highWaterMark }),
    write: (chunk: Buffer, _encoding, done) => {
      calls.push([chunk.toString()]);
      setImmediate(done);
    },
    ...(options.takesSeveral
      ? {
          writev: (chunks: { chunk: Buffer }[], done: () => void) => {
            calls.push(chunks.map(({ chunk }) => chunk.toString()));
            setImmediate(done);
          },
        }
      : {}),
  });
  gatherWrites(stream);
  return { stream, calls };
}

const ended = (stream: Writable) => new Promise((resolve) => stream.end(resolve));

it('hands on together what is written in one go, and apart what is not', async () => {
  const { stream, calls } = link({ takesSeveral: true });
  for (const piece of ['length', 'packet', 'tag']) stream.write(piece);
  await new Promise((resolve) => setImmediate(resolve));
  stream.write('later');
  await ended(stream);
  expect(calls).toEqual([['length', 'packet', 'tag'], ['later']]);
});

it('keeps the order where a stream takes one piece at a time', async () => {
  const { stream, calls } = link({ takesSeveral: false });
  for (const piece of ['1', '2', '3']) stream.write(piece);
  await ended(stream);
  expect(calls).toEqual([['1'], ['2'], ['3']]);
});

it('tells of a backlog and of its end, and calls back for every piece', async () => {
  const { stream } = link({ takesSeveral: true, highWaterMark: 4 });
  let taken = 0;
  const drained = new Promise((resolve) => stream.once('drain', resolve));
  expect(stream.write('abcd', () => taken++)).toBe(false);
  expect(stream.write('efgh', () => taken++)).toBe(false);
  expect(stream.writableLength).toBe(8);
  await drained;
  expect([taken, stream.writableLength]).toEqual([2, 0]);
});
