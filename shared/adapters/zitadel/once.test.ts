import { expect, it } from 'vitest';
import { once } from './once.ts';

const never = new AbortController().signal;

it('does its work once, for those who ask together and for those who come later', async () => {
  let times = 0;
  const work = once(async () => {
    times += 1;
    return times;
  });
  expect(await Promise.all([1, 2, 3].map(() => work.ask(never)))).toEqual([1, 1, 1]);
  expect(await work.ask(never)).toBe(1);
  work.forget();
  expect(await work.ask(never)).toBe(2);
});

it('does it again for those who waited for somebody who gave up', async () => {
  const first = new AbortController();
  let times = 0;
  const work = once((signal) => {
    times += 1;
    if (times > 1) return Promise.resolve(times);
    return new Promise<number>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  });
  const given = work.ask(first.signal);
  const waiting = [work.ask(never), work.ask(never)];
  first.abort(new Error('stopped'));
  await expect(given).rejects.toThrow('stopped');
  expect(await Promise.all(waiting)).toEqual([2, 2]);
});

it('keeps no failure', async () => {
  let times = 0;
  const work = once(() => {
    times += 1;
    return times === 1 ? Promise.reject(new Error('down')) : Promise.resolve(times);
  });
  await expect(work.ask(never)).rejects.toThrow('down');
  expect(await work.ask(never)).toBe(2);
});
