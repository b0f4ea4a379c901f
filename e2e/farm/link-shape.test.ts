import { expect, test } from 'vitest';
import { shapeDirection } from './link-shape.ts';

const good = { bitsPerSecond: 2_000_000, oneWayMs: 40, loseEvery: 0, periodMs: 15_000, deadMs: 0 };

test('a frame takes its own time on the wire, waits for the one before it, and travels', () => {
  const departure = shapeDirection(good);
  expect(departure(1_500, 1_000)).toBe(1_000 + 6 + 40);
  expect(departure(1_500, 1_000)).toBe(1_000 + 12 + 40);
  expect(departure(1_500, 2_000)).toBe(2_000 + 6 + 40);
});

test('a buffer of more than a second is full', () => {
  const departure = shapeDirection(good);
  const passed = Array.from({ length: 400 }, () => departure(1_500, 0)).filter((at) => at !== undefined);
  expect(passed).toHaveLength(167);
});

test('a bad link loses single frames and has silent times', () => {
  const departure = shapeDirection({ ...good, loseEvery: 3, deadMs: 3_000 });
  expect([1, 2, 3, 4].map((ms) => departure(100, ms) === undefined)).toEqual([false, false, true, false]);
  expect([11_990, 12_000, 14_999, 15_000].map((ms) => departure(100, ms) === undefined)).toEqual([
    ...[false, true, true, false],
  ]);
});
