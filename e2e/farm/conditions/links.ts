import type { Condition } from './condition.ts';

const good = { bitsPerSecond: 1_000_000_000, oneWayMs: 0, loseEvery: 0, periodMs: 0, deadMs: 0 };

/** What lies between the station and the device. */
export const linkConditions = {
  'slow-link': {
    about: '2 Mbit/s in each direction, 80 ms there and back',
    link: { ...good, bitsPerSecond: 2_000_000, oneWayMs: 40 },
  },
  'flaky-link': {
    about: '20 Mbit/s, 20 ms there and back, every 50th frame is lost, and for 3 s of every 15 s all are',
    link: { bitsPerSecond: 20_000_000, oneWayMs: 10, loseEvery: 50, periodMs: 15_000, deadMs: 3_000 },
  },
} as const satisfies Record<string, Condition>;
