import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { profileOf, runStation } from '../testing/run-station.ts';

let world: FakeWorld;

beforeEach(() => {
  world = createFakePorts();
});

describe('a sign-out', () => {
  it('out of a keychain that keeps what it has tells so, with what to delete', async () => {
    const { station, signIn, shown } = runStation(world);
    await signIn();
    world.tokenCache.removeFailsWith = new EnrollmentError('STATION_KEYCHAIN_LOCKED');
    await station.handle('session.signOut', null);
    expect(world.signIn.revoked).toHaveLength(1);
    expect(shown().notices.at(-1)).toMatchObject({
      tone: 'attention',
      text: expect.stringContaining('Delete the entry of the test.'),
    });
    expect(shown().lamps).toMatchObject({
      identity: { state: 'waiting', word: 'waits for sign-in' },
      keychain: { state: 'attention', word: 'locked' },
    });
  });
});

describe('a sign-in with a token', () => {
  it('does not remember it where the profile has none kept', async () => {
    for (const policy of ['no-cache', 'refresh'] as const) {
      const profile = profileOf(world);
      const { station, shown } = runStation(world, {
        ...profile,
        identity: { ...profile.identity, token_cache: policy },
      });
      expect(shown().profile?.remembersTokens).toBe(false);
      const asked = station.handle('session.signInWithToken', { token: 'pat', remember: true });
      await expect(asked).rejects.toMatchObject({ code: 'STATION_REQUEST_INVALID' });
      await station.handle('session.signInWithToken', { token: ' pat\n', remember: false });
      expect(shown().session).toMatchObject({ state: 'signed-in', handedIn: true });
    }
  });

  it('is ended by forgetting it alone, which is said', async () => {
    const { station, shown } = runStation(world);
    await station.handle('session.signInWithToken', { token: 'pat', remember: true });
    expect(world.tokenCache.tokens?.handedIn).toBe('kept');
    await station.handle('session.signOut', null);
    expect(world.signIn.revoked).toEqual([]);
    expect(world.tokenCache.tokens).toBeUndefined();
    expect(shown().notices.at(-1)).toMatchObject({
      tone: 'info',
      text: expect.stringContaining('so it was not revoked'),
    });
  });
});

it('tells that the identity provider wants a pause, and how long it takes', async () => {
  const { signIn, shown } = runStation(world);
  await signIn();
  world.identity.onPause?.(90_000);
  expect(shown().notices.at(-1)).toMatchObject({
    tone: 'attention',
    text: 'The identity provider takes no more requests for 90 seconds. What needs it waits, then goes on by itself.',
  });
});
