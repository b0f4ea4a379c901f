import { describe, expect, it } from 'vitest';
import type { SessionView } from '#shared/model/station-state.ts';
import { spokenSession } from './spoken-session.ts';

const out: SessionView = { state: 'signed-out' };
const awaiting: SessionView = {
  ...{ state: 'awaiting-approval', userCode: 'WDJB-MJHT', intervalSeconds: 5, requestedAt: 0, expiresAt: 1 },
  ...{ verificationUri: 'https://a.example/device', verificationUriComplete: 'https://a.example/device?c' },
};
const signedIn: SessionView = {
  ...{
    state: 'signed-in',
    account: 'Operator 14',
    organisation: 'Plant East',
    expiresAt: 1,
    renewable: true,
  },
  ...{ remembered: 'keychain', rememberedNote: 'Secret Service' },
};
const expired: SessionView = {
  state: 'signed-out',
  error: {
    ...{ code: 'IDENTITY_CODE_EXPIRED', title: 't', says: 's', cause: 'c', operatorDoes: 'o', retry: 'now' },
  },
};

describe('what is spoken of the sign-in', () => {
  it('names account, organisation and memory once it is there', () => {
    expect(spokenSession(awaiting, signedIn)).toBe('Signed in as Operator 14, Plant East. Remembered.');
    const { organisation: _, ...nobodys } = signedIn;
    expect(spokenSession(awaiting, { ...nobodys, remembered: 'memory' })).toBe(
      'Signed in as Operator 14. Not remembered.',
    );
  });
  it('says once that the browser did not open', () => {
    const closed = { ...awaiting, browserOpened: false };
    expect(spokenSession(awaiting, closed)).toContain('did not open');
    expect(spokenSession(closed, closed)).toBe('');
    expect(spokenSession(awaiting, { ...awaiting, browserOpened: true })).toBe('');
  });
  it('tells an expired code, a cancelled sign-in and a sign-out apart', () => {
    expect(spokenSession(awaiting, expired)).toBe('The code has expired. Get a new code.');
    expect(spokenSession(awaiting, out)).toBe('Sign-in cancelled.');
    expect(spokenSession(signedIn, out)).toBe('Signed out.');
  });
  it('is silent while nothing changes', () => {
    expect(spokenSession(signedIn, { ...signedIn, expiresAt: 2 })).toBe('');
    expect(spokenSession(out, out)).toBe('');
  });
});
