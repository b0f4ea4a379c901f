import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpClient, createIdentityHttpClient, type HttpClient } from '#shared/adapters/http/http.ts';
import { silentLogger } from '#shared/adapters/log/logger.ts';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { systemRandom } from '#shared/adapters/system/random.ts';
import { createSetUpFolder } from '#shared/adapters/system/set-up-folder.ts';
import { createZitadelAdministration } from '#shared/adapters/zitadel/administration.ts';
import { createZitadelIdentityProvider } from '#shared/adapters/zitadel/identity-provider.ts';
import type { IdentityProvider } from '#shared/engine/ports.ts';
import type { DeviceId } from '#shared/model/device-id.ts';
import { type Profile, profileSchema } from '#shared/model/profile.ts';
import { Secret } from '#shared/model/secret.ts';
import { setUpRequestSchema } from '#shared/setup/request.ts';
import { setUp } from '#shared/setup/set-up.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '#shared/testing/patience.ts';
import type { LabIdentityProvider } from './identity/identity-provider.ts';
import { apiOf, startTestLab } from './identity/lab-testkit.ts';
import type { ApiGeneration } from './identity/options.ts';

/**
 * What the engine and the set-up may rely on, whichever generation of the API a server has. Each server here has one
 * alone, so that a call in the other one's words fails.
 */
const device = 'press-07' as DeviceId;
const inAYear = () => Math.floor(Date.now() / 1000) * 1000 + 365 * 86_400_000;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function lab(apiGenerations: readonly ApiGeneration[], bare = false): Promise<LabIdentityProvider> {
  // Organisation and project are older than the lag of a real one.
  const searchLagMs = { users: 40, grants: 40, keys: 40, apps: 40 };
  const started = await startTestLab({ apiGenerations, bare, searchLagMs });
  cleanUp.push(() => started.stop());
  return started;
}

function profileOf(started: LabIdentityProvider, identity: object = {}): Profile {
  return profileSchema.parse({
    name: 'x',
    identity: {
      issuer: started.issuer,
      client_id: started.clientId,
      project_id: started.projectId,
      org_id: started.orgId,
      ...identity,
    },
    agent: { binaries: {} },
  });
}

function station(
  started: LabIdentityProvider,
  identity: object = {},
  token = started.adminToken,
): IdentityProvider {
  const profile = profileOf(started, identity);
  const http: HttpClient = createIdentityHttpClient(profile, systemClock);
  cleanUp.push(() => http.close());
  return createZitadelIdentityProvider({
    ...{ profile, http, clock: systemClock, random: systemRandom, logger: silentLogger },
    tokens: { accessToken: async () => new Secret(token) },
    api: 'probe',
  });
}

async function setUpOnce(
  started: LabIdentityProvider,
  dir: string,
  identity: object = {},
  api: 'probe' | 'v1' | 'v2' = 'probe',
) {
  const { identity: place } = profileOf(started, identity);
  const http = createHttpClient({ clock: systemClock });
  try {
    return await setUp({
      request: setUpRequestSchema.parse({
        ...{ issuer: started.issuer, project: 'warehouse', roles: ['operator'] },
        machineUsers: [{ name: 'nats-callout', roles: ['device', 'operator'] }],
      }),
      administration: createZitadelAdministration({
        ...{ identity: place, http, clock: systemClock, random: systemRandom, logger: silentLogger, api },
        tokens: { accessToken: async () => new Secret(started.adminToken) },
      }),
      folder: createSetUpFolder(dir),
      ...{ clock: systemClock, random: systemRandom, profile: {}, preview: false, signal: unlessItHangs() },
      readIdentity: () => undefined,
      onItem: () => undefined,
    });
  } finally {
    http.close();
  }
}

describe.each([['v1'], ['v2']] as const)('a Zitadel with %s alone', (generation) => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-generation-'));
    cleanUp.push(() => rm(dir, { recursive: true, force: true }));
  });

  test('is set up from nothing', async () => {
    const started = await lab([generation], true);
    const report = await setUpOnce(started, dir);
    expect(report.items.filter(({ state }) => state === 'created').map(({ kind }) => kind)).toEqual([
      ...['project', 'role', 'role', 'device-app', 'api-app', 'machine-user', 'grant', 'key', 'file', 'file'],
    ]);
    const seen = started.inspect();
    expect(seen.projects).toMatchObject([{ name: 'warehouse', roleKeys: ['device', 'operator'] }]);
    expect(seen.apps).toMatchObject([
      {
        name: 'Muster station',
        oidc: {
          responseTypes: ['CODE'],
          grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'],
          ...{ appType: 'NATIVE', authMethod: 'NONE', tokenType: 'JWT' },
          ...{ accessTokenRoleAssertion: true, idTokenRoleAssertion: true, devMode: false },
        },
      },
      { name: 'Muster API', api: { authMethod: 'PRIVATE_KEY_JWT' } },
    ]);
    const user = seen.users.find(({ userName }) => userName === 'nats-callout');
    expect(user).toMatchObject({ accessTokenType: 'ACCESS_TOKEN_TYPE_JWT', orgId: started.orgId });
    expect(seen.grants).toMatchObject([{ userId: user?.id, roleKeys: ['device', 'operator'] }]);
    expect(seen.keys).toMatchObject([{ userId: user?.id, origin: 'minted', live: true }]);
  });

  test('gives a device its account once, for two stations at the same moment', async () => {
    const started = await lab([generation]);
    const accounts = await Promise.all(
      [0, 1, 2, 3].map(() => station(started).ensureAccount(device, 'unknown', unlessItHangs())),
    );
    expect(new Set(accounts.map(({ userId }) => userId)).size).toBe(1);
    expect(accounts.filter(({ created }) => created)).toHaveLength(1);
    const seen = started.inspect();
    const users = seen.users.filter(({ userName }) => userName === 'device-press-07');
    expect(users).toMatchObject([{ accessTokenType: 'ACCESS_TOKEN_TYPE_JWT', orgId: started.orgId }]);
    expect(seen.grants.filter(({ userId }) => userId === users[0]?.id)).toMatchObject([
      { projectId: started.projectId, roleKeys: ['device'], orgId: started.orgId },
    ]);
    await expect
      .poll(() => station(started).findMachineUser(device, unlessItHangs()), { timeout: HANGS_AFTER_MS })
      .toEqual({ userId: users[0]?.id, hasJwtTokens: true, hasGrant: true });
    expect(await station(started).ensureAccount(device, 'new', unlessItHangs())).toMatchObject({
      created: false,
    });
  });

  test('mints, registers, lists and deletes keys', async () => {
    const started = await lab([generation]);
    const identity = station(started);
    const { userId } = await identity.ensureAccount(device, 'new', unlessItHangs());
    const expiresAt = inAYear();
    const minted = await identity.mintKey(userId, expiresAt, unlessItHangs());
    const content = JSON.parse(minted.file.reveal()) as { type: string; userId: string; keyId: string };
    expect(content).toMatchObject({ type: 'serviceaccount', userId, keyId: minted.keyId });
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const registered = await identity.registerKey(userId, pem, expiresAt + 5, unlessItHangs());
    expect(started.inspect().keys.map(({ origin }) => origin)).toEqual(['minted', 'registered']);
    await expect
      .poll(() => identity.listKeys(userId, unlessItHangs()), { timeout: HANGS_AFTER_MS })
      .toMatchObject([
        { keyId: minted.keyId, expiresAt },
        { keyId: registered?.keyId, expiresAt: expiresAt + 5 },
      ]);
    await identity.deleteKey(userId, minted.keyId, unlessItHangs());
    await identity.deleteKey(userId, minted.keyId, unlessItHangs());
    expect(started.inspect().keys.filter(({ live }) => live)).toMatchObject([{ id: registered?.keyId }]);
  });

  test('deletes a device with its grant and keys, once and again', async () => {
    const started = await lab([generation]);
    const identity = station(started);
    const { userId } = await identity.ensureAccount(device, 'new', unlessItHangs());
    await identity.mintKey(userId, inAYear(), unlessItHangs());
    await identity.deleteMachineUser(userId, unlessItHangs());
    await identity.deleteMachineUser(userId, unlessItHangs());
    const { users, keys, grants, mutations } = started.inspect();
    for (const all of [users.filter(({ id }) => id === userId), keys, grants]) {
      expect(all.length).toBeGreaterThan(0);
      expect(all.filter(({ live }) => live)).toEqual([]);
    }
    expect(mutations['user.deleted']).toBe(1);
  });

  test('shows the project, or those it shows instead', async () => {
    const started = await lab([generation]);
    await expect(station(started).requireProject(unlessItHangs())).resolves.toBeUndefined();
    await expect(station(started, { project_id: '1' }).requireProject(unlessItHangs())).rejects.toMatchObject(
      {
        code: 'IDENTITY_PROJECT_NOT_VISIBLE',
        details: { visible: `${started.projectName} (${started.projectId})` },
      },
    );
  });

  test('says that it does not know the organisation, not that the project is hidden', async () => {
    const started = await lab([generation]);
    const before = started.inspect().mutations;
    const lost = station(started, { org_id: '404404' });
    await expect(lost.requireProject(unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_ORGANISATION_UNKNOWN',
      details: { orgId: '404404' },
      // The first generation shows nothing where it does not know the organisation.
      evidence: expect.stringContaining(
        generation === 'v1'
          ? 'AUTH-Bs7Ds'
          : `${started.projectName} (${started.projectId}, of organisation ${started.orgId})`,
      ),
    });
    expect(started.inspect().mutations).toEqual(before);
  });

  test('refuses who may not, by one name in both', async () => {
    const started = await lab([generation]);
    const before = started.inspect().mutations;
    const account = (token: string) =>
      station(started, {}, token).ensureAccount(device, 'new', unlessItHangs());
    await expect(account(started.powerlessToken)).rejects.toMatchObject({ code: 'IDENTITY_ROLE_MISSING' });
    await expect(account('nonsense')).rejects.toMatchObject({ code: 'IDENTITY_SESSION_ENDED' });
    await expect(setUpOnce(started, dir, { org_id: '404404' })).rejects.toMatchObject({
      code: 'IDENTITY_ORGANISATION_UNKNOWN',
    });
    expect(started.inspect().mutations).toEqual(before);
  });

  test('finds the organisation of the account where the profile names none', async () => {
    const started = await lab([generation]);
    const { userId } = await station(started, { org_id: undefined }).ensureAccount(
      device,
      'new',
      unlessItHangs(),
    );
    expect(started.inspect().users.find(({ id }) => id === userId)?.orgId).toBe(started.orgId);
  });
});

describe.each([['v1'], ['v2']] as const)('what somebody changed, over %s', (api) => {
  test('is put right, and what somebody added is kept', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'muster-generation-'));
    cleanUp.push(() => rm(dir, { recursive: true, force: true }));
    const started = await lab(['v1', 'v2'], true);
    await setUpOnce(started, dir, {}, api);
    const { apps, users, grants } = started.inspect();
    const user = users.find(({ userName }) => userName === 'nats-callout');
    const [grant] = grants;
    const [app] = apps;
    const project = `/management/v1/projects/${app?.projectId}`;
    const change = apiOf(started, started.adminToken);
    const changes = [
      [
        'PUT',
        `${project}/apps/${app?.id}/oidc_config`,
        {
          redirectUris: ['https://plant.example/back'],
          responseTypes: ['OIDC_RESPONSE_TYPE_CODE'],
          grantTypes: ['OIDC_GRANT_TYPE_AUTHORIZATION_CODE'],
          ...{ appType: 'OIDC_APP_TYPE_NATIVE', devMode: true },
        },
      ],
      ['POST', `${project}/apps/${app?.id}/_deactivate`, {}],
      ['PUT', `/management/v1/users/${user?.id}/machine`, { name: 'Callout', description: 'of the plant' }],
      ['POST', `${project}/roles`, { roleKey: 'guest', displayName: 'Guest' }],
      ['PUT', `/management/v1/users/${user?.id}/grants/${grant?.id}`, { roleKeys: ['guest'] }],
      ['PUT', project, { name: 'warehouse', projectRoleCheck: true }],
    ] as const;
    for (const [method, url, body] of changes) {
      expect((await change(method, url, body)).status, url).toBe(200);
    }
    // Looked at once the searches have caught up: a run within their lag finds nothing to put right.
    started.control.setSearchLag(0);
    // The profile is a person's and the folder is kept; only the provider is put right here.
    const changed = async () => {
      await rm(path.join(dir, 'profile.toml'));
      const { items } = await setUpOnce(started, dir, {}, api);
      return items.filter(({ state }) => state === 'changed').map(({ kind }) => kind);
    };
    expect(await changed()).toEqual(['project', 'device-app', 'machine-user', 'grant']);
    started.control.setSearchLag({ users: 40, grants: 40, keys: 40, apps: 40 });
    const now = started.inspect();
    expect(now.projects).toMatchObject([{ name: 'warehouse' }]);
    expect(now.apps.find(({ id }) => id === app?.id)).toMatchObject({
      active: true,
      oidc: {
        redirectUris: ['https://plant.example/back'],
        grantTypes: ['AUTHORIZATION_CODE', 'DEVICE_CODE', 'REFRESH_TOKEN'],
        ...{ authMethod: 'NONE', tokenType: 'JWT', devMode: true },
      },
    });
    expect(now.users.find(({ id }) => id === user?.id)?.accessTokenType).toBe('ACCESS_TOKEN_TYPE_JWT');
    expect(now.grants).toMatchObject([{ roleKeys: ['guest', 'device', 'operator'] }]);
    const mutations = started.inspect().mutations;
    // Searches show the old state for a moment: to put right what is right already changes nothing.
    await expect.poll(changed, { timeout: HANGS_AFTER_MS }).toEqual([]);
    expect(started.inspect().mutations).toEqual(mutations);
  });
});

describe('which generation is spoken', () => {
  const paths = (started: LabIdentityProvider) => Object.keys(started.inspect().calls);
  const probes = (started: LabIdentityProvider) =>
    started.inspect().requests.filter(({ path: url }) => url.includes('ProjectService/ListProjects')).length;

  test.each([
    [['v1', 'v2'], 'v2'],
    [['v1'], 'v1'],
    [['v1', 'v2-users-only'], 'v1'],
  ] as const)('of %j it is %s, asked once', async (generations, spoken) => {
    const started = await lab(generations);
    const identity = station(started);
    const devices = ['a-1', 'a-2', 'a-3'].map((id) => id as DeviceId);
    await Promise.all(devices.map((id) => identity.ensureAccount(id, 'new', unlessItHangs())));
    expect(probes(started)).toBe(1);
    const first = paths(started).filter((one) => one.includes('/management/v1/'));
    const second = paths(started).filter((one) => one.includes('/v2/') || one.includes('/zitadel.'));
    if (spoken === 'v2') expect(first).toEqual([]);
    else expect(second).toEqual(['POST /zitadel.project.v2.ProjectService/ListProjects']);
  });

  test.each([
    [['v1', 'v2'], 'v2'],
    [['v1'], 'v1'],
    [['v2'], 'v2'],
  ] as const)('of %j an administrator is told %s, and whose token it is', async (generations, spoken) => {
    const started = await lab(generations);
    const http = createHttpClient({ clock: systemClock });
    cleanUp.push(() => http.close());
    const told = (token: string) =>
      createZitadelAdministration({
        ...{ identity: profileOf(started, {}).identity, http, clock: systemClock, random: systemRandom },
        ...{ logger: silentLogger, api: 'probe', tokens: { accessToken: async () => new Secret(token) } },
      }).caller(unlessItHangs());
    const admin = started.inspect().users.find(({ userName }) => userName === 'muster-admin');
    // Without the first generation there is the id alone, for a token that was given no scope for names.
    const account = (generations as readonly string[]).includes('v1') ? 'muster-admin' : admin?.id;
    expect(await told(started.adminToken)).toEqual({ account, api: spoken });
    await expect(told('no-such-token')).rejects.toMatchObject({ code: 'IDENTITY_SESSION_ENDED' });
  });
});
