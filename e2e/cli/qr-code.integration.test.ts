import { expect, it } from 'vitest';
import { promptLines } from '#shared/cli/sign-in.ts';
import { readHalfBlocks } from '../screens/qr-code.ts';

/** The code of a sign-in as a terminal shows it, before the camera of a phone. */
const prompt = {
  state: 'awaiting-approval',
  userCode: 'WDJB-MJHT',
  verificationUri: 'https://sso.plant-east.example:8443/device',
  verificationUriComplete: 'https://sso.plant-east.example:8443/device?user_code=WDJB-MJHT',
  ...{ requestedAt: 0, expiresAt: 300_000, intervalSeconds: 5 },
} as const;
const pictureOf = (lines: readonly string[]): string[] => lines.filter((line) => /[█▀▄]/.test(line));

it.each([
  ['dark', 'light'],
  ['light', 'dark'],
] as const)('is read on a %s terminal', (_terminal, ink) => {
  expect(readHalfBlocks(pictureOf(promptLines(prompt)), ink)).toBe(prompt.verificationUriComplete);
});

it('is left out, not cut off, where there is no room for it', () => {
  const whole = pictureOf(promptLines(prompt));
  const narrow = { columns: (whole[0] ?? '').length - 1, lines: 100 };
  expect(pictureOf(promptLines(prompt, narrow))).toEqual([]);
  expect(promptLines(prompt, narrow).join('\n')).toContain(prompt.verificationUriComplete);
  // A reader finds nothing in a part of it.
  expect(() => readHalfBlocks(whole.slice(4), 'light')).toThrow();
});
