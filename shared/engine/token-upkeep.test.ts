import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError, type NoEffect } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import type { SessionView } from '../model/station-state.ts';
import { type FakeClock, settled } from '../testing/fake-clock.ts';
import type { FakeSignInClient, FakeTokenCache } from '../testing/fake-sign-in.ts';
import type { RecordingLogger } from '../testing/recording-logger.ts';
import { WatchedSession } from '../testing/watched-session.ts';
import { waitUnlessAborted } from './limits.ts';
import type { Session } from './session.ts';

let clock: FakeClock;
let client: FakeSignInClient;
let cache: FakeTokenCache;
let logger: RecordingLogger;
let session: Session;
let views: SessionView[];
let watched: WatchedSession;

const DEVICES = 200;
const never = new AbortController().signal;
const down = (noEffect?: NoEffect) =>
  new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'x' }, noEffect });
/** The provider said that it did nothing, or was not reached at all. */
const busy = (pauseMs?: number) => down(pauseMs === undefined ? {} : { pauseMs });

beforeEach(async () => {
  watched = new WatchedSession();
  ({ clock, client, cache, logger, session, views } = watched);
  await watched.signIn();
});

const everybody = (rejected?: Parameters<Session['accessToken']>[1]) =>
  Array.from({ length: DEVICES }, () => session.accessToken(new AbortController().signal, rejected));

describe('a renewal the provider was too busy for', () => {
  it('is repeated for everybody at once, and nobody fails', async () => {
    const first = await session.accessToken(never);
    client.refreshFailures.push(busy(), busy());
    const tokens = await clock.run(Promise.all(everybody(first)));
    expect(client.refreshes).toBe(3);
    expect(new Set(tokens.map((token) => token.reveal())).size).toBe(1);
    expect(tokens[0]?.equals(first)).toBe(false);
    expect(cache.tokens?.accessToken).toBe(tokens[0]);
    expect(logger.events('info')).toEqual(['sign-in-renewal-put-off', 'sign-in-renewal-put-off']);
    // Told while it lasted, and gone with it.
    expect(views).toContainEqual(expect.objectContaining({ error: expect.anything() }));
    expect(views.at(-1)).not.toHaveProperty('error');
    expect(clock.pendingTimers).toBe(0);
  });

  it('is repeated no earlier than the provider asked for', async () => {
    await clock.advance(600_000);
    client.refreshFailures.push(busy(7_000));
    const waiting = session.accessToken(never);
    await clock.advance(6_999);
    expect(client.refreshes).toBe(1);
    await clock.advance(1);
    await waiting;
    expect(client.refreshes).toBe(2);
  });

  it('fails with what the provider said when it stays busy, within the limit of one renewal', async () => {
    await clock.advance(600_000);
    const failure = busy();
    client.refreshFailsWith = failure;
    const begunAt = clock.monotonicMs();
    const outcomes = await clock.run(Promise.allSettled(everybody()));
    expect(new Set(outcomes.map((one) => one.status === 'rejected' && one.reason))).toEqual(
      new Set([failure]),
    );
    const tookMs = clock.monotonicMs() - begunAt;
    expect(tookMs).toBeGreaterThan(20_000);
    expect(tookMs).toBeLessThan(30_000);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', error: { code: 'IDENTITY_UNREACHABLE' } });
    const before = client.refreshes;
    client.refreshFailsWith = undefined;
    await session.accessToken(never);
    expect(client.refreshes).toBe(before + 1);
  });

  it('does not wait for a pause that is longer than the limit', async () => {
    await clock.advance(600_000);
    client.refreshFailures.push(busy(30_000));
    await expect(session.accessToken(never)).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE' });
    expect([client.refreshes, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('costs nobody a wait whose token still lives, and goes on by itself', async () => {
    const first = await session.accessToken(never);
    await clock.advance(570_000);
    client.refreshFailures.push(busy(5_000));
    for (const token of await Promise.all(everybody())) expect(token).toBe(first);
    const rejected = session.accessToken(never, first);
    expect(await session.accessToken(never)).toBe(first);
    expect(client.refreshes).toBe(1);
    await clock.advance(5_000);
    expect((await rejected).equals(first)).toBe(false);
    expect(await session.accessToken(never)).toBe(await rejected);
    expect(client.refreshes).toBe(2);
  });

  it('goes on for the others when one of them gives up', async () => {
    await clock.advance(600_000);
    client.refreshFailures.push(busy(5_000));
    const stop = new AbortController();
    const given = session.accessToken(stop.signal);
    const waiting = session.accessToken(never);
    await settled();
    const reason = new Error('cancelled');
    stop.abort(reason);
    await expect(given).rejects.toBe(reason);
    await clock.advance(5_000);
    expect(await waiting).toBe(cache.tokens?.accessToken);
    expect(client.refreshes).toBe(2);
  });

  it('is not repeated for a sign-in that was signed out meanwhile', async () => {
    await clock.advance(600_000);
    client.refreshFailures.push(busy(5_000));
    const waiting = session.accessToken(never).catch((thrown: unknown) => thrown);
    await settled();
    await session.signOut(never);
    expect(await waiting).toMatchObject({ code: 'IDENTITY_NOT_SIGNED_IN' });
    await clock.advance(60_000);
    expect([client.refreshes, clock.pendingTimers]).toEqual([1, 0]);
    expect(views.at(-1)).toEqual({ state: 'signed-out' });
  });
});

describe('a renewal whose reply was lost', () => {
  it('is repeated for everybody at once, and nobody fails where the refresh token was not used', async () => {
    const first = await session.accessToken(never);
    client.refreshFailures.push(down(), busy(), down());
    const tokens = await clock.run(Promise.all(everybody(first)));
    expect(client.refreshes).toBe(4);
    expect(new Set(tokens)).toEqual(new Set([cache.tokens?.accessToken]));
    expect(views.at(-1)).not.toHaveProperty('error');
    expect(clock.pendingTimers).toBe(0);
  });

  it('is under way once at a time', async () => {
    const first = await session.accessToken(never);
    client.refreshFailures.push(down(), down());
    let underWay = 0;
    let most = 0;
    const refresh = client.refresh.bind(client);
    client.refresh = async (tokens, signal) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await clock.sleep(100, signal);
      return refresh(tokens, signal).finally(() => {
        underWay -= 1;
      });
    };
    const begun = everybody(first);
    const later = clock.sleep(1, never).then(() => Promise.all(everybody(first)));
    await clock.run(Promise.all([...begun, later]));
    expect([client.refreshes, most]).toEqual([3, 1]);
  });

  it('ends in one new sign-in for all where it was used', async () => {
    const first = await session.accessToken(never);
    client.refreshFailures.push(down(), new EnrollmentError('IDENTITY_SESSION_ENDED'));
    const outcomes = await clock.run(Promise.allSettled(everybody(first)));
    for (const one of outcomes) expect(one).toMatchObject({ reason: { code: 'IDENTITY_SESSION_ENDED' } });
    expect(client.refreshes).toBe(2);
    expect(session.isSignedIn).toBe(false);
    await watched.signIn();
    expect(new Set(await Promise.all(everybody(first)))).toEqual(new Set([cache.tokens?.accessToken]));
    expect([client.refreshes, watched.signedIn]).toEqual([2, 2]);
  });

  it('fails with it within the limit of one renewal when no reply ever comes', async () => {
    const first = await session.accessToken(never);
    client.refreshFailsWith = down();
    const begunAt = clock.monotonicMs();
    const outcomes = await clock.run(Promise.allSettled(everybody(first)));
    for (const one of outcomes) expect(one).toMatchObject({ reason: { code: 'IDENTITY_UNREACHABLE' } });
    expect(clock.monotonicMs() - begunAt).toBeLessThan(30_000);
    expect(session.isSignedIn).toBe(true);
  });

  it('is not repeated where the provider has decided otherwise', async () => {
    const first = await session.accessToken(never);
    client.refreshFailures.push(new EnrollmentError('IDENTITY_CLIENT_UNKNOWN'));
    await expect(session.accessToken(never, first)).rejects.toMatchObject({
      code: 'IDENTITY_CLIENT_UNKNOWN',
    });
    expect([client.refreshes, clock.pendingTimers]).toEqual([1, 0]);
  });
});

describe('a sign-in that is renewed and refused all the same', () => {
  const refusal = new EnrollmentError('IDENTITY_SESSION_ENDED', { evidence: 'AUTH-7fs1e' });
  const refused = (token: Secret) =>
    Array.from({ length: DEVICES }, () => session.accessToken(never, token, refusal));

  it('ends once for everybody, is forgotten and revoked, and is not taken up again', async () => {
    const renewed = await session.accessToken(never, await session.accessToken(never));
    const outcomes = await Promise.allSettled(refused(renewed));
    for (const one of outcomes) expect(one).toMatchObject({ reason: refusal });
    expect([session.isSignedIn, cache.tokens, client.refreshes]).toEqual([false, undefined, 1]);
    expect(client.revoked.map(({ accessToken }) => accessToken)).toEqual([renewed]);
    const ended = views.filter((view) => view.state === 'signed-out');
    expect(ended).toMatchObject([{ error: { code: 'IDENTITY_SESSION_ENDED', evidence: 'AUTH-7fs1e' } }]);
    await watched.signIn();
    const next = await Promise.all(refused(renewed));
    expect(new Set(next)).toEqual(new Set([cache.tokens?.accessToken]));
    expect([client.refreshes, watched.signedIn]).toEqual([1, 2]);
  });

  it('goes on with what another station has renewed meanwhile', async () => {
    const renewed = await session.accessToken(never, await session.accessToken(never));
    cache.tokens = client.tokens();
    const theirs = cache.tokens.accessToken;
    expect(new Set(await Promise.all(refused(renewed)))).toEqual(new Set([theirs]));
    expect([session.isSignedIn, client.revoked]).toEqual([true, []]);
  });

  it('is another one by now for who was refused before: nothing ends', async () => {
    const first = await session.accessToken(never);
    const renewed = await session.accessToken(never, first);
    expect(await session.accessToken(never, first, refusal)).toBe(renewed);
    expect(session.isSignedIn).toBe(true);
  });
});

describe('a renewed sign-in', () => {
  const slowKeychain = () => {
    let answers: () => void = () => undefined;
    const save = cache.save.bind(cache);
    cache.save = async (tokens, signal) => {
      const answered = new Promise<void>((resolve) => {
        answers = resolve;
      });
      await waitUnlessAborted(answered, signal);
      await save(tokens, signal);
    };
    return { answer: () => answers() };
  };
  /** What has been handed out so far. */
  const watch = (asked: readonly Promise<unknown>[]) => {
    const got: unknown[] = [];
    for (const one of asked)
      void one.then(
        (token) => got.push(token),
        (thrown) => got.push(thrown),
      );
    return got;
  };

  it('is handed to nobody before it is remembered, whenever they ask', async () => {
    const first = await session.accessToken(never);
    const keychain = slowKeychain();
    const got = watch([session.accessToken(never, first)]);
    await settled();
    // The provider has answered; these come while the keychain is at it.
    const later = watch([session.accessToken(never), session.accessToken(never, first)]);
    await settled();
    expect([client.refreshes, cache.tokens?.accessToken, ...got, ...later]).toEqual([1, first]);
    keychain.answer();
    await settled();
    const renewed = cache.tokens?.accessToken;
    expect(renewed?.equals(first)).toBe(false);
    expect([...got, ...later]).toEqual([renewed, renewed, renewed]);
  });

  it('is handed out all the same when the keychain fails, or does not answer within its limit', async () => {
    const first = await session.accessToken(never);
    cache.failsWith = new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE');
    const second = await session.accessToken(never, first);
    expect(second.equals(first)).toBe(false);
    cache.failsWith = undefined;
    slowKeychain();
    const begun = watch([session.accessToken(never, second)]);
    await settled();
    const later = watch([session.accessToken(never)]);
    await clock.advance(9_999);
    expect([...begun, ...later]).toEqual([]);
    await clock.advance(1);
    await settled();
    const third = await session.accessToken(never);
    expect([...begun, ...later]).toEqual([third, third]);
    expect([third.equals(second), client.refreshes, clock.pendingTimers]).toEqual([false, 2, 0]);
  });

  it('is handed to nobody who signed out while it was being remembered', async () => {
    const first = await session.accessToken(never);
    const keychain = slowKeychain();
    void session.accessToken(never, first).catch(() => undefined);
    await settled();
    const later = session.accessToken(never).catch((thrown: unknown) => thrown);
    const out = session.signOut(never);
    keychain.answer();
    await out;
    expect(await later).toMatchObject({ code: 'IDENTITY_NOT_SIGNED_IN' });
    expect([session.isSignedIn, cache.tokens]).toEqual([false, undefined]);
  });

  it('lets go who gives up while it is being remembered', async () => {
    const first = await session.accessToken(never);
    slowKeychain();
    void session.accessToken(never, first);
    await settled();
    const stop = new AbortController();
    const given = session.accessToken(stop.signal);
    const reason = new Error('cancelled');
    stop.abort(reason);
    await expect(given).rejects.toBe(reason);
    await clock.advance(10_000);
  });
});
