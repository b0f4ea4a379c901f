import type { TokenCache } from '../../engine/ports.ts';
import type { Profile, TokenPolicy } from '../../model/profile.ts';
import type { Secret } from '../../model/secret.ts';
import { createFileTokenCache } from './file-token-cache.ts';
import { createKeychainTokenCache } from './keychain-token-cache.ts';
import { createMemoryTokenCache } from './memory-token-cache.ts';

/** Already over: the access token is renewed before it is used. */
const OVER = 0;

/**
 * Where a sign-in is remembered: in the system's keychain, or in the file that the profile names. With `no-cache` nothing is
 * read there and nothing written. With `refresh` the access token is not believed; the refresh token gets a new one.
 */
export function tokenCacheFor({ identity }: Profile, policy: TokenPolicy = identity.token_cache): TokenCache {
  if (policy === 'no-cache') return createMemoryTokenCache();
  const { issuer, client_id: clientId, token_file: file } = identity;
  const place =
    file === undefined
      ? createKeychainTokenCache({ issuer, clientId })
      : createFileTokenCache(file, { issuer, clientId });
  return policy === 'refresh' ? withoutAccessToken(place) : place;
}

/** A cache whose access token counts as expired when it is first looked at. What is there later was renewed. */
export function withoutAccessToken(cache: TokenCache): TokenCache {
  let distrusted: Secret | undefined;
  return {
    place: cache.place,
    deletedByHand: cache.deletedByHand,
    notShared: cache.notShared,
    load: async (signal) => {
      const tokens = await cache.load(signal);
      if (tokens === undefined) return undefined;
      distrusted ??= tokens.accessToken;
      return tokens.accessToken.equals(distrusted) ? { ...tokens, expiresAt: OVER } : tokens;
    },
    save: (tokens, signal) => cache.save(tokens, signal),
    remove: (signal) => cache.remove(signal),
    exclusively: (work, signal) => cache.exclusively(work, signal),
    whileSigningIn: (work, onWaiting, signal) => cache.whileSigningIn(work, onWaiting, signal),
  };
}
