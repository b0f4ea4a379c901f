import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FaultRequest,
  type LabIdentityOptions,
  namedFaults,
  startLabIdentityProvider,
} from '../../../e2e/lab/identity/index.ts';
import type { RegisteredKey } from '../../engine/ports.ts';
import type { DeviceId } from '../../model/device-id.ts';
import { profileSchema } from '../../model/profile.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../testing/patience.ts';
import { createHttpClient } from '../http/http.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { systemRandom } from '../system/random.ts';
import { createZitadelIdentityProvider } from './identity-provider.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});
const expiresAt = Date.now() + 86_400_000;
/** Its waits are over at once. */
const hastyClock = { ...systemClock, sleep: async () => undefined };

async function scene(options: Omit<LabIdentityOptions, 'signal'> = {}) {
  const lab = await startLabIdentityProvider({ ...options, signal: unlessItHangs() });
  const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
  cleanUp.push(
    () => lab.stop(),
    () => http.close(),
  );
  const { projectId, clientId, orgId, adminToken } = lab;
  const identity = createZitadelIdentityProvider({
    profile: profileSchema.parse({
      name: 'lab',
      identity: { issuer: lab.issuer, client_id: clientId, project_id: projectId, org_id: orgId },
      agent: { binaries: {} },
    }),
    ...{
      tokens: { accessToken: async () => new Secret(adminToken) },
      http,
      clock: hastyClock,
      random: systemRandom,
    },
    logger: silentLogger,
  });
  const { userId } = await identity.ensureAccount('press-07' as DeviceId, 'new', unlessItHangs());
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const signed = (key: RegisteredKey) =>
    sign('sha256', Buffer.from(key.signingInput), pair.privateKey).toString('base64');
  return { lab, identity, userId, publicKey, signed };
}

it('logs in with a key that was born elsewhere, and not with another signature', async () => {
  const { lab, identity, userId, publicKey, signed } = await scene();
  const key = await identity.registerKey(userId, publicKey, expiresAt, unlessItHangs());
  if (key === undefined) throw new Error('The lab takes public keys.');
  expect(identity.machineTokensLastMs).toBeUndefined();
  expect(await identity.provesLogin(key, signed(key), unlessItHangs())).toBe('logs-in');
  expect(identity.machineTokensLastMs).toBe(12 * 3_600_000);
  expect(lab.inspect().keys).toMatchObject([{ id: key.keyId, origin: 'registered', live: true }]);
  const calls = () => lab.inspect().requests.length;
  const before = calls();
  const nonsense = Buffer.alloc(256).toString('base64');
  expect(await identity.provesLogin(key, nonsense, unlessItHangs())).toBe('not-its-signature');
  expect(calls()).toBe(before);
  expect(identity.takesPublicKeys).toBe(true);
});

it('deletes the pair of a server that does not know public keys, and asks it no more', async () => {
  const { lab, identity, userId, publicKey } = await scene({ quirks: { ignorePublicKeys: true } });
  expect(await identity.registerKey(userId, publicKey, expiresAt, unlessItHangs())).toBeUndefined();
  expect(lab.inspect().keys).toMatchObject([{ origin: 'minted', live: false }]);
  expect(identity.takesPublicKeys).toBe(false);
});

it.each([
  ['is too busy', namedFaults.tooManyRequests()],
  ['is not there behind its proxy', namedFaults.unavailable()],
])('says that nothing is known where the provider %s, and goes on asking', async (_what, reply) => {
  const faults = { before: ({ path }: FaultRequest) => (path === '/oauth/v2/token' ? reply : undefined) };
  const { identity, userId, publicKey, signed } = await scene({ faults });
  const key = await identity.registerKey(userId, publicKey, expiresAt, unlessItHangs());
  if (key === undefined) throw new Error('The lab takes public keys.');
  await expect(identity.provesLogin(key, signed(key), unlessItHangs())).rejects.toMatchObject({
    code: 'IDENTITY_UNREACHABLE',
  });
  expect(identity.takesPublicKeys).toBe(true);
});

describe('a provider that refuses registered keys', () => {
  /** One device whose registered key is refused. */
  async function refused(one: Awaited<ReturnType<typeof scene>>, name: string) {
    const { identity, publicKey, signed } = one;
    const { userId } = await identity.ensureAccount(name as DeviceId, 'new', unlessItHangs());
    const key = await identity.registerKey(userId, publicKey, expiresAt, unlessItHangs());
    if (key === undefined) throw new Error('The lab takes public keys.');
    expect(await identity.provesLogin(key, signed(key), unlessItHangs())).toBe('refused');
    return { userId, minted: () => identity.mintKey(userId, expiresAt, unlessItHangs()) };
  }

  it('is told by two devices whose minted keys log in where the registered ones did not', async () => {
    const one = await scene({ quirks: { registeredKeysCannotLogIn: true } });
    const { identity } = one;
    for (const [name, taken] of [
      ['press-08', true],
      ['press-09', false],
    ] as const) {
      const { minted } = await refused(one, name);
      expect(await identity.logsIn(await minted(), unlessItHangs())).toBe(true);
      expect(identity.takesPublicKeys).toBe(taken);
    }
  });

  it('is not told by refusals alone: a clock that is off and an outage look the same', async () => {
    let isIll = true;
    const reply = namedFaults.internal();
    const faults = {
      before: ({ path }: FaultRequest) => (isIll && path === '/oauth/v2/token' ? reply : undefined),
    };
    const one = await scene({ faults });
    const { identity } = one;
    for (const name of ['press-08', 'press-09', 'press-10']) {
      const { minted } = await refused(one, name);
      expect(await identity.logsIn(await minted(), unlessItHangs())).toBe(false);
    }
    expect(identity.takesPublicKeys).toBe(true);
    isIll = false;
    const key = await identity.registerKey(one.userId, one.publicKey, expiresAt, unlessItHangs());
    if (key === undefined) throw new Error('The lab takes public keys.');
    expect(await identity.provesLogin(key, one.signed(key), unlessItHangs())).toBe('logs-in');
  });
});

it('tells by a signature of the device whether a key that it holds logs in', async () => {
  const { lab, identity, userId, publicKey, signed } = await scene();
  const key = await identity.registerKey(userId, publicKey, expiresAt, unlessItHangs());
  if (key === undefined) throw new Error('The lab takes public keys.');
  const challenge = identity.challengeLogin(userId, key.keyId);
  const signature = signed({ ...key, ...challenge });
  expect(await identity.provesLogin(challenge, signature, unlessItHangs())).toBe('logs-in');
  await identity.deleteKey(userId, key.keyId, unlessItHangs());
  expect(lab.inspect().keys.filter(({ live }) => live)).toEqual([]);
  expect(await identity.provesLogin(challenge, signature, unlessItHangs())).toBe('refused');
});
