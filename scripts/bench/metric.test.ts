import { expect, test } from 'vitest';
import { type Metric, reachesGoal, resultRows, resultTable } from './metric.ts';

const start: Metric = {
  metric: 'window start',
  value: 1.71234,
  unit: 'times bare',
  goal: 1.6,
  better: 'lower',
};

test('a goal is an upper or a lower bound', () => {
  expect(reachesGoal(start)).toBe(false);
  expect(reachesGoal({ ...start, value: 1.6 })).toBe(true);
  expect(reachesGoal({ ...start, better: 'higher' })).toBe(true);
  const { goal: _none, ...open } = start;
  expect(reachesGoal(open)).toBe(true);
});

test('rows have the promised fields and a missed goal shows in the table', () => {
  expect(resultRows([start])).toEqual([
    { metric: 'window start', value: 1.712, unit: 'times bare', goal: 1.6, better: 'lower', ok: false },
  ]);
  expect(resultTable('start', [start]).split('\n')[1]).toBe(
    'window start  1.712 times bare  at most 1.6  MISSED',
  );
});
