import { expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { summarise } from './spoken-summary.ts';

const row = (deviceId: string, state: EnrollmentRow['state']): EnrollmentRow => ({
  deviceId,
  position: 1,
  target: 't',
  address: 'a',
  state,
  attempt: 1,
  steps: stepIds.map((id) => ({ id, state: 'waiting' })),
  roundTrips: 0,
});

it('speaks what ended since the last look, and nothing else', () => {
  const before = { a: row('a', 'running'), b: row('b', 'running'), c: row('c', 'waiting') };
  const after = { a: row('a', 'enrolled'), b: row('b', 'failed'), c: row('c', 'running') };
  expect(summarise(before, after)).toBe('1 more enrolled, 1 failed: b.');
  expect(summarise(after, { ...after })).toBe('');
});

it('speaks once of devices that begin to wait for a sign-in', () => {
  const before = { a: row('a', 'running'), b: row('b', 'running') };
  const after = { a: row('a', 'awaiting-sign-in'), b: row('b', 'awaiting-sign-in') };
  expect(summarise(before, after)).toBe('2 wait for a sign-in.');
  expect(summarise(after, { ...after, b: row('b', 'running') })).toBe('');
});
