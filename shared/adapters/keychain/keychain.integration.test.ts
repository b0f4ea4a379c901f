import { execFileSync } from 'node:child_process';
import { afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { TokenSet } from '../../engine/ports.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, KEYCHAIN_LIMIT_MS, unlessItHangs } from '../../testing/patience.ts';
import { createKeychainTokenCache, deletedByHand } from './keychain-token-cache.ts';
import { createMemoryTokenCache } from './memory-token-cache.ts';

const names = {
  ...{ issuer: `https://id.example/${process.pid}`, clientId: 'test' },
  timeLimitMs: KEYCHAIN_LIMIT_MS,
};
const tokens = (accessToken = 'access'): TokenSet => ({
  accessToken: new Secret(accessToken),
  refreshToken: new Secret('refresh'),
  expiresAt: 1_767_000_000_000,
  subject: '42',
  account: 'operator@example',
  organisation: undefined,
});
const plain = (set: TokenSet | undefined) =>
  set === undefined
    ? undefined
    : { ...set, accessToken: set.accessToken.reveal(), refreshToken: set.refreshToken?.reveal() };

let absent: string | undefined;
beforeAll(async () => {
  // Only writing tells whether there is a keychain.
  await createKeychainTokenCache(names)
    .save(tokens(), unlessItHangs())
    .then(() => createKeychainTokenCache(names).remove(unlessItHangs()))
    .catch((error: { details: { problem: string } }) => {
      absent = error.details.problem;
      console.warn(`SKIPPED: system keychain: ${absent} (scripts/setup/with-keyring.mjs gives one).`);
    });
});

describe('system keychain', () => {
  const needsKeychain = ({ skip }: TestContext) => skip(absent !== undefined, 'no keychain');
  afterEach(async () => {
    if (absent === undefined) await createKeychainTokenCache(names).remove(unlessItHangs());
  });

  it('remembers, replaces and forgets', async (context) => {
    needsKeychain(context);
    const cache = createKeychainTokenCache(names);
    expect(await cache.load(unlessItHangs())).toBeUndefined();
    await cache.save(tokens(), unlessItHangs());
    await cache.save(tokens('newer'), unlessItHangs());
    expect(plain(await cache.load(unlessItHangs()))).toEqual(plain(tokens('newer')));
    expect(
      await createKeychainTokenCache({ ...names, clientId: 'other' }).load(unlessItHangs()),
    ).toBeUndefined();
    await cache.remove(unlessItHangs());
    expect(await cache.load(unlessItHangs())).toBeUndefined();
    await cache.remove(unlessItHangs());
  });

  it('keeps large tokens, in one entry or in many, and leaves no part behind', async (context) => {
    needsKeychain(context);
    const large = tokens('x'.repeat(40_000));
    for (const maxEntryLength of [1200, 1_000_000]) {
      const cache = createKeychainTokenCache({ ...names, maxEntryLength });
      await cache.save(large, unlessItHangs());
      expect(plain(await cache.load(unlessItHangs()))).toEqual(plain(large));
    }
    const split = createKeychainTokenCache({ ...names, maxEntryLength: 1200 });
    await split.save(large, unlessItHangs());
    await split.save(tokens(), unlessItHangs());
    expect(plain(await split.load(unlessItHangs()))).toEqual(plain(tokens()));
  });
});

describe('the entry of a sign-in', () => {
  it('is found by what the operator is told to delete', async ({ skip }) => {
    skip(absent !== undefined || process.platform !== 'linux', 'no Secret Service');
    const cache = createKeychainTokenCache(names);
    await cache.save(tokens(), unlessItHangs());
    const [, service, username] = /service (\S+) username '([^']+)'$/.exec(cache.deletedByHand) ?? [];
    const attributes = `dict:string:string:service,${service},username,${username}`;
    const search = ['/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.SearchItems', attributes];
    const found = (): string =>
      execFileSync('dbus-send', ['--session', '--print-reply', '--dest=org.freedesktop.secrets', ...search], {
        ...{ encoding: 'utf8', timeout: HANGS_AFTER_MS },
      });
    expect(found()).toContain('/org/freedesktop/secrets/collection/');
    await cache.remove(unlessItHangs());
    expect(found()).not.toContain('/org/freedesktop/secrets/collection/');
  });

  it.each([
    ['darwin', 'security delete-generic-password -s Muster -a'],
    ['win32', 'Credential Manager'],
    ['linux', 'secret-tool clear service Muster username'],
  ] as const)('is named for %s, whatever is in the name', (platform, words) => {
    const told = deletedByHand("https://id.example|o'neil", platform);
    expect(told).toContain(words);
    expect(told).toContain("the entry of Muster for https://id.example|o'neil");
    if (platform !== 'win32') expect(told).toMatch(/'https:\/\/id\.example\|o'\\''neil'$/);
  });
});

describe('no keychain', () => {
  it('is said, when looking, remembering and forgetting', async ({ skip }) => {
    skip(absent === undefined, 'there is a keychain');
    const cache = createKeychainTokenCache(names);
    const attempts = [
      () => cache.load(unlessItHangs()),
      () => cache.save(tokens(), unlessItHangs()),
      () => cache.remove(unlessItHangs()),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({ code: 'STATION_KEYCHAIN_UNAVAILABLE' });
    }
  });
});

describe('a keychain that does not answer', () => {
  it('is given up on after the limit', async () => {
    // The limit comes first however quick the keychain is.
    const clock = {
      after: (_ms: number, callback: () => void) => {
        queueMicrotask(callback);
        return () => undefined;
      },
    };
    await expect(
      createKeychainTokenCache({ ...names, clock, timeLimitMs: 5_000 }).load(unlessItHangs()),
    ).rejects.toMatchObject({
      code: 'STATION_KEYCHAIN_UNAVAILABLE',
      details: { problem: 'The keychain did not answer within 5 s.' },
    });
  });
});

describe('memory', () => {
  it('remembers until forgotten', async () => {
    const cache = createMemoryTokenCache();
    await cache.save(tokens(), unlessItHangs());
    expect(plain(await cache.load(unlessItHangs()))).toEqual(plain(tokens()));
    await cache.remove(unlessItHangs());
    expect(await cache.load(unlessItHangs())).toBeUndefined();
  });
});
