import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stepIds, waitingStep } from '../model/enrollment.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { EnrollmentRow, SessionView } from '../model/station-state.ts';
import { SignInAgain } from './sign-in-again.ts';

const row = (deviceId: string, state: EnrollmentRow['state']): EnrollmentRow => ({
  ...{ deviceId, position: 1, target: 't', address: 'a', state, attempt: 1, roundTrips: 0 },
  steps: stepIds.map(waitingStep),
});
const waiting = { a: row('a', 'awaiting-sign-in'), b: row('b', 'awaiting-sign-in') };
const running = { a: row('a', 'running'), b: row('b', 'awaiting-sign-in') };
const out = (code?: EnrollmentErrorCode): SessionView => ({
  state: 'signed-out',
  ...(code === undefined
    ? {}
    : { error: { code, title: '', says: '', cause: '', operatorDoes: '', retry: 'now' } }),
});
const starting: SessionView = { state: 'starting' };

describe('asking for a new sign-in in the middle of a batch', () => {
  const acts: string[] = [];
  let again: SignInAgain;
  const take = async (session: SessionView, rows: Record<string, EnrollmentRow>) => {
    again.take({ session, rows });
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

  it('asks once, however many devices come to wait, and not while none does', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), { a: row('a', 'running') });
    expect(acts).toEqual([]);
    again.take({ session: out('IDENTITY_SESSION_ENDED'), rows: running });
    await take(out('IDENTITY_SESSION_ENDED'), waiting);
    await take(starting, waiting);
    expect(acts).toEqual(['begin']);
  });

  it('asks anew for a code that has ended, and gives up where somebody refused', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), waiting);
    await take(starting, waiting);
    await take(out('IDENTITY_CODE_EXPIRED'), waiting);
    await take(starting, waiting);
    await take(out('IDENTITY_SIGN_IN_DENIED'), waiting);
    expect(acts).toEqual(['begin', 'begin', 'give up']);
  });

  it('lets a provider that does not answer rest before it asks again', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), waiting);
    await take(out('IDENTITY_UNREACHABLE'), waiting);
    await take(out('IDENTITY_UNREACHABLE'), waiting);
    expect(acts).toEqual(['begin']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(acts).toEqual(['begin', 'begin']);
  });

  it('takes the question back when no device waits any more, and asks for a later end like for the first', async () => {
    await take(out('IDENTITY_SESSION_ENDED'), waiting);
    await take(starting, { a: row('a', 'failed') });
    expect(acts).toEqual(['begin', 'cancel']);
    await take({ ...signedIn }, {});
    await take(out('IDENTITY_SESSION_ENDED'), waiting);
    expect(acts).toEqual(['begin', 'cancel', 'begin']);
  });
});

const signedIn: SessionView = {
  ...{ state: 'signed-in', account: 'a', expiresAt: 1, renewable: true },
  ...{ remembered: 'memory', rememberedNote: '' },
};
