import { describe, expect, it } from 'vitest';
import type { AccessTokenSource } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { Secret } from '../../model/secret.ts';
import { CallTokens, type RefusedCall } from './call-tokens.ts';

const signal = new AbortController().signal;
const refused: RefusedCall = {
  ended: () => new EnrollmentError('IDENTITY_SESSION_ENDED'),
  notAccepted: () => new EnrollmentError('IDENTITY_SIGN_IN_NOT_ACCEPTED'),
};

/** Gives another token for every rejected one; `renewals` and `signIns` count why. */
class CountingTokens implements AccessTokenSource {
  renewals = 0;
  signIns = 0;
  current = new Secret('token-0');

  async accessToken(_signal: AbortSignal, rejected?: Secret, ends?: EnrollmentError): Promise<Secret> {
    if (rejected === undefined || !rejected.equals(this.current)) return this.current;
    if (ends === undefined) this.renewals += 1;
    else this.signIns += 1;
    this.current = new Secret(`token-${this.renewals + this.signIns}`);
    return this.current;
  }
}

/** A call that is refused until it has a token that is taken; how often it was sent. */
async function call(calls: CallTokens, isTaken: (token: Secret) => boolean): Promise<number> {
  let token = await calls.first(signal);
  for (let sent = 1; ; sent += 1) {
    if (isTaken(token)) {
      calls.wasAccepted(token);
      return sent;
    }
    token = await calls.inPlaceOf(token, sent, refused, signal);
  }
}
const codeOf = (calls: CallTokens) =>
  call(calls, () => false).catch((thrown: EnrollmentError) => thrown.code);

describe('a token that the provider refuses', () => {
  it('is renewed first, and only what came of that ends the sign-in', async () => {
    const tokens = new CountingTokens();
    const calls = new CallTokens(tokens);
    expect(await call(calls, (token) => token.reveal() === 'token-1')).toBe(2);
    expect([tokens.renewals, tokens.signIns]).toEqual([1, 0]);
    expect(await call(calls, (token) => token.reveal() === 'token-3')).toBe(3);
    expect([tokens.renewals, tokens.signIns]).toEqual([2, 1]);
  });

  it('is renewed once more where it has worked: it has ended since', async () => {
    const tokens = new CountingTokens();
    const calls = new CallTokens(tokens);
    let asked = 0;
    const sent = await call(calls, (token) => {
      asked += 1;
      // Another device's call is answered with the token that this one brought.
      if (asked === 2) calls.wasAccepted(token);
      return asked === 3;
    });
    expect(sent).toBe(3);
    expect([tokens.renewals, tokens.signIns]).toEqual([2, 0]);
  });

  it('leads to one new sign-in, however many calls are refused, until something is accepted', async () => {
    const tokens = new CountingTokens();
    const calls = new CallTokens(tokens);
    for (let device = 0; device < 5; device += 1)
      expect(await codeOf(calls)).toBe('IDENTITY_SIGN_IN_NOT_ACCEPTED');
    expect(tokens.signIns).toBe(1);
    calls.wasAccepted(new Secret('of before'));
    await codeOf(calls);
    expect(tokens.signIns).toBe(2);
  });

  it('of a source that knows no other ends the call, and tells that the sign-in has ended', async () => {
    let asked = 0;
    const calls = new CallTokens({
      accessToken: async () => {
        asked += 1;
        return new Secret('always the same');
      },
    });
    expect(await codeOf(calls)).toBe('IDENTITY_SESSION_ENDED');
    expect(asked).toBe(3);
  });
});
