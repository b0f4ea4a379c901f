import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { Secret } from '../model/secret.ts';
import type { SessionView } from '../model/station-state.ts';
import { type FakeClock, settled } from '../testing/fake-clock.ts';
import {
  type FakeSignInClient,
  type FakeTokenCache,
  FakeTokenCheck,
  TOKEN_CANARY,
} from '../testing/fake-sign-in.ts';
import { WatchedSession } from '../testing/watched-session.ts';
import type { Session } from './session.ts';

const never = new AbortController().signal;
const pasted = new Secret(`${TOKEN_CANARY}-pasted`);

let watched: WatchedSession;
let clock: FakeClock;
let client: FakeSignInClient;
let cache: FakeTokenCache;
let session: Session;
let views: SessionView[];
let provider: FakeTokenCheck;

beforeEach(() => {
  watched = new WatchedSession();
  ({ clock, client, cache, session, views } = watched);
  provider = new FakeTokenCheck();
});

const handIn = (remember = false, token = pasted) =>
  session.signInWithToken((signal) => provider.check(token, signal), remember);

describe('a token that is handed in', () => {
  it('signs in at once, is used as it is, and is nowhere but in memory unless somebody asks for more', async () => {
    await handIn();
    expect(views.at(-1)).toEqual({
      ...{ state: 'signed-in', account: 'muster-admin', organisation: 'Plant East', handedIn: true },
      ...{ renewable: false, remembered: 'memory' },
      rememberedNote: 'The access token was pasted without asking to remember it.',
    });
    expect(watched.signedIn).toBe(1);
    expect((await session.accessToken(never)).equals(pasted)).toBe(true);
    await clock.advance(365 * 86_400_000);
    expect((await session.accessToken(never)).equals(pasted)).toBe(true);
    expect(client.refreshes).toBe(0);
    expect(cache.tokens).toBeUndefined();
    expect(JSON.stringify([views, watched.lamps, watched.logger])).not.toContain(TOKEN_CANARY);
  });

  it('is remembered on request, and taken up after a restart', async () => {
    await handIn(true);
    expect(views.at(-1)).toMatchObject({ remembered: 'keychain', handedIn: true });
    const next = new WatchedSession();
    next.cache.tokens = cache.tokens;
    await next.session.resume(never);
    expect(next.views.at(-1)).toMatchObject({ state: 'signed-in', account: 'muster-admin', handedIn: true });
  });

  it('tells its end where it knows it', async () => {
    provider.expiresAt = clock.nowMs() + 3_600_000;
    await handIn();
    expect(views.at(-1)).toMatchObject({ expiresAt: provider.expiresAt, handedIn: true });
  });

  it('that the provider ends asks for a new sign-in, and takes nobody else’s out of the keychain', async () => {
    cache.tokens = client.tokens();
    await handIn();
    const theirs = cache.tokens;
    await expect(session.accessToken(never, pasted)).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });
    expect(views.at(-1)).toMatchObject({ state: 'signed-out', error: { code: 'IDENTITY_SESSION_ENDED' } });
    expect(cache.tokens).toBe(theirs);
  });

  it('that is refused leaves everything as it was', async () => {
    provider.failsWith = new EnrollmentError('IDENTITY_TOKEN_REFUSED', { details: { variable: 'x' } });
    await expect(handIn(true)).rejects.toMatchObject({ code: 'IDENTITY_TOKEN_REFUSED' });
    expect(views).toEqual([]);
    expect(session.isSignedIn).toBe(false);
    expect(cache.tokens).toBeUndefined();
  });

  it('waits for the provider no longer than half a minute', async () => {
    provider.gate = new Promise(() => undefined);
    const asked = handIn();
    const outcome = expect(asked).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE' });
    await clock.advance(30_000);
    await outcome;
  });

  it.each([
    ['cancelled', () => session.cancel()],
    ['given up for a code', () => void session.signIn()],
    ['replaced by another one', () => void handIn(false, new Secret('another')).catch(() => undefined)],
  ])('can be %s while the provider is asked', async (_how, giveUp) => {
    provider.gate = new Promise(() => undefined);
    const outcome = expect(handIn(true)).rejects.toMatchObject({ code: 'IDENTITY_SIGN_IN_CANCELLED' });
    await settled();
    giveUp();
    await outcome;
    expect(session.isSignedIn).toBe(false);
    expect(cache.tokens).toBeUndefined();
    session.cancel();
  });

  it('can be given up while another station has the turn', async () => {
    cache.othersTurn = new Promise(() => undefined);
    const outcome = expect(handIn(true)).rejects.toMatchObject({ code: 'IDENTITY_SIGN_IN_CANCELLED' });
    await settled();
    session.cancel();
    await outcome;
    expect(session.isSignedIn).toBe(false);
    expect(cache.tokens).toBeUndefined();
  });

  it('does not take the place of a sign-in that renews itself, or of one under way', async () => {
    const taken = { code: 'STATION_REQUEST_INVALID' };
    const signing = session.signIn();
    await settled();
    await expect(handIn()).rejects.toMatchObject(taken);
    client.approve();
    await signing;
    await expect(handIn()).rejects.toMatchObject(taken);
    expect(views.at(-1)).toMatchObject({ account: 'operator@line.example' });
  });
});

describe('signing out', () => {
  it.each([false, true])(
    'forgets a token that was handed in and never revokes it (remembered: %s)',
    async (kept) => {
      await handIn(kept);
      expect(session.handedInAccount).toBe('muster-admin');
      expect(await session.signOut(never)).toEqual([]);
      expect(client.revoked).toEqual([]);
      expect(cache.tokens).toBeUndefined();
      expect(session.isSignedIn).toBe(false);
    },
  );

  it('leaves a remembered sign-in of the same account alone, which is another one', async () => {
    await handIn();
    const theirs = { ...client.tokens(), subject: '4712' };
    cache.tokens = theirs;
    await session.signOut(never);
    expect(cache.tokens).toBe(theirs);
    expect(client.revoked).toEqual([]);
  });

  it('says of a token that stays in the keychain that it is still valid', async () => {
    await handIn(true);
    cache.removeFailsWith = new EnrollmentError('STATION_KEYCHAIN_LOCKED');
    const left = await session.signOut(never);
    expect(left[0]?.details.worth).toBe(
      'It was not issued for this station, so it was not revoked: whoever reads it is signed in.',
    );
    expect(left).toHaveLength(1);
  });
});
