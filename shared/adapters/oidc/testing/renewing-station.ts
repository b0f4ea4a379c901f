import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Session } from '../../../engine/session.ts';
import { profileSchema } from '../../../model/profile.ts';
import { HANGS_AFTER_MS, KEYCHAIN_LIMIT_MS, unlessItHangs } from '../../../testing/patience.ts';
import { createHttpClient } from '../../http/http.ts';
import { createFileTokenCache } from '../../keychain/file-token-cache.ts';
import { createKeychainTokenCache } from '../../keychain/keychain-token-cache.ts';
import { silentLogger } from '../../log/logger.ts';
import { systemClock } from '../../system/clock.ts';
import { systemRandom } from '../../system/random.ts';
import { createSignInClient } from '../sign-in-client.ts';

/**
 * A station's session in a process of its own, for tests: `renewing-station.ts ISSUER CLIENT-ID (FILE | keychain)`.
 * It takes up the remembered sign-in. For every line on its input it lets its token expire, asks for one, and answers
 * with a digest of it or with the code of the error.
 */
const [issuer = '', clientId = '', place = ''] = process.argv.slice(2);
const EXPIRED_AFTER_MS = 13 * 3600 * 1000;
let passedMs = 0;
const clock = {
  ...systemClock,
  nowMs: () => systemClock.nowMs() + passedMs,
  monotonicMs: () => systemClock.monotonicMs() + passedMs,
};
const profile = profileSchema.parse({
  name: 'lab',
  identity: { issuer, client_id: clientId, project_id: '1' },
  agent: { binaries: {} },
});
const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
const session = new Session(
  {
    clock,
    random: systemRandom,
    logger: silentLogger,
    client: createSignInClient({ profile, http, clock, logger: silentLogger }),
    cache:
      place === 'keychain'
        ? createKeychainTokenCache({ issuer, clientId, timeLimitMs: KEYCHAIN_LIMIT_MS })
        : createFileTokenCache(place, { issuer, clientId }),
  },
  {
    onSession: () => undefined,
    onKeychain: () => undefined,
    openBrowser: async () => false,
    onSignedIn: () => undefined,
  },
);
const answer = async (): Promise<string> => {
  try {
    const token = await session.accessToken(unlessItHangs());
    return createHash('sha256').update(token.reveal()).digest('hex');
  } catch (thrown) {
    return String((thrown as { code?: unknown }).code ?? thrown);
  }
};
await session.resume(unlessItHangs());
console.log(await answer());
for await (const _line of createInterface({ input: process.stdin })) {
  passedMs += EXPIRED_AFTER_MS;
  console.log(await answer());
}
http.close();
