import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { SessionView } from '../model/station-state.ts';
import { type FakeClock, settled } from '../testing/fake-clock.ts';
import { type FakeSignInClient, type FakeTokenCache, TOKEN_CANARY } from '../testing/fake-sign-in.ts';
import type { RecordingLogger } from '../testing/recording-logger.ts';
import { WatchedSession } from '../testing/watched-session.ts';
import { Stopped } from './limits.ts';
import type { Session } from './session.ts';

let clock: FakeClock;
let client: FakeSignInClient;
let cache: FakeTokenCache;
let logger: RecordingLogger;
let session: Session;
let views: SessionView[];
let watched: WatchedSession;

const never = new AbortController().signal;

beforeEach(() => {
  watched = new WatchedSession();
  ({ clock, client, cache, logger, session, views } = watched);
});

/** Lets refreshes wait until the returned function is called. */
function holdRefreshes(): () => void {
  let open: () => void = () => undefined;
  client.refreshGate = new Promise((resolve) => {
    open = resolve;
  });
  return () => open();
}

const unreachable = () => new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'x' } });

const signIn = () => watched.signIn();

describe('signing in', () => {
  it('shows the code, that no browser opened, and then the account', async () => {
    await signIn();
    expect(views.map((view) => view.state)).toEqual([
      ...['starting', 'awaiting-approval', 'awaiting-approval', 'signed-in'],
    ]);
    expect(views[1]).toMatchObject({ userCode: 'BCDF-GHJK', verificationUri: 'https://id.example/device' });
    expect(views[2]).toMatchObject({ browserOpened: false });
    expect(views[3]).toMatchObject({ account: 'operator@line.example', remembered: 'keychain' });
    expect(watched.signedIn).toBe(1);
    expect(cache.tokens).toBeDefined();
  });

  it('is begun once, however often it is asked for', async () => {
    const first = session.signIn();
    await session.signIn();
    await settled();
    client.approve();
    await first;
    await session.signIn();
    expect(views.filter((view) => view.state === 'starting')).toHaveLength(1);
  });

  it('that cannot renew itself is replaced before it ends, and stays in use until then', async () => {
    const renewable = client.tokens.bind(client);
    client.tokens = () => ({ ...renewable(), refreshToken: undefined });
    await signIn();
    const first = await session.accessToken(never);
    const again = session.signIn();
    await settled();
    expect(views.at(-1)).toMatchObject({ state: 'awaiting-approval' });
    expect((await session.accessToken(never)).equals(first)).toBe(true);
    session.cancel();
    await again;
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
    await signIn();
    expect((await session.accessToken(never)).equals(first)).toBe(false);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
  });

  it('can be cancelled while the code is shown, and begun again', async () => {
    const done = session.signIn();
    await settled();
    session.cancel();
    await done;
    expect(views.at(-1)).toEqual({ state: 'signed-out' });
    expect(session.isSignedIn).toBe(false);
    await signIn();
    expect(session.isSignedIn).toBe(true);
  });

  it('that is denied tells why', async () => {
    const done = session.signIn();
    await settled();
    client.deny(new EnrollmentError('IDENTITY_SIGN_IN_DENIED'));
    await done;
    expect(views.at(-1)).toMatchObject({ state: 'signed-out', error: { code: 'IDENTITY_SIGN_IN_DENIED' } });
  });

  it('goes on with the code in the window when asking for the browser fails', async () => {
    watched.openBrowser = () => Promise.reject(new Error('no handler for https'));
    await signIn();
    expect(views[2]).toMatchObject({ state: 'awaiting-approval', browserOpened: false });
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
    expect(logger.events('warn')).toEqual(['browser-not-opened']);
  });

  it('works without a keychain and says in a sentence that it will not be remembered', async () => {
    cache.failsWith = new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE', {
      details: { problem: 'no Secret Service runs.' },
    });
    await signIn();
    expect(views.at(-1)).toMatchObject({
      ...{ state: 'signed-in', remembered: 'memory' },
      rememberedNote: 'The sign-in cannot be remembered: no Secret Service runs.',
    });
    expect(watched.lamps.at(-1)).toMatchObject({ state: 'attention' });
    expect(new Set(logger.events('warn'))).toEqual(new Set(['keychain-unavailable']));
    expect(views).toContainEqual(
      expect.objectContaining({
        state: 'awaiting-approval',
        notShared: 'The sign-in cannot be remembered: no Secret Service runs.',
      }),
    );
  });
});

describe('the token of 200 devices', () => {
  it('is refreshed exactly once for every expiry', async () => {
    await signIn();
    for (let expiry = 1; expiry <= 3; expiry += 1) {
      await clock.advance(600_000);
      const handedOut = await Promise.all(
        Array.from({ length: 200 }, async () => session.accessToken(new AbortController().signal)),
      );
      expect(client.refreshes).toBe(expiry);
      expect(new Set(handedOut.map((token) => token.reveal())).size).toBe(1);
    }
  });

  it('is refreshed once for all that the provider rejected it to', async () => {
    await signIn();
    const rejected = await session.accessToken(never);
    const renewed = await Promise.all(
      Array.from({ length: 200 }, async () => session.accessToken(new AbortController().signal, rejected)),
    );
    expect(client.refreshes).toBe(1);
    expect(renewed.every((token) => !token.equals(rejected))).toBe(true);
    // A late caller still holds the rejected one: no second refresh for it.
    await session.accessToken(never, rejected);
    expect(client.refreshes).toBe(1);
  });

  it('goes on for the others when the caller that began the refresh gives up', async () => {
    await signIn();
    await clock.advance(600_000);
    let open: () => void = () => undefined;
    client.refreshGate = new Promise((resolve) => {
      open = resolve;
    });
    const stop = new AbortController();
    const first = session.accessToken(stop.signal);
    const second = session.accessToken(never);
    stop.abort(new Stopped('stopped'));
    await expect(first).rejects.toBeInstanceOf(Stopped);
    open();
    expect((await second).reveal()).toContain(TOKEN_CANARY);
    expect(client.refreshes).toBe(1);
  });

  it('is gone when the provider ends the sign-in, and everybody hears the same', async () => {
    await signIn();
    await clock.advance(600_000);
    client.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, async () => session.accessToken(new AbortController().signal)),
    );
    expect(outcomes.every((outcome) => outcome.status === 'rejected')).toBe(true);
    expect(views.at(-1)).toMatchObject({ state: 'signed-out', error: { code: 'IDENTITY_SESSION_ENDED' } });
    expect(cache.tokens).toBeUndefined();
    await expect(session.accessToken(never)).rejects.toMatchObject({ code: 'IDENTITY_NOT_SIGNED_IN' });
  });

  it('is kept while the provider does not answer', async () => {
    await signIn();
    await clock.advance(600_000);
    client.refreshFailsWith = new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'x' } });
    const asked = clock.run(session.accessToken(never));
    await expect(asked).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE' });
    client.refreshFailsWith = undefined;
    expect((await session.accessToken(never)).reveal()).toContain(TOKEN_CANARY);
  });
});

describe('a token near its end', () => {
  it('is renewed a minute before, or in the last third of a short life', async () => {
    client.tokenLifeMs = 30_000;
    await signIn();
    await session.accessToken(never);
    await clock.advance(19_000);
    await session.accessToken(never);
    expect(client.refreshes).toBe(0);
    client.tokenLifeMs = 600_000;
    await clock.advance(1_000);
    await session.accessToken(never);
    expect(client.refreshes).toBe(1);
    await clock.advance(539_000);
    await session.accessToken(never);
    expect(client.refreshes).toBe(1);
    await clock.advance(1_000);
    await session.accessToken(never);
    expect(client.refreshes).toBe(2);
  });

  it('is handed out while it is valid when the provider does not answer, but not once it was rejected', async () => {
    await signIn();
    const first = await session.accessToken(never);
    await clock.advance(570_000);
    client.refreshFailsWith = unreachable();
    expect(await session.accessToken(never)).toBe(first);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', error: { code: 'IDENTITY_UNREACHABLE' } });
    const isDown = { code: 'IDENTITY_UNREACHABLE' };
    await expect(clock.run(session.accessToken(never, first))).rejects.toMatchObject(isDown);
    await clock.advance(30_000);
    await expect(clock.run(session.accessToken(never))).rejects.toMatchObject(isDown);
    client.refreshFailsWith = undefined;
    await session.accessToken(never);
    expect(views.at(-1)).not.toHaveProperty('error');
  });

  it('is the new one for whoever waited for the old one while somebody signed in anew', async () => {
    cache.tokens = client.tokens();
    await clock.advance(700_000);
    const open = holdRefreshes();
    const resuming = session.resume(never);
    await settled();
    const waiting = session.accessToken(never);
    await signIn();
    client.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    open();
    await resuming;
    expect((await waiting).reveal()).toBe(cache.tokens?.accessToken.reveal());
  });
});

describe('taking up a remembered sign-in', () => {
  it.each([new EnrollmentError('IDENTITY_SESSION_ENDED'), unreachable()])(
    'leaves a newer sign-in alone when the old one is answered late with $code',
    async (refusal) => {
      cache.tokens = client.tokens();
      await clock.advance(700_000);
      const open = holdRefreshes();
      const resuming = session.resume(never);
      await settled();
      await signIn();
      const taken = cache.tokens;
      client.refreshFailsWith = refusal;
      open();
      await resuming;
      expect(session.isSignedIn).toBe(true);
      expect(cache.tokens).toBe(taken);
      expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
      expect(views.at(-1)).not.toHaveProperty('error');
      expect(await session.accessToken(never)).toBe(taken?.accessToken);
    },
  );

  it('leaves a sign-in alone that was made while the keychain was slow', async () => {
    const old = client.tokens();
    let answer: () => void = () => undefined;
    const load = cache.load.bind(cache);
    cache.load = () =>
      new Promise((resolve) => {
        cache.load = load;
        answer = () => resolve(old);
      });
    const resuming = session.resume(never);
    await settled();
    const signing = session.signIn();
    // The code does not wait for the keychain.
    await clock.advance(2_000);
    client.approve();
    await settled();
    answer();
    await Promise.all([resuming, signing]);
    expect((await session.accessToken(never)).equals(old.accessToken)).toBe(false);
  });

  it('forgets an ended one before a newer one is remembered, however slow the keychain', async () => {
    cache.tokens = client.tokens();
    await clock.advance(700_000);
    const remove = cache.remove.bind(cache);
    let answer: () => void = () => undefined;
    cache.remove = () =>
      new Promise((resolve) => {
        answer = () => resolve(remove());
      });
    client.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    const resuming = session.resume(never);
    await settled();
    const signing = session.signIn();
    await clock.advance(2_000);
    client.approve();
    await settled();
    answer();
    await Promise.all([resuming, signing]);
    expect(cache.tokens?.accessToken.equals(await session.accessToken(never))).toBe(true);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
  });

  it('is not told as signed out, and is asked for again, while the provider does not answer', async () => {
    cache.tokens = client.tokens();
    await clock.advance(700_000);
    client.refreshFailsWith = unreachable();
    const stop = new AbortController();
    await clock.run(session.resume(stop.signal));
    expect(new Set(views.map((view) => view.state))).toEqual(new Set(['signed-in']));
    expect(views[0]).toMatchObject({ error: { code: 'IDENTITY_UNREACHABLE' } });
    expect(watched.signedIn).toBe(0);
    client.refreshFailsWith = undefined;
    await clock.advance(30_000);
    expect(watched.signedIn).toBe(1);
    expect(views.at(-1)).not.toHaveProperty('error');
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not hide the code of a sign-in under way', async () => {
    cache.tokens = client.tokens();
    await clock.advance(700_000);
    const open = holdRefreshes();
    const stop = new AbortController();
    const resuming = session.resume(stop.signal);
    await settled();
    const signing = session.signIn();
    await settled();
    client.refreshFailsWith = unreachable();
    open();
    await clock.run(resuming);
    expect(views.at(-1)).toMatchObject({ state: 'awaiting-approval' });
    session.cancel();
    await signing;
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', error: { code: 'IDENTITY_UNREACHABLE' } });
    stop.abort(new Stopped('the station closes'));
    await settled();
    expect(clock.pendingTimers).toBe(0);
  });

  it('needs nobody while it is valid, and a silent refresh when it has expired', async () => {
    cache.tokens = client.tokens();
    await session.resume(never);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
    expect(client.refreshes).toBe(0);
    expect(watched.signedIn).toBe(1);
  });

  it('refreshes an expired one, once, and tells it once', async () => {
    cache.tokens = client.tokens();
    await clock.advance(700_000);
    await session.resume(never);
    expect([client.refreshes, watched.signedIn]).toEqual([1, 1]);
  });

  it('forgets one the provider no longer knows', async () => {
    cache.tokens = client.tokens();
    await clock.advance(700_000);
    client.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    await session.resume(never);
    expect(cache.tokens).toBeUndefined();
    expect(views.at(-1)).toMatchObject({ state: 'signed-out', error: { code: 'IDENTITY_SESSION_ENDED' } });
  });

  it('tells of the sign-in late when the provider could not be reached at the start', async () => {
    cache.tokens = client.tokens();
    await clock.advance(700_000);
    client.refreshFailsWith = new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'x' } });
    await clock.run(session.resume(never));
    expect(watched.signedIn).toBe(0);
    client.refreshFailsWith = undefined;
    await session.accessToken(never);
    expect(watched.signedIn).toBe(1);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
  });
});
