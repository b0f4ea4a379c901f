import { expect, it } from 'vitest';
import { livenessOf, matches } from './heartbeat-age.ts';

const beat = (deviceId: string, receivedAt: number) => ({
  deviceId,
  receivedAt,
  revision: 1,
  addresses: ['10.0.0.9'],
  labels: { line: '3' },
});

it.each([
  [0, 'online'],
  [30_000, 'online'],
  [30_001, 'late'],
  [120_001, 'offline'],
] as const)('a heartbeat %i ms old is %s', (age, word) => expect(livenessOf(beat('a', 0), age)).toBe(word));

it('finds by label and address', () => {
  expect(matches(beat('a', 0), 'LINE=3')).toBe(true);
  expect(matches(beat('a', 0), '0.9')).toBe(true);
  expect(matches(beat('a', 0), 'line=4')).toBe(false);
});
