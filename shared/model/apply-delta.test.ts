import { describe, expect, it } from 'vitest';
import { initialState } from '../engine/station-view.ts';
import { applyDelta, deltaFit, takeSnapshot } from './apply-delta.ts';
import { stepIds, waitingStep } from './enrollment.ts';
import { type EnrollmentRow, type StationState, stationDeltaSchema } from './station-state.ts';

function row(deviceId: string): EnrollmentRow {
  const place = { deviceId, position: 1, target: deviceId, address: deviceId };
  return { ...place, state: 'waiting', attempt: 1, steps: stepIds.map(waitingStep), roundTrips: 0 };
}

const station = { name: 'Line 1', version: '0.0.0', reachesThisComputer: true };
const start: StationState = { ...initialState(station, undefined), revision: 3 };
const batch = { batchId: 'b', name: 'n', state: 'running', startedAt: 1, concurrency: 8 } as const;

describe('applyDelta', () => {
  it('merges rows and keeps untouched ones the same objects', () => {
    const [a, b] = [row('a'), row('b')];
    const before = { ...start, rows: { a, b } };
    const after = applyDelta(before, { revision: 4, rows: { b: { ...b, state: 'running' } } });
    expect(after.rows.a).toBe(a);
    expect(after.rows.b?.state).toBe('running');
    expect(after.bench).toBe(before.bench);
    expect(before.rows.b?.state).toBe('waiting');
    expect(after.revision).toBe(4);
  });

  it('replaces all rows when a new batch begins', () => {
    const before = { ...start, rows: { a: row('a') } };
    const after = applyDelta(before, { revision: 4, resetRows: true, rows: { b: row('b') } });
    expect(Object.keys(after.rows)).toEqual(['b']);
  });

  it('sets and clears the batch', () => {
    const running = applyDelta(start, { revision: 4, batch });
    expect(running.batch).toEqual(batch);
    expect('batch' in applyDelta(running, { revision: 5, batch: null })).toBe(false);
    expect(applyDelta(running, { revision: 5 }).batch).toBe(running.batch);
  });
});

describe('deltaFit', () => {
  it.each([
    [{ revision: 4 }, 'next'],
    [{ revision: 3 }, 'old'],
    [{ revision: 5 }, 'gap'],
    [{ revision: 9, since: 3 }, 'next'],
    [{ revision: 9, since: 2 }, 'next'],
    [{ revision: 9, since: 4 }, 'gap'],
    [takeSnapshot, 'gap'],
  ] as const)('of %j is %s', (delta, fit) => {
    expect(deltaFit(start, delta)).toBe(fit);
    expect(stationDeltaSchema.safeParse(delta).success).toBe(true);
  });
});
