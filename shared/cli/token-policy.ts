import { createKeychainTokenCache } from '../adapters/keychain/keychain-token-cache.ts';
import { createMemoryTokenCache } from '../adapters/keychain/memory-token-cache.ts';
import type { TokenCache } from '../engine/ports.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';

/** What is done with a remembered sign-in. */
export const tokenPolicies = ['default', 'no-cache', 'refresh'] as const;
export type TokenPolicy = (typeof tokenPolicies)[number];

/** Already over: the access token is renewed before it is used. */
const OVER = 0;

/**
 * Where a sign-in is remembered. `default`: in the system's keychain. `no-cache`: nothing is read there and nothing
 * written. `refresh`: the access token is not believed; the refresh token gets a new one.
 */
export function tokenCacheFor(policy: TokenPolicy, { identity }: Profile): TokenCache {
  if (policy === 'no-cache') return createMemoryTokenCache();
  const keychain = createKeychainTokenCache({ issuer: identity.issuer, clientId: identity.client_id });
  return policy === 'refresh' ? withoutAccessToken(keychain) : keychain;
}

/** A cache whose access token counts as expired when it is first looked at. What is there later was renewed. */
export function withoutAccessToken(cache: TokenCache): TokenCache {
  let distrusted: Secret | undefined;
  return {
    place: cache.place,
    load: async (signal) => {
      const tokens = await cache.load(signal);
      if (tokens === undefined) return undefined;
      distrusted ??= tokens.accessToken;
      return tokens.accessToken.equals(distrusted) ? { ...tokens, expiresAt: OVER } : tokens;
    },
    save: (tokens, signal) => cache.save(tokens, signal),
    remove: (signal) => cache.remove(signal),
    exclusively: (work, signal) => cache.exclusively(work, signal),
  };
}
