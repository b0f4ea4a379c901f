import { describe, expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { BatchView, EnrollmentRow } from '#shared/model/station-state.ts';
import {
  countStates,
  enrollmentRate,
  stepMedians,
  timeLeftMs,
  totalMedian,
  yieldPercent,
} from './board-numbers.ts';

const MINUTE = 60_000;
const batch: BatchView = { batchId: 'b', name: 'b', state: 'running', startedAt: 0, concurrency: 2 };

function row(position: number, part: Partial<EnrollmentRow>): EnrollmentRow {
  return {
    deviceId: `d${position}`,
    position,
    target: 'ssh://d',
    address: 'd',
    state: 'waiting',
    attempt: 1,
    steps: stepIds.map((id) => ({ id, state: 'waiting' })),
    roundTrips: 0,
    ...part,
  };
}

const enrolled = (position: number, startedAt: number, finishedAt: number) =>
  row(position, {
    state: 'enrolled',
    startedAt,
    finishedAt,
    steps: stepIds.map((id) => ({ id, state: 'done', startedAt, durationMs: position * 100 })),
  });

describe('the numbers of the board', () => {
  it('counts states, and leaves out of the yield what has not finished', () => {
    const counts = countStates([
      enrolled(1, 0, 1),
      enrolled(2, 0, 1),
      row(3, { state: 'failed' }),
      row(4, {}),
    ]);
    expect(counts).toEqual({
      ...{ waiting: 1, running: 0, 'awaiting-sign-in': 0, enrolled: 2, failed: 1, stopped: 0 },
    });
    expect(yieldPercent(counts)).toBeCloseTo(66.67, 1);
    expect(yieldPercent(countStates([row(1, {})]))).toBeUndefined();
  });

  it('gives the rate over the last quarter of an hour, in bars of a minute', () => {
    const now = 30 * MINUTE;
    const rows = [
      enrolled(1, 0, now - 30_000),
      enrolled(2, 0, now - 90_000),
      enrolled(3, 0, now - 20 * MINUTE),
    ];
    const rate = enrollmentRate(batch, rows, now);
    expect(rate.perMinute).toHaveLength(15);
    expect(rate.perMinute.slice(-2)).toEqual([1, 1]);
    expect(rate.perHour).toBe(8);
    expect(enrollmentRate(batch, [], now).perHour).toBeUndefined();
  });

  it('says nothing about the time left before five have finished', () => {
    const four = [1, 2, 3, 4].map((position) => enrolled(position, 0, MINUTE));
    expect(timeLeftMs(batch, [...four, row(9, {})], MINUTE)).toBeUndefined();
  });

  it('reckons the time left from the last ten and the lanes', () => {
    const five = [1, 2, 3, 4, 5].map((position) => enrolled(position, 0, MINUTE));
    const rows = [
      ...five,
      row(6, {}),
      row(7, {}),
      row(8, {}),
      row(9, { state: 'running', startedAt: MINUTE }),
    ];
    expect(timeLeftMs(batch, rows, MINUTE * 1.5)).toBe((3 * MINUTE + 0.5 * MINUTE) / 2);
    expect(timeLeftMs(batch, five, MINUTE)).toBeUndefined();
    const held = row(10, { state: 'awaiting-sign-in', startedAt: MINUTE });
    expect(timeLeftMs(batch, [...rows, held], MINUTE * 1.5)).toBeUndefined();
  });

  it('takes medians from enrolled devices only', () => {
    const rows = [enrolled(1, 0, 10), enrolled(2, 0, 20), enrolled(9, 0, 90), row(4, { state: 'running' })];
    expect(stepMedians(rows)[0]).toBe(200);
    expect(totalMedian(rows)).toBe(20);
    expect(stepMedians([])[0]).toBeUndefined();
  });
});
