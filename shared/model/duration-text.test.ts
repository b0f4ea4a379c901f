import { expect, it } from 'vitest';
import { durationText, megabytesText, waitText } from './duration-text.ts';

it.each([
  [0, '0.0 s'],
  [2_140, '2.1 s'],
  [59_949, '59.9 s'],
  [59_950, '1:00'],
  [126_000, '2:06'],
  [3_599_499, '59:59'],
  [3_599_500, '1:00:00'],
  [3_726_000, '1:02:06'],
])('%i ms is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

it('tells megabytes with one decimal', () => {
  expect([megabytesText(0), megabytesText(18_640_000)]).toEqual(['0.0 MB', '18.6 MB']);
});

it.each([
  [1, '1 second'],
  [7_000, '7 seconds'],
  [90_000, '90 seconds'],
  [120_000, '2 minutes'],
  [181_000, '4 minutes'],
  [3_600_000, '60 minutes'],
])('says that %i ms are to be waited for as %s', (ms, text) => {
  expect(waitText(ms)).toBe(text);
});
