import { expect, test } from 'vitest';
import { restartDelayMs } from './restart-policy.ts';

test('waits longer after each crash', () => {
  const delays = [1, 2, 3, 4, 5].map((count) =>
    restartDelayMs(Array.from({ length: count }, (_, index) => index * 1000)),
  );
  expect(delays).toEqual([200, 400, 800, 1600, 3200]);
});

test('gives up at the sixth crash within a minute', () => {
  expect(restartDelayMs([0, 1, 2, 3, 4, 5])).toBeUndefined();
});

test('forgets crashes of more than a minute ago', () => {
  expect(restartDelayMs([0, 1, 2, 3, 4, 60_005])).toBe(200);
});
