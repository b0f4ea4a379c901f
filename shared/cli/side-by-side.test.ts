import { expect, it } from 'vitest';
import { sideBySide } from './side-by-side.ts';

it('does so many at once and no more, begun in their order, and one that fails is no reason to stop', async () => {
  const begun: number[] = [];
  const ends = new Map<number, (failure?: Error) => void>();
  const done = sideBySide([0, 1, 2, 3], 2, (thing) => {
    begun.push(thing);
    return new Promise<number>((resolve, reject) => {
      ends.set(thing, (failure) => (failure === undefined ? resolve(thing * 10) : reject(failure)));
    });
  });
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  ends.get(1)?.();
  expect(await done[1]).toBe(10);
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  ends.get(2)?.(new Error('no'));
  await expect(done[2]).rejects.toThrow('no');
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2, 3]);
  ends.get(0)?.();
  ends.get(3)?.();
  expect(await Promise.all([done[0], done[3]])).toEqual([0, 30]);
});
