import { createInterface } from 'node:readline';
import type { TokenCache } from '../../../engine/ports.ts';
import { Session } from '../../../engine/session.ts';
import { profileSchema } from '../../../model/profile.ts';
import { HANGS_AFTER_MS, KEYCHAIN_LIMIT_MS } from '../../../testing/patience.ts';
import { createHttpClient } from '../../http/http.ts';
import { createFileTokenCache } from '../../keychain/file-token-cache.ts';
import { createKeychainTokenCache } from '../../keychain/keychain-token-cache.ts';
import { createMemoryTokenCache } from '../../keychain/memory-token-cache.ts';
import { silentLogger } from '../../log/logger.ts';
import { systemClock } from '../../system/clock.ts';
import { systemRandom } from '../../system/random.ts';
import { createSignInClient } from '../sign-in-client.ts';

/**
 * A station's sign-in in a process of its own, for tests: `signing-station.ts ISSUER CLIENT-ID (FILE | keychain |
 * no-cache)`. It begins to sign in, prints what is shown as JSON lines, and takes `here` and `cancel` as lines of its input.
 */
const [issuer = '', clientId = '', place = ''] = process.argv.slice(2);
const profile = profileSchema.parse({
  name: 'lab',
  identity: { issuer, client_id: clientId, project_id: '1' },
  agent: { binaries: {} },
});
function cacheAt(where: string): TokenCache {
  if (where === 'no-cache') return createMemoryTokenCache();
  return where === 'keychain'
    ? createKeychainTokenCache({ issuer, clientId, timeLimitMs: KEYCHAIN_LIMIT_MS })
    : createFileTokenCache(where, { issuer, clientId });
}
const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
const session = new Session(
  {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    client: createSignInClient({ profile, http, clock: systemClock, logger: silentLogger }),
    cache: cacheAt(place),
  },
  {
    onSession: (view) => console.log(JSON.stringify(view)),
    onKeychain: () => undefined,
    openBrowser: async () => false,
    onSignedIn: () => undefined,
  },
);
void session.signIn();
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'here') session.signInHere();
  if (line === 'cancel') session.cancel();
}
http.close();
