import { expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { waterfall } from './waterfall.ts';

it('draws each step where it was in time, a running one up to now', () => {
  const steps: EnrollmentRow['steps'] = stepIds.map((id, place) => {
    if (place === 0) return { id, state: 'done', startedAt: 1000, durationMs: 250 };
    if (place === 1) return { id, state: 'running', startedAt: 1250 };
    return { id, state: 'waiting' };
  });
  const row: EnrollmentRow = {
    deviceId: 'a',
    position: 1,
    target: 't',
    address: 'a',
    state: 'running',
    attempt: 1,
    startedAt: 1000,
    steps,
    roundTrips: 0,
  };
  const bars = waterfall(row, 2000);
  expect(bars[0]).toEqual({ from: 0, share: 0.25 });
  expect(bars[1]).toEqual({ from: 0.25, share: 0.75 });
  expect(bars[2]).toBeUndefined();
});
