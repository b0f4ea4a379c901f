import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPorts } from '#shared/adapters/create-ports.ts';
import { openMemoryJournal } from '#shared/adapters/journal/journal.ts';
import { createMemoryTokenCache } from '#shared/adapters/keychain/memory-token-cache.ts';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import type { DeviceId } from '#shared/model/device-id.ts';
import { Secret } from '#shared/model/secret.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import type { LabIdentityProvider } from '../lab/identity/identity-provider.ts';
import { apiOf, startTestLab } from '../lab/identity/lab-testkit.ts';
import { bundledCli, type CliRun, operatorToken, runCli } from './run-cli.ts';
import { filesIn, runSetUp, type SetUpWish } from './set-up-run.ts';

/** A provider nobody has set up, and the bundle as an administrator runs it. */
describe('muster setup zitadel', () => {
  let lab: LabIdentityProvider;
  let dir: string;

  beforeAll(async () => {
    await bundledCli();
  });
  beforeEach(async () => {
    lab = await startTestLab({ bare: true });
    dir = await mkdtemp(path.join(tmpdir(), 'muster-setup-'));
  });
  afterEach(async () => {
    await lab.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const setup = (wish?: SetUpWish) => runSetUp(lab, out('.'), wish);
  const states = (run: CliRun) =>
    run.events('set-up-item').map(({ kind, name, state }) => [kind, name, state]);
  const out = (name: string) => path.join(dir, 'out', name);
  const mutations = () => structuredClone(lab.inspect().mutations);
  const refusal = (run: CliRun) => run.events('error')[0]?.error;
  const keyFile = () => out('keys/nats-callout.json');

  test('an empty Zitadel becomes a profile with which a station signs in and makes a device', async () => {
    const run = await setup({ users: ['nats-callout', 'dashboard=operator,reader'] });
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(states(run)).toEqual([
      ['organisation', lab.orgName, 'already'],
      ['project', 'warehouse', 'created'],
      ['role', 'device', 'created'],
      ['role', 'operator', 'created'],
      ['role', 'reader', 'created'],
      ['device-app', 'Muster station', 'created'],
      ['api-app', 'Muster API', 'created'],
      ['machine-user', 'nats-callout', 'created'],
      ['grant', 'nats-callout', 'created'],
      ['key', 'nats-callout', 'created'],
      ['machine-user', 'dashboard', 'created'],
      ['grant', 'dashboard', 'created'],
      ['key', 'dashboard', 'created'],
      ['file', 'client-config.json', 'created'],
      ['file', 'profile.toml', 'created'],
    ]);
    const seen = lab.inspect();
    const project = seen.projects.find(({ name }) => name === 'warehouse');
    expect(project?.roleKeys).toEqual(['device', 'operator', 'reader']);
    const app = seen.apps.find(({ name }) => name === 'Muster station');
    expect(app?.oidc).toMatchObject({
      grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'],
      appType: 'NATIVE',
      authMethod: 'NONE',
    });
    const dashboard = seen.users.find(({ userName }) => userName === 'dashboard');
    expect(dashboard?.accessTokenType).toBe('ACCESS_TOKEN_TYPE_JWT');
    expect(seen.grants.find(({ userId }) => userId === dashboard?.id)?.roleKeys).toEqual([
      'operator',
      'reader',
    ]);
    // Keys and the folder they are in are for this account alone, and nothing else of them is left.
    expect(readdirSync(out('keys')).sort()).toEqual(['dashboard.json', 'nats-callout.json']);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(statSync(out('keys')).mode & 0o777).toBe(0o700);
    const config: unknown = JSON.parse(readFileSync(out('client-config.json'), 'utf8'));
    expect(config).toMatchObject({
      issuer: lab.issuer,
      projects: { warehouse: project?.id },
      apps: { 'Muster station': app?.clientId },
      machine_user_ids: { dashboard: dashboard?.id },
    });
    // The token is in nothing that was printed or written.
    const everything = [run.stdout, run.stderr, ...readdirSync(out('.')).map((name) => contentOf(out(name)))];
    expect(everything.join('\n')).not.toContain(lab.adminToken);

    const profilePath = out('profile.toml');
    const token = await operatorToken(profilePath, dir, unlessItHangs());
    const profile = await loadProfile(profilePath, unlessItHangs());
    const ports = createPorts({
      ...{ profile, userDataDir: path.join(dir, 'station'), tokenCache: createMemoryTokenCache() },
      ...{ openJournal: openMemoryJournal, openBrowser: async () => false },
    });
    const identity = ports.createIdentityProvider(profile, { accessToken: async () => new Secret(token) });
    const account = await identity.ensureAccount('press-07' as DeviceId, 'unknown', unlessItHangs());
    const key = await identity.mintKey(account.userId, Date.now() + 86_400_000, unlessItHangs());
    await ports.close();
    const after = lab.inspect();
    expect(after.keys.find(({ id }) => id === key.keyId)).toMatchObject({
      live: true,
      userId: account.userId,
    });
    expect(after.grants.find(({ userId }) => userId === account.userId)).toMatchObject({
      projectId: project?.id,
      roleKeys: ['device'],
    });
  });

  test('a token that ends on the way ends it with 3 and asks nobody, and a second run goes on', async () => {
    await lab.stop();
    let isEnded = true;
    // A personal access token does not end in the lab: this is how the provider refuses one that has.
    const reply = { status: 401, body: { code: 16, message: 'Errors.Token.Invalid (AUTH-7fs1e)' } };
    lab = await startTestLab({
      bare: true,
      faults: {
        before: ({ method, path: at }) =>
          isEnded && method === 'POST' && /role/i.test(at) ? reply : undefined,
      },
    });
    const run = await setup();
    expect(run.status, run.stderr + run.stdout).toBe(3);
    expect(refusal(run)?.code).toBe('IDENTITY_TOKEN_REFUSED');
    expect(run.events('sign-in')).toEqual([]);
    expect(states(run)).toContainEqual(['project', 'warehouse', 'created']);
    isEnded = false;
    const again = await setup();
    expect(again.status, again.stderr + again.stdout).toBe(0);
    expect(states(again)).toContainEqual(['project', 'warehouse', 'already']);
    expect(states(again)).toContainEqual(['device-app', 'Muster station', 'created']);
  });

  test('a second run changes nothing, at the provider and on disk', async () => {
    expect((await setup()).status).toBe(0);
    const before = { mutations: mutations(), files: filesIn(out('.')) };
    const again = await setup();
    expect(again.status, again.stderr + again.stdout).toBe(0);
    expect(new Set(states(again).map(([, , state]) => state))).toEqual(new Set(['already']));
    expect(again.events('set-up')).toMatchObject([{ changes: 0 }]);
    expect({ mutations: mutations(), files: filesIn(out('.')) }).toEqual(before);
  });

  test('a dry run says the same and makes nothing', async () => {
    const run = await setup({ more: ['--dry-run'] });
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(states(run)).toContainEqual(['project', 'warehouse', 'would-create']);
    expect(states(run)).toContainEqual(['key', 'nats-callout', 'would-create']);
    expect(mutations()).toEqual({});
    expect(existsSync(out('.'))).toBe(false);
  });

  test('what somebody changed is put right, and what somebody added is kept', async () => {
    expect((await setup()).status).toBe(0);
    const { apps, users, grants } = lab.inspect();
    const api = apiOf(lab, lab.adminToken);
    const app = apps.find(({ name }) => name === 'Muster station');
    const user = users.find(({ userName }) => userName === 'nats-callout');
    const grant = grants.find(({ userId }) => userId === user?.id);
    const base = `/management/v1/projects/${app?.projectId}`;
    const changes = [
      [
        'PUT',
        `${base}/apps/${app?.id}/oidc_config`,
        {
          redirectUris: ['https://plant.example/back'],
          responseTypes: ['OIDC_RESPONSE_TYPE_CODE'],
          grantTypes: ['OIDC_GRANT_TYPE_AUTHORIZATION_CODE'],
          appType: 'OIDC_APP_TYPE_NATIVE',
        },
      ],
      ['POST', `${base}/apps/${app?.id}/_deactivate`, {}],
      ['PUT', `/management/v1/users/${user?.id}/machine`, { name: 'Callout', description: 'of the plant' }],
      ['PUT', `/management/v1/users/${user?.id}/grants/${grant?.id}`, { roleKeys: ['operator'] }],
      ['PUT', base, { name: 'warehouse' }],
    ] as const;
    for (const [method, url, body] of changes) expect((await api(method, url, body)).status, url).toBe(200);

    const run = await setup();
    expect(run.status, run.stderr + run.stdout).toBe(0);
    const changed = states(run).filter(([, , state]) => state === 'changed');
    expect(changed).toEqual([
      ['project', 'warehouse', 'changed'],
      ['device-app', 'Muster station', 'changed'],
      ['machine-user', 'nats-callout', 'changed'],
      ['grant', 'nats-callout', 'changed'],
    ]);
    const now = lab.inspect();
    expect(now.apps.find(({ id }) => id === app?.id)).toMatchObject({
      active: true,
      oidc: {
        redirectUris: ['https://plant.example/back'],
        grantTypes: ['AUTHORIZATION_CODE', 'DEVICE_CODE', 'REFRESH_TOKEN'],
        authMethod: 'NONE',
        tokenType: 'JWT',
      },
    });
    expect(now.users.find(({ id }) => id === user?.id)?.accessTokenType).toBe('ACCESS_TOKEN_TYPE_JWT');
    expect(now.grants.find(({ id }) => id === grant?.id)?.roleKeys).toEqual(['operator', 'device']);
    expect(states(await setup()).filter(([, , state]) => state !== 'already')).toEqual([]);
  });

  test('a token comes on standard input too', async () => {
    const run = await runCli(
      [
        'setup',
        'zitadel',
        '--issuer-url',
        lab.issuer,
        '--project',
        'p',
        '--out',
        out('.'),
        '--dry-run',
        '--json',
      ],
      { stdin: `${lab.adminToken}\n` },
    );
    expect(run.status, run.stderr + run.stdout).toBe(0);
    const none = await runCli(
      ['setup', 'zitadel', '--issuer-url', lab.issuer, '--project', 'p', '--out', out('.')],
      {
        stdin: '',
      },
    );
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('MUSTER_ADMIN_TOKEN');
  });

  describe('refuses, and changes nothing:', () => {
    const unchanged = async (run: Promise<CliRun>, code: string, status: number) => {
      const before = { mutations: mutations(), files: existsSync(out('.')) ? filesIn(out('.')) : [] };
      const ended = await run;
      expect(refusal(ended)?.code, ended.stdout + ended.stderr).toBe(code);
      expect(ended.status).toBe(status);
      expect(refusal(ended)?.operatorDoes).toMatch(/\.$/);
      expect({ mutations: mutations(), files: existsSync(out('.')) ? filesIn(out('.')) : [] }).toEqual(
        before,
      );
      return refusal(ended);
    };

    test('a token without any manager role', () =>
      unchanged(setup({ token: lab.powerlessToken }), 'IDENTITY_ROLE_MISSING', 3));

    test('a token that may only look', async () => {
      const token = await patWithRole(lab, 'ORG_OWNER_VIEWER');
      const refused = await unchanged(setup({ token }), 'IDENTITY_ROLE_MISSING', 3);
      expect(refused?.evidence).toContain('project.create');
    });

    test('a token that is none', () => unchanged(setup({ token: 'nonsense' }), 'IDENTITY_TOKEN_REFUSED', 3));

    test('an organisation that does not exist', async () => {
      const refused = await unchanged(
        setup({ more: ['--admin-org-id', '404404'] }),
        'IDENTITY_ORGANISATION_UNKNOWN',
        3,
      );
      expect(refused?.says).toContain('404404');
    });

    test('an address the provider does not call itself', () =>
      unchanged(setup({ issuer: `${lab.issuer}/` }), 'IDENTITY_ISSUER_MISMATCH', 3));

    describe('a folder that', () => {
      beforeEach(async () => {
        expect((await setup()).status).toBe(0);
      });

      test('has a profile of another issuer', async () => {
        const text = readFileSync(out('profile.toml'), 'utf8');
        await writeFile(out('profile.toml'), text.replaceAll(lab.issuer, 'https://other.example'));
        const refused = await unchanged(setup(), 'STATION_SETUP_FILE_REFUSED', 4);
        expect(refused?.says).toContain('https://other.example');
      });

      test('has a malformed key', async () => {
        await writeFile(keyFile(), '{"type":"serviceaccount","keyId":"1"');
        await unchanged(setup({ users: ['nats-callout', 'another'] }), 'STATION_SETUP_FILE_REFUSED', 4);
      });

      test("has another user's key", async () => {
        expect((await setup({ users: ['other'] })).status).toBe(0);
        await unlink(keyFile());
        await rename(out('keys/other.json'), keyFile());
        const refused = await unchanged(setup(), 'STATION_SETUP_FILE_REFUSED', 4);
        expect(refused?.says).toContain('it is the key of the user');
      });

      test('has a key that is gone at the provider', async () => {
        const { keyId, userId } = JSON.parse(readFileSync(keyFile(), 'utf8')) as Record<string, string>;
        const api = apiOf(lab, lab.adminToken);
        await api('DELETE', `/management/v1/users/${userId}/keys/${keyId}`);
        await unchanged(setup(), 'STATION_SETUP_FILE_REFUSED', 4);
      });
    });

    describe('before the first change', () => {
      // As from a provider that was made anew: the folder names what is not there any more.
      const foreignKey = { type: 'serviceaccount', keyId: '1', userId: '2', key: pemHead };
      const foreignProfile = () =>
        `name = "w"\n[identity]\nissuer = "${lab.issuer}"\nclient_id = "3"\nproject_id = "4"\n[agent.binaries]\n`;
      beforeEach(async () => {
        await mkdir(out('keys'), { recursive: true });
      });

      test.each([[[]], [['--dry-run']]])('the key file of a user who is not there %j', async (more) => {
        await writeFile(keyFile(), JSON.stringify(foreignKey), { mode: 0o600 });
        const refused = await unchanged(setup({ more }), 'STATION_SETUP_FILE_REFUSED', 4);
        expect(refused?.says).toContain('nats-callout does not exist');
        expect(mutations()).toEqual({});
      });

      test.each([[[]], [['--dry-run']]])('a profile that names another project %j', async (more) => {
        await writeFile(out('profile.toml'), foreignProfile());
        const refused = await unchanged(setup({ more }), 'STATION_SETUP_FILE_REFUSED', 4);
        expect(refused?.says).toContain('another project');
        expect(mutations()).toEqual({});
      });

      test('an app of the same name that is of another kind', async () => {
        const api = apiOf(lab, lab.adminToken);
        const { body } = await api('POST', '/management/v1/projects', { name: 'warehouse' });
        await api('POST', `/management/v1/projects/${body.id}/apps/api`, {
          name: 'Muster station',
          authMethodType: 'API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT',
        });
        const refused = await unchanged(setup(), 'IDENTITY_SETUP_CONFLICT', 3);
        expect(refused?.says).toContain('Muster station');
      });

      test('a key that is gone, though a role and a user are still to be made', async () => {
        expect((await setup()).status).toBe(0);
        const { keyId, userId } = JSON.parse(readFileSync(keyFile(), 'utf8')) as Record<string, string>;
        await apiOf(lab, lab.adminToken)('DELETE', `/management/v1/users/${userId}/keys/${keyId}`);
        const users = ['dashboard=reader', 'nats-callout'];
        await unchanged(setup({ users }), 'STATION_SETUP_FILE_REFUSED', 4);
      });
    });

    test('an app of the same name that is of another kind, and a user name that is no file name', async () => {
      await setup();
      const run = await setup({ more: ['--station-app', 'Muster API'] });
      expect(refusal(run)?.code, run.stdout).toBe('IDENTITY_SETUP_CONFLICT');
      const before = mutations();
      const users = [lab.operator.loginName];
      const person = await setup({ users });
      expect(person.status).toBe(2);
      expect(mutations()).toEqual(before);
    });
  });

  test("the API app's id as client id: the sign-in names the client, and nothing changes", async () => {
    expect((await setup()).status).toBe(0);
    const { apps } = lab.inspect();
    const clientOf = (name: string) => apps.find((app) => app.name === name)?.clientId ?? '';
    const text = readFileSync(out('profile.toml'), 'utf8');
    const profilePath = out('wrong.toml');
    await writeFile(profilePath, text.replace(clientOf('Muster station'), clientOf('Muster API')));
    const before = mutations();
    await expect(operatorToken(profilePath, dir, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_CLIENT_UNKNOWN',
      details: { clientId: clientOf('Muster API') },
    });
    expect(mutations()).toEqual(before);
  });
});

/** Enough of a private key for a file to be taken for a key file. */
const pemHead = '-----BEGIN RSA PRIVATE KEY-----';

const contentOf = (file: string): string => (statSync(file).isFile() ? readFileSync(file, 'utf8') : '');

/** A token of a machine user that has this role in the organisation. */
async function patWithRole(lab: LabIdentityProvider, role: string): Promise<string> {
  const api = apiOf(lab, lab.adminToken);
  const { body } = await api('POST', '/management/v1/users/machine', { userName: 'looker', name: 'looker' });
  await api('POST', '/management/v1/orgs/me/members', { userId: body.userId, roles: [role] });
  const pat = await api('POST', `/management/v1/users/${body.userId}/pats`, {});
  return (pat.body as unknown as { token: string }).token;
}
