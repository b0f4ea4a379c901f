import { expect, it } from 'vitest';
import { toErrorView } from '../errors/enrollment-error.ts';
import { profileSchema } from '../model/profile.ts';
import { Secret } from '../model/secret.ts';
import { createTokenCheck } from './create-token-check.ts';
import { createHttpClient } from './http/http.ts';
import { startScriptedServer } from './http/testing/scripted-server.ts';
import { silentLogger } from './log/logger.ts';
import { systemClock } from './system/clock.ts';
import { systemRandom } from './system/random.ts';

const all = ['project.read', 'user.read', 'user.write', 'user.grant.read', 'user.grant.write', 'user.delete'];

/** The check of a token whose account has these rights. */
async function checkWith(rights: readonly string[]) {
  const server = await startScriptedServer(({ path }) => {
    if (path.startsWith('/.well-known')) {
      const [issuer, at] = [server.origin, (end: string) => `${server.origin}${end}`];
      const endpoints = { token_endpoint: at('/token'), device_authorization_endpoint: at('/device') };
      return { status: 200, body: { issuer, ...endpoints } };
    }
    if (path.endsWith('/orgs/me')) return { status: 200, body: { org: { id: '7', name: 'Plant' } } };
    if (path.endsWith('/users/me')) return { status: 200, body: { user: { userName: 'line' } } };
    if (path.endsWith('/me/_search')) return { status: 200, body: { result: rights } };
    if (path.endsWith('/projects/_search'))
      return { status: 200, body: { result: [{ id: '2', name: 'fleet' }] } };
    return { status: 404, body: { code: 5, message: 'not found' } };
  });
  const http = createHttpClient({ clock: systemClock });
  const identity = { issuer: server.origin, client_id: '1', project_id: '2' };
  const profile = profileSchema.parse({ name: 'lab', identity, agent: { binaries: {} } });
  try {
    return await createTokenCheck({
      ...{ profile, http, clock: systemClock, random: systemRandom, logger: silentLogger },
    })
      .check(new Secret('opaque'), AbortSignal.timeout(10_000))
      .then(({ account }) => ({ account }), toErrorView);
  } finally {
    http.close();
    await server.stop();
  }
}

it('an account with every right is taken', async () => {
  expect(await checkWith(all)).toEqual({ account: 'line' });
});

it.each(all)('an account without %s is refused before it begins anything', async (right) => {
  expect(await checkWith(all.filter((one) => one !== right))).toMatchObject({
    code: 'IDENTITY_ROLE_MISSING',
    says:
      right === 'user.delete'
        ? 'This account may not take devices out of the fleet.'
        : 'This account may not enroll devices.',
    evidence: `line of Plant (7) lacks: ${right}`,
  });
});
