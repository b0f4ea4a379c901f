import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { Lamp, SessionView } from '../model/station-state.ts';
import type { FakeClock } from '../testing/fake-clock.ts';
import type { FakeSignInClient, FakeTokenCache } from '../testing/fake-sign-in.ts';
import { WatchedSession } from '../testing/watched-session.ts';
import type { Session } from './session.ts';

let watched: WatchedSession;
let clock: FakeClock;
let client: FakeSignInClient;
let cache: FakeTokenCache;
let session: Session;
let views: SessionView[];
let lamps: Lamp[];

const never = new AbortController().signal;
const signIn = () => watched.signIn();

beforeEach(() => {
  watched = new WatchedSession();
  ({ clock, client, cache, session, views, lamps } = watched);
});

describe('a sign-in that has ended', () => {
  it('is forgotten, and only that: another person may have signed in at another station since', async () => {
    await signIn();
    await clock.advance(600_000);
    const theirs = { ...client.tokens(), subject: 'somebody-else' };
    cache.tokens = theirs;
    client.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    await expect(session.accessToken(never)).rejects.toMatchObject({ code: 'IDENTITY_SESSION_ENDED' });
    expect(session.isSignedIn).toBe(false);
    expect(cache.tokens).toBe(theirs);
  });

  it('and was another station’s leaves the one in use as it was, also when no new one is made', async () => {
    // One that cannot renew itself may be replaced before it ends.
    const lasting = { ...client.tokens(), refreshToken: undefined };
    cache.tokens = lasting;
    await session.resume(never);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
    cache.tokens = { ...client.tokens(), expiresAt: clock.nowMs() - 1 };
    client.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    const signing = session.signIn();
    await clock.advance(2_000);
    session.cancel();
    await signing;
    expect(session.isSignedIn).toBe(true);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
  });
});

describe('a keychain that could not be written once', () => {
  it('does not bring back what it still holds: its refresh token is used', async () => {
    await signIn();
    const kept = cache.tokens;
    cache.failsWith = new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE');
    const renewed = [await session.accessToken(never)];
    for (const _round of [1, 2]) renewed.push(await session.accessToken(never, renewed.at(-1)));
    cache.failsWith = undefined;
    expect(cache.tokens).toBe(kept);
    const used: (string | undefined)[] = [];
    const refresh = client.refresh.bind(client);
    client.refresh = (tokens, signal) => {
      used.push(tokens.accessToken.reveal());
      return refresh(tokens, signal);
    };
    const newest = await session.accessToken(never, renewed.at(-1));
    expect(used).toEqual([renewed.at(-1)?.reveal()]);
    expect(cache.tokens?.accessToken).toBe(newest);
    await session.signOut(never);
    expect(cache.tokens).toBeUndefined();
  });

  it('is believed again once another station has written it', async () => {
    await signIn();
    cache.failsWith = new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE');
    const renewed = await session.accessToken(never, await session.accessToken(never));
    cache.failsWith = undefined;
    const theirs = client.tokens();
    cache.tokens = theirs;
    expect(await session.accessToken(never, renewed)).toBe(theirs.accessToken);
  });
});

describe('a keychain that is locked', () => {
  it('is told instead of an empty one, and what it remembers is taken up once it is open', async () => {
    cache.tokens = client.tokens();
    cache.failsWith = new EnrollmentError('STATION_KEYCHAIN_LOCKED');
    await session.resume(never);
    expect(views.at(-1)).toMatchObject({ state: 'signed-out', error: { code: 'STATION_KEYCHAIN_LOCKED' } });
    expect(lamps.at(-1)).toMatchObject({ state: 'attention', word: 'locked' });
    cache.failsWith = undefined;
    await session.signIn();
    expect(views.map((view) => view.state)).not.toContain('awaiting-approval');
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', remembered: 'keychain' });
    expect(lamps.at(-1)).toMatchObject({ state: 'ok' });
  });
});

describe('signing out', () => {
  it('revokes and forgets', async () => {
    await signIn();
    await session.signOut(never);
    expect(client.revoked).toHaveLength(1);
    expect(cache.tokens).toBeUndefined();
    expect(views.at(-1)).toEqual({ state: 'signed-out' });
  });

  it('revokes what is remembered also where this station does not use it', async () => {
    cache.tokens = client.tokens();
    await session.signOut(never);
    expect(client.revoked).toHaveLength(1);
    expect(cache.tokens).toBeUndefined();
  });

  it('leaves the sign-in of another person, made at another station since, alone', async () => {
    await signIn();
    const theirs = { ...client.tokens(), subject: 'somebody-else' };
    cache.tokens = theirs;
    await session.signOut(never);
    expect(client.revoked).toHaveLength(1);
    expect(cache.tokens).toBe(theirs);
    expect(session.isSignedIn).toBe(false);
  });

  describe('out of a keychain that keeps what it has', () => {
    const stuck = new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE', {
      details: { problem: 'The keychain did not answer within 5 s' },
    });

    it('revokes all the same, and tells where the entry is and how to delete it', async () => {
      await signIn();
      cache.removeFailsWith = stuck;
      const [left, ...others] = await session.signOut(never);
      expect(others).toEqual([]);
      expect(client.revoked).toHaveLength(1);
      expect(session.isSignedIn).toBe(false);
      const told = {
        code: 'STATION_SIGN_IN_NOT_FORGOTTEN',
        says: 'You are signed out, but this computer still keeps the sign-in of operator@line.example: Test keychain.',
        cause:
          'The keychain did not answer within 5 s. It was revoked at the provider, so it opens nothing any more.',
        operatorDoes: 'Once it can be written again, run muster sign-out. Delete the entry of the test.',
      };
      expect(toErrorView(left)).toMatchObject(told);
      expect(views.at(-1)).toMatchObject({ state: 'signed-out', error: told });
      expect(lamps.at(-1)).toMatchObject({ state: 'attention' });
    });

    it('tells both where the provider does not answer either', async () => {
      await signIn();
      cache.removeFailsWith = stuck;
      client.revokeFailsWith = new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'x' } });
      const left = await session.signOut(never);
      expect(left.map(({ code }) => code)).toEqual(['STATION_SIGN_IN_NOT_FORGOTTEN', 'IDENTITY_NOT_REVOKED']);
      expect(left[0]?.details.worth).toBe('It was not revoked either: whoever reads it is signed in.');
      expect(views.at(-1)).toMatchObject({ error: { code: 'IDENTITY_NOT_REVOKED' } });
    });

    it('tells nothing where something else lies in its place by now, and has nobody delete that', async () => {
      await signIn();
      cache.removeFailsWith = new EnrollmentError('STATION_TOKEN_FILE_FOREIGN', { details: { path: 'x' } });
      expect(await session.signOut(never)).toEqual([]);
      expect(client.revoked).toHaveLength(1);
      expect(lamps.at(-1)).toMatchObject({ state: 'attention' });
    });

    it('tells it of a locked one too, which may hold an older sign-in', async () => {
      cache.failsWith = new EnrollmentError('STATION_KEYCHAIN_LOCKED');
      await signIn();
      const left = await session.signOut(never);
      expect(left.map(({ code }) => code)).toEqual(['STATION_SIGN_IN_NOT_FORGOTTEN']);
      expect(left[0]?.details.problem).toBe('The keychain of this computer is locked.');
    });

    it('tells nothing where there never was a keychain: what was not saved is not kept', async () => {
      cache.failsWith = stuck;
      await signIn();
      expect(await session.signOut(never)).toEqual([]);
      expect(views.at(-1)).toEqual({ state: 'signed-out' });
    });
  });

  it('is not undone by a refresh that was under way', async () => {
    await signIn();
    await clock.advance(600_000);
    let open: () => void = () => undefined;
    client.refreshGate = new Promise((resolve) => {
      open = resolve;
    });
    const waiting = session.accessToken(never);
    const out = session.signOut(never);
    open();
    await expect(waiting).rejects.toMatchObject({ code: 'IDENTITY_NOT_SIGNED_IN' });
    await out;
    expect(session.isSignedIn).toBe(false);
    expect(cache.tokens).toBeUndefined();
    expect(client.revoked).toHaveLength(2);
  });
});
