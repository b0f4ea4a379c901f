import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { SessionView } from '../model/station-state.ts';
import { SignInAgain } from './sign-in-again.ts';

const out = (code?: EnrollmentErrorCode): SessionView => ({
  state: 'signed-out',
  ...(code === undefined
    ? {}
    : { error: { code, title: '', says: '', cause: '', operatorDoes: '', retry: 'now' } }),
});
const starting: SessionView = { state: 'starting' };

describe('asking for a new sign-in when it has ended on the way', () => {
  const acts: string[] = [];
  let again: SignInAgain;
  const take = async (session: SessionView, isAwaited: boolean) => {
    again.take(session, isAwaited);
    await Promise.resolve();
  };

  beforeEach(() => {
    vi.useFakeTimers();
    acts.length = 0;
    again = new SignInAgain({
      begin: () => acts.push('begin'),
      cancel: () => acts.push('cancel'),
      giveUp: () => acts.push('give up'),
    });
  });
  afterEach(() => {
    again.close();
    vi.useRealTimers();
  });

  it('asks once, however much comes to wait, and not while nothing does', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), false);
    expect(acts).toEqual([]);
    again.take(out('IDENTITY_SESSION_ENDED'), true);
    await take(out('IDENTITY_SESSION_ENDED'), true);
    await take(starting, true);
    expect(acts).toEqual(['begin']);
  });

  it('asks anew for a code that has ended, and gives up where somebody refused', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), true);
    await take(starting, true);
    await take(out('IDENTITY_CODE_EXPIRED'), true);
    await take(starting, true);
    await take(out('IDENTITY_SIGN_IN_DENIED'), true);
    expect(acts).toEqual(['begin', 'begin', 'give up']);
  });

  it('lets a provider that does not answer rest before it asks again', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), true);
    await take(out('IDENTITY_UNREACHABLE'), true);
    await take(out('IDENTITY_UNREACHABLE'), true);
    expect(acts).toEqual(['begin']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(acts).toEqual(['begin', 'begin']);
  });

  it('takes the question back when nothing waits any more, and asks for a later end like for the first', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), true);
    await take(starting, false);
    expect(acts).toEqual(['begin', 'cancel']);
    await take({ ...signedIn }, false);
    await take(out('IDENTITY_SESSION_ENDED'), true);
    expect(acts).toEqual(['begin', 'cancel', 'begin']);
  });
});

const signedIn: SessionView = {
  ...{ state: 'signed-in', account: 'a', expiresAt: 1, renewable: true },
  ...{ remembered: 'memory', rememberedNote: '' },
};
