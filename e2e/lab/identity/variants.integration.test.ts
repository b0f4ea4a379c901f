import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { LabIdentityProvider } from './identity-provider.ts';
import { type Api, apiOf, assertion, postToken, startTestLab, unlessItHangs } from './lab-testkit.ts';
import type { LabIdentityOptions } from './options.ts';

const v1 = '/management/v1';

describe('Zitadels that differ from each other', () => {
  const started: LabIdentityProvider[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((lab) => lab.stop()));
  });

  async function labWith(
    options: Partial<LabIdentityOptions>,
  ): Promise<{ lab: LabIdentityProvider; api: Api }> {
    const lab = await startTestLab(options);
    started.push(lab);
    return { lab, api: apiOf(lab, lab.instanceToken) };
  }

  async function registerKey(api: Api) {
    const { userId } = (await api('POST', `${v1}/users/machine`, { userName: 'device-k', name: 'k' })).body;
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const { body } = await api('POST', `${v1}/users/${userId}/keys`, {
      ...{ type: 'KEY_TYPE_JSON', publicKey: Buffer.from(pem).toString('base64') },
    });
    return { userId, privateKey, body };
  }

  it('an old one overlooks a public key and mints a pair', async () => {
    const { lab, api } = await labWith({ quirks: { ignorePublicKeys: true } });
    const { body } = await registerKey(api);
    expect(body.keyDetails).toBeTruthy();
    expect(lab.inspect().keys).toMatchObject([{ origin: 'minted', live: true }]);
  });

  it('one with zitadel#7948 lists a registered key and lets nobody in with it', async () => {
    const { lab, api } = await labWith({ quirks: { registeredKeysCannotLogIn: true }, searchLagMs: 0 });
    const { userId, privateKey, body } = await registerKey(api);
    const listed = await api('POST', `${v1}/users/${userId}/keys/_search`, {});
    expect(listed.body.result).toMatchObject([{ id: body.keyId }]);
    const answer = await postToken(lab, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: await assertion(lab, { keyId: body.keyId, userId, privateKey }),
    });
    expect(answer).toMatchObject({ status: 500, body: { error: 'server_error' } });
  });

  it('takes a user name once per instance: 409 although the search of the organisation finds nothing', async () => {
    const { lab, api } = await labWith({ searchLagMs: 0 });
    const elsewhere = { 'x-zitadel-orgid': lab.otherOrg.id };
    const user = { userName: 'device-1', name: '1' };
    expect((await api('POST', `${v1}/users/machine`, user, elsewhere)).status).toBe(200);
    expect(await api('POST', `${v1}/users/machine`, user)).toMatchObject({ status: 409, body: { code: 6 } });
    const queries = [{ userNameQuery: { userName: 'device-1' } }];
    expect((await api('POST', `${v1}/users/_search`, { queries })).body.result).toBeUndefined();
    expect((await api('POST', `${v1}/users/_search`, { queries }, elsewhere)).body.result).toHaveLength(1);
  });

  it('takes it once per organisation where the policy says so', async () => {
    const { lab, api } = await labWith({ quirks: { userLoginMustBeDomain: true } });
    const user = { userName: 'device-1', name: '1' };
    const elsewhere = { 'x-zitadel-orgid': lab.otherOrg.id };
    const other = await api('POST', `${v1}/users/machine`, user, elsewhere);
    const mine = await api('POST', `${v1}/users/machine`, user);
    expect([other.status, mine.status]).toEqual([200, 200]);
    const { user: found } = (await api('GET', `${v1}/users/${mine.body.userId}`)).body;
    expect(found).toMatchObject({ preferredLoginName: 'device-1@muster.lab' });
  });

  it('hides one organisation from the owner of another, by id and by name', async () => {
    const { lab, api } = await labWith({});
    const elsewhere = { 'x-zitadel-orgid': lab.otherOrg.id };
    const owner = apiOf(lab, lab.adminToken);
    expect(await owner('GET', `${v1}/orgs/me`, undefined, elsewhere)).toMatchObject({
      status: 404,
      body: { code: 5, message: 'membership not found (AUTHZ-cdgFk)' },
    });
    const { userId } = (
      await api('POST', `${v1}/users/machine`, { userName: 'device-2', name: '2' }, elsewhere)
    ).body;
    expect((await owner('GET', `${v1}/users/${userId}`)).status).toBe(404);
    expect((await api('GET', `${v1}/users/${userId}`)).status).toBe(404);
    expect((await api('GET', `${v1}/users/${userId}`, undefined, elsewhere)).status).toBe(200);
  });

  it.each([
    { apiGenerations: ['v1'] as const, users: 404, connect: 404, management: 200 },
    { apiGenerations: ['v1', 'v2-users-only'] as const, users: 200, connect: 404, management: 200 },
    { apiGenerations: ['v2'] as const, users: 200, connect: 200, management: 404 },
  ])('answers what it does not have with 404: $apiGenerations', async (row) => {
    const { api } = await labWith({ apiGenerations: row.apiGenerations });
    const connect = await fetchStatus(api, '/zitadel.project.v2.ProjectService/ListProjects');
    expect([(await api('POST', '/v2/users', {})).status, connect]).toEqual([row.users, row.connect]);
    expect((await api('POST', `${v1}/users/_search`, {})).status).toBe(row.management);
  });

  it('takes Connect calls by POST and as JSON alone', async () => {
    const { lab } = await labWith({});
    const url = `${lab.issuer}/zitadel.project.v2.ProjectService/ListProjects`;
    const headers = { authorization: `Bearer ${lab.adminToken}` };
    expect((await fetch(url, { headers, signal: unlessItHangs() })).status).toBe(405);
    const proto = { ...headers, 'content-type': 'application/proto' };
    expect(
      (await fetch(url, { method: 'POST', headers: proto, body: '', signal: unlessItHangs() })).status,
    ).toBe(415);
    const broken = { ...headers, 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers: broken, body: '{', signal: unlessItHangs() });
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'invalid_argument' }]);
  });

  it('shows a caller of v2 what it may read, and refuses what it may not change', async () => {
    const { lab, api } = await labWith({ searchLagMs: 0 });
    const projects = '/zitadel.project.v2.ProjectService';
    const elsewhere = { organizationId: lab.otherOrg.id, name: 'hidden' };
    expect((await api('POST', `${projects}/CreateProject`, elsewhere)).status).toBe(200);
    const owner = apiOf(lab, lab.adminToken);
    const seen = await owner('POST', `${projects}/ListProjects`, {});
    expect(seen.body).toMatchObject({ projects: [{ projectId: lab.projectId }] });
    expect(await owner('POST', `${projects}/CreateProject`, { ...elsewhere, name: 'mine' })).toMatchObject({
      status: 404,
      body: { code: 'not_found', message: 'membership not found (AUTHZ-cdgFk)' },
    });
    const nobody = apiOf(lab, lab.powerlessToken);
    expect(await nobody('POST', `${projects}/ListProjects`, {})).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
    const { userId } = (await api('POST', `${v1}/users/machine`, { userName: 'viewer', name: 'v' })).body;
    await api('POST', `${v1}/orgs/me/members`, { userId, roles: ['ORG_OWNER_VIEWER'] });
    const pat = (await api('POST', `${v1}/users/${userId}/pats`, {})).body as unknown as { token: string };
    const viewer = apiOf(lab, pat.token);
    expect((await viewer('POST', `${projects}/ListProjects`, {})).status).toBe(200);
    const own = { organizationId: lab.orgId, name: 'mine' };
    expect(await viewer('POST', `${projects}/CreateProject`, own)).toMatchObject({
      status: 403,
      body: { code: 'permission_denied', message: 'No matching permissions found (AUTH-AWfge)' },
    });
    await api('POST', `${v1}/users/${userId}/_deactivate`, {});
    expect((await viewer('POST', `${projects}/ListProjects`, {})).status).toBe(401);
  });

  it('calls a client id after its project where it is old', async () => {
    const { lab, api } = await labWith({ quirks: { clientIdsNameTheProject: true } });
    const app = { name: 'api', authMethodType: 'API_AUTH_METHOD_TYPE_BASIC' };
    const { body } = await api('POST', `${v1}/projects/${lab.projectId}/apps/api`, app);
    expect((body as unknown as { clientId: string }).clientId).toMatch(/^\d{18}@muster-fleet$/);
  });
});

/** A missing Connect service answers plain text, which is no JSON. */
async function fetchStatus(api: Api, path: string): Promise<number> {
  return api('POST', path, {}).then(
    (answer) => answer.status,
    (error: unknown) => {
      if (error instanceof SyntaxError) return 404;
      throw error;
    },
  );
}
