import { describe, expect, it } from 'vitest';
import { Secret } from '../model/secret.ts';
import type { CommandContext } from './command-context.ts';
import { maySignInAgain, patienceOfLooking, readPatience } from './sign-in-patience.ts';

const halfAnHour = 30 * 60_000;
const terminal = {} as NonNullable<CommandContext['terminal']>;

describe('a command that only looks', () => {
  it.each([
    ['on a terminal', terminal, undefined, halfAnHour],
    ['in a pipe', undefined, undefined, 0],
    ['on a terminal, asked to wait', terminal, '5', 5 * 60_000],
    ['in a pipe, asked to wait', undefined, '5', 5 * 60_000],
    ['on a terminal, asked not to', terminal, '0', 0],
    ['in a pipe, asked not to', undefined, '0', 0],
  ])('%s', (_where, there, minutes, waits) => {
    const patience = readPatience(minutes);
    expect(patienceOfLooking({ terminal: there }, patience)).toBe(waits);
  });
});

describe('a sign-in that ended', () => {
  it('is asked for again by whoever may wait, and never in place of a token that was handed in', () => {
    expect(maySignInAgain({}, {})).toBe(true);
    expect(maySignInAgain({}, { signInPatienceMs: 0 })).toBe(false);
    const token = { value: new Secret('opaque'), variable: 'MUSTER_ADMIN_TOKEN' };
    expect(maySignInAgain({ token }, {})).toBe(false);
  });
});
