import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countOf,
  formatAge,
  formatBytes,
  formatClockSpan,
  formatCount,
  formatDate,
  formatDuration,
  formatLongSpan,
  formatMoment,
  formatOffset,
  formatSpanWords,
} from './format.ts';

const HOUR = 3_600_000;

describe('durations', () => {
  it.each([
    [0, '0.0 s'],
    [2100, '2.1 s'],
    [59_949, '59.9 s'],
    [59_990, '1:00'],
    [126_000, '2:06'],
    [3_726_000, '1:02:06'],
  ])('%i ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('never shows sixty seconds or a negative time', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10_000, max: 50 * HOUR }), (ms) => {
        expect(formatDuration(ms)).toMatch(/^(\d\.\d|[1-5]\d\.\d) s$|^(\d+:)?[0-5]?\d:[0-5]\d$/);
      }),
    );
  });

  it.each([
    [6000, '0:06'],
    [217_000, '3:37'],
    [8_048_000, '2:14:08'],
  ])('a countdown of %i ms is %s', (ms, text) => expect(formatClockSpan(ms)).toBe(text));

  it.each([
    [19_400, '19 s'],
    [102_000, '1:42'],
    [8_048_000, '2:14:08'],
    [76 * HOUR, '3 d 4 h'],
  ])('an age of %i ms is %s', (ms, text) => expect(formatAge(ms)).toBe(text));

  it.each([
    [30_000, 'under a minute'],
    [8.4 * 60_000, '8 min'],
    [6 * HOUR + 41 * 60_000, '6 h 41 min'],
  ])('%i ms in words is %s', (ms, text) => expect(formatSpanWords(ms)).toBe(text));

  it.each([
    [59 * 60_000, 'under an hour'],
    [47 * HOUR, '47 h'],
    [48 * HOUR, '2 days'],
    [99 * 24 * HOUR, '99 days'],
    [100 * 24 * HOUR, '3 months'],
    [365 * 24 * HOUR, '11 months'],
    [7305 * 24 * HOUR, '20 years'],
    [-5, 'under an hour'],
  ])('a long span of %i ms is %s', (ms, text) => expect(formatLongSpan(ms)).toBe(text));

  it('writes a date so that no two countries read it differently', () => {
    expect(formatDate(new Date(2026, 11, 3, 14, 5).getTime())).toBe('3 Dec 2026, 14:05');
  });

  it('tells a moment of another day with its date', () => {
    const noon = new Date(2026, 11, 3, 12).getTime();
    expect(formatMoment(new Date(2026, 11, 3, 0, 0, 1).getTime(), noon)).toBe('00:00:01');
    expect(formatMoment(new Date(2026, 11, 2, 23, 59).getTime(), noon)).toBe('2 Dec 2026, 23:59');
  });

  it('puts tenths into the gutter of the log', () => expect(formatOffset(117_449)).toBe('+1:57.4'));
});

describe('amounts', () => {
  it('separates thousands', () => expect(formatCount(2914)).toBe('2,914'));
  it.each([
    [512, '512 B'],
    [212_000_000, '212 MB'],
    [24_100_000_000, '24.1 GB'],
    [999_950, '1.0 MB'],
  ])('%i bytes is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it('counts one and many', () => {
    expect(countOf(1, 'cause')).toBe('1 cause');
    expect(countOf(3, 'cause')).toBe('3 causes');
  });
});
