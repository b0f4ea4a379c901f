import { describe, expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { countMoved } from '../../ui/use-held-order.ts';
import { filterRows, orderRows } from './board-order.ts';
import { groupCauses } from './causes.ts';
import { ordinal, rowProgress, shortAddress } from './row-words.ts';

function row(position: number, part: Partial<EnrollmentRow>): EnrollmentRow {
  return {
    deviceId: `d${position}`,
    position,
    target: 'ssh://d',
    address: `10.0.0.${position}`,
    state: 'waiting',
    attempt: 1,
    steps: stepIds.map((id) => ({ id, state: 'waiting' })),
    roundTrips: 0,
    ...part,
  };
}

const error = (
  code: 'DEVICE_UNREACHABLE' | 'DEVICE_APT_LOCKED',
  says: string,
): NonNullable<EnrollmentRow['error']> => ({
  code,
  title: code,
  says,
  cause: 'the general cause',
  operatorDoes: 'do it',
  retry: 'now',
});

const rows = [
  row(1, { state: 'enrolled', finishedAt: 5 }),
  row(2, { state: 'waiting' }),
  row(3, { state: 'failed', finishedAt: 9, error: error('DEVICE_APT_LOCKED', 'locked') }),
  row(4, { state: 'running' }),
  row(5, { state: 'enrolled', finishedAt: 8 }),
  row(6, {
    state: 'failed',
    finishedAt: 2,
    error: error('DEVICE_UNREACHABLE', 'Nothing answers at 10.0.0.6.'),
  }),
  row(7, {
    state: 'failed',
    finishedAt: 4,
    error: error('DEVICE_UNREACHABLE', 'Nothing answers at 10.0.0.7.'),
  }),
];

const ids = (given: readonly EnrollmentRow[]) => given.map((one) => one.deviceId);

describe('order and filter', () => {
  it('puts what needs a person first, newest enrolled on top of the enrolled', () => {
    expect(ids(orderRows(rows, 'needs-you'))).toEqual(['d3', 'd6', 'd7', 'd4', 'd2', 'd5', 'd1']);
    expect(ids(orderRows([...rows].reverse(), 'bench'))).toEqual(ids(rows));
    const held = row(8, { state: 'awaiting-sign-in' });
    expect(ids(orderRows([...rows, held], 'needs-you')).slice(2, 5)).toEqual(['d7', 'd8', 'd4']);
  });

  it('filters by state and by a part of id or address', () => {
    expect(ids(filterRows(rows, 'failed', ''))).toEqual(['d3', 'd6', 'd7']);
    expect(ids(filterRows(rows, 'all', ' 0.0.4 '))).toEqual(['d4']);
  });

  it('counts rows that would stand elsewhere', () => {
    expect(countMoved(['a', 'b', 'c'], ['a', 'c', 'b'])).toBe(2);
    expect(countMoved(['a', 'b'], ['a', 'b'])).toBe(0);
    expect(countMoved(['a', 'b', 'c'], ['a'])).toBe(2);
  });
});

describe('causes', () => {
  it('are grouped by code in the order of first appearance, devices in bench order', () => {
    const causes = groupCauses(rows);
    expect(causes.map((cause) => [cause.code, cause.deviceIds])).toEqual([
      ['DEVICE_UNREACHABLE', ['d6', 'd7']],
      ['DEVICE_APT_LOCKED', ['d3']],
    ]);
  });

  it('keep the place they have on the screen', () => {
    const causes = groupCauses(rows, ['DEVICE_APT_LOCKED', 'DEVICE_UNREACHABLE']);
    expect(causes.map((cause) => cause.code)).toEqual(['DEVICE_APT_LOCKED', 'DEVICE_UNREACHABLE']);
  });

  it('do not tell the address of one device for several', () => {
    expect(groupCauses(rows)[0]?.says).toBe('the general cause');
    expect(groupCauses(rows.slice(0, 6))[0]?.says).toBe('Nothing answers at 10.0.0.6.');
  });
});

describe('words and progress of a row', () => {
  it.each([
    [2, '2nd'],
    [3, '3rd'],
    [11, '11th'],
    [21, '21st'],
  ])('try %i is the %s', (count, word) => expect(ordinal(count)).toBe(word));

  it('keeps the end of a long address', () => {
    expect(shortAddress('10.20.4.106')).toBe('10.20.4.106');
    expect(shortAddress('127.0.0.1:36865')).toBe('….0.1:36865');
  });

  it('counts a running step by its share', () => {
    const steps: EnrollmentRow['steps'] = stepIds.map((id, place) =>
      place < 3
        ? { id, state: 'done' }
        : place === 3
          ? { id, state: 'running', progress: { text: '', done: 5, total: 10 } }
          : { id, state: 'waiting' },
    );
    expect(rowProgress(row(1, { steps }))).toBeCloseTo(3.5 / 9);
  });
});
