import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabIdentityProvider } from './identity-provider.ts';
import { type Api, apiOf, eventually, signIn, startTestLab } from './lab-testkit.ts';

const v1 = '/management/v1';

describe("the lab's management API", () => {
  let lab: LabIdentityProvider;
  let api: Api;
  beforeAll(async () => {
    lab = await startTestLab();
    api = apiOf(lab, (await signIn(lab)).access_token);
  });
  afterAll(() => lab.stop());

  const findUser = async (userName: string) => {
    const answer = await api('POST', `${v1}/users/_search`, {
      query: { limit: 10, asc: true },
      queries: [{ userNameQuery: { userName, method: 'TEXT_QUERY_METHOD_EQUALS' } }],
    });
    return answer.body.result?.[0];
  };
  const addMachine = (userName: string, more: object = {}) =>
    api('POST', `${v1}/users/machine`, { userName, name: userName, ...more });

  it('tells the caller its organisation, its user and its permissions', async () => {
    const org = await api('GET', `${v1}/orgs/me`);
    expect(org.body.org).toMatchObject({ id: lab.orgId, name: lab.orgName, primaryDomain: 'muster.lab' });
    const me = await api('GET', '/auth/v1/users/me');
    expect(me.body.user).toMatchObject({ userName: lab.operator.loginName, state: 'USER_STATE_ACTIVE' });
    const permissions = await api('POST', '/auth/v1/permissions/zitadel/me/_search', {});
    expect(permissions.body.result).toEqual(expect.arrayContaining(['user.write', 'user.grant.write']));
  });

  it('finds the fleet project and its role by name', async () => {
    const found = await eventually(async () => {
      const answer = await api('POST', `${v1}/projects/_search`, {
        queries: [{ nameQuery: { name: lab.projectName } }],
      });
      return answer.body.result;
    });
    expect(found).toEqual([expect.objectContaining({ id: lab.projectId, state: 'PROJECT_STATE_ACTIVE' })]);
    const roles = await api('POST', `${v1}/projects/${lab.projectId}/roles/_search`, {});
    expect(roles.body.result?.[0]).toMatchObject({ key: 'device', displayName: 'Device' });
    expect(roles.body.result?.[0]).not.toHaveProperty('group');
  });

  it('leaves zero values out and writes 64-bit numbers as strings', async () => {
    const none = await api('POST', `${v1}/users/_search`, {
      queries: [{ userNameQuery: { userName: 'nobody-here' } }],
    });
    expect(none.status).toBe(200);
    expect(none.body).not.toHaveProperty('result');
    expect(none.body.details).not.toHaveProperty('totalResult');
    expect(typeof none.body.details.processedSequence).toBe('string');

    const created = await addMachine('device-zero');
    expect(typeof created.body.details.sequence).toBe('string');
    expect(created.body.details.resourceOwner).toBe(lab.orgId);
    const { user } = (await api('GET', `${v1}/users/${created.body.userId}`)).body;
    // BEARER is the enum's zero, the description is empty: neither is written.
    expect(user.machine).toEqual({ name: 'device-zero' });
  });

  it('shows a new user to searches a little later, but by id at once', async () => {
    const created = await addMachine('device-lag', { accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' });
    expect((await api('GET', `${v1}/users/${created.body.userId}`)).status).toBe(200);
    const found = await eventually(() => findUser('device-lag'));
    expect(found).toMatchObject({
      id: created.body.userId,
      machine: { name: 'device-lag', accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' },
    });
  });

  it('lets exactly one of many concurrent creations win; the others get 409', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => addMachine('device-race')));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    const lost = answers.find((answer) => answer.status === 409);
    expect(lost?.body).toEqual({
      code: 6,
      message: 'User already exists (V3-DKcYh)',
      details: [
        {
          '@type': 'type.googleapis.com/zitadel.v1.ErrorDetail',
          id: 'V3-DKcYh',
          message: 'User already exists',
        },
      ],
    });
    expect(lab.inspect().users.filter((user) => user.userName === 'device-race')).toHaveLength(1);
  });

  it('answers 400, not 409, when an explicit id is taken', async () => {
    const first = await addMachine('device-id-a', { userId: '111111111111111111' });
    expect(first.body.userId).toBe('111111111111111111');
    const second = await addMachine('device-id-b', { userId: '111111111111111111' });
    expect(second).toMatchObject({ status: 400, body: { code: 9 } });
  });

  it('pages through a search in a stable order', async () => {
    for (let index = 0; index < 7; index += 1) await addMachine(`paged-${index}`);
    const page = async (offset: number) =>
      api('POST', `${v1}/users/_search`, {
        query: { offset: String(offset), limit: 3, asc: true },
        queries: [
          { userNameQuery: { userName: 'paged-', method: 'TEXT_QUERY_METHOD_STARTS_WITH' } },
          { typeQuery: { type: 'TYPE_MACHINE' } },
        ],
      });
    await eventually(async () => ((await page(0)).body.details.totalResult === '7' ? true : undefined));
    const pages = await Promise.all([page(0), page(3), page(6), page(9)]);
    const names = pages.map(({ body }) =>
      (body.result ?? []).map((user: { userName: string }) => user.userName),
    );
    expect(names).toEqual([
      ['paged-0', 'paged-1', 'paged-2'],
      ['paged-3', 'paged-4', 'paged-5'],
      ['paged-6'],
      [],
    ]);
  });

  it('refuses a query it does not know, and ignores unknown fields elsewhere', async () => {
    const unknown = await api('POST', `${v1}/users/_search`, { queries: [{ userNameQuerry: {} }] });
    expect(unknown).toMatchObject({ status: 400, body: { code: 3 } });
    const typo = await addMachine('device-typo', { accesTokenType: 'ACCESS_TOKEN_TYPE_JWT' });
    expect(typo.status).toBe(200);
    const { user } = (await api('GET', `${v1}/users/${typo.body.userId}`)).body;
    expect(user.machine).not.toHaveProperty('accessTokenType');
  });

  it('answers "no changes" with 400 and code 9', async () => {
    const { userId } = (await addMachine('device-same', { accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' })).body;
    const same = { name: 'device-same', accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' };
    const answer = await api('PUT', `${v1}/users/${userId}/machine`, same);
    expect(answer).toMatchObject({ status: 400, body: { code: 9, details: [{ id: 'COMMAND-2n8vs' }] } });
    const changed = await api('PUT', `${v1}/users/${userId}/machine`, { ...same, description: 'bench 3' });
    expect(changed.status).toBe(200);
  });

  it('creates, finds, changes and deletes grants', async () => {
    const { userId } = (await addMachine('device-grant')).body;
    const grant = { projectId: lab.projectId, roleKeys: ['device'] };
    const missing = await api('POST', `${v1}/users/${userId}/grants`, { ...grant, roleKeys: ['pilot'] });
    expect(missing).toMatchObject({ status: 400, body: { code: 9, details: [{ id: 'COMMAND-mm9F4' }] } });

    const created = await api('POST', `${v1}/users/${userId}/grants`, grant);
    expect(created.status).toBe(200);
    expect((await api('POST', `${v1}/users/${userId}/grants`, grant)).status).toBe(409);
    const found = await eventually(async () => {
      const answer = await api('POST', `${v1}/users/grants/_search`, {
        queries: [{ userIdQuery: { userId } }, { projectIdQuery: { projectId: lab.projectId } }],
      });
      return answer.body.result;
    });
    expect(found).toEqual([
      expect.objectContaining({ id: created.body.userGrantId, userId, roleKeys: ['device'] }),
    ]);
    const same = await api('PUT', `${v1}/users/${userId}/grants/${created.body.userGrantId}`, {
      roleKeys: ['device'],
    });
    expect(same.body.details[0]?.id).toBe('COMMAND-Rs8fy');
    expect((await api('DELETE', `${v1}/users/${userId}/grants/${created.body.userGrantId}`)).status).toBe(
      200,
    );
    expect(await api('DELETE', `${v1}/users/${userId}/grants/${created.body.userGrantId}`)).toMatchObject({
      status: 404,
      body: { code: 5 },
    });
  });

  it('creates projects and roles once', async () => {
    const created = await api('POST', `${v1}/projects`, { name: 'second' });
    expect(created.body.id).toMatch(/^\d{18}$/);
    expect((await api('POST', `${v1}/projects`, { name: 'second' })).status).toBe(409);
    const role = { roleKey: 'device', displayName: 'Device' };
    expect((await api('POST', `${v1}/projects/${created.body.id}/roles`, role)).status).toBe(200);
    expect((await api('POST', `${v1}/projects/${created.body.id}/roles`, role)).status).toBe(409);
  });

  it('refuses each kind of caller the way Zitadel does', async () => {
    const url = `${lab.issuer}${v1}/orgs/me`;
    const nobody = await fetch(url);
    expect([nobody.status, await nobody.json()]).toEqual([401, { code: 16, message: 'auth header missing' }]);

    const broken = await apiOf(lab, 'broken')('GET', `${v1}/orgs/me`);
    expect(broken).toMatchObject({ status: 401, body: { details: [{ id: 'AUTH-7fs1e' }] } });

    const narrow = await signIn(lab, undefined, 'openid');
    const audience = await apiOf(lab, narrow.access_token)('GET', `${v1}/orgs/me`);
    expect(audience).toMatchObject({
      status: 401,
      body: { code: 16, message: 'invalid audience (APP-Zxfako)' },
    });

    const auditor = apiOf(lab, (await signIn(lab, lab.otherOperators.auditor.loginName)).access_token);
    expect((await auditor('GET', `${v1}/orgs/me`)).status).toBe(200);
    const write = await auditor('POST', `${v1}/users/machine`, { userName: 'device-x', name: 'x' });
    expect(write).toMatchObject({ status: 403, body: { code: 7, details: [{ id: 'AUTH-5mWD2' }] } });

    const trainee = apiOf(lab, (await signIn(lab, lab.otherOperators.trainee.loginName)).access_token);
    expect(await trainee('GET', `${v1}/orgs/me`)).toMatchObject({
      status: 404,
      body: { code: 5, message: 'membership not found (AUTHZ-cdgFk)' },
    });
    expect((await trainee('GET', '/auth/v1/users/me')).status).toBe(200);

    const wrongOrg = await api('GET', `${v1}/orgs/me`, undefined, { 'x-zitadel-orgid': '1' });
    expect(wrongOrg).toMatchObject({ status: 403, body: { details: [{ id: 'AUTH-Bs7Ds' }] } });
    expect((await api('GET', `${v1}/orgs/me`, undefined, { 'x-zitadel-orgid': lab.orgId })).status).toBe(200);
  });

  it('takes the admin token without a sign-in', async () => {
    expect((await apiOf(lab, lab.adminToken)('GET', `${v1}/orgs/me`)).status).toBe(200);
  });

  it('answers 405 to a wrong verb, 404 to a wrong path, 400 to broken JSON', async () => {
    expect(await api('PATCH', `${v1}/users/_search`)).toMatchObject({ status: 405, body: { code: 12 } });
    expect(await api('GET', `${v1}/nothing/here`)).toMatchObject({ status: 404, body: { code: 5 } });
    const token = { authorization: `Bearer ${lab.adminToken}` };
    const url = `${lab.issuer}${v1}/users/_search`;
    const broken = await fetch(url, { method: 'POST', body: '{', headers: token });
    expect([broken.status, ((await broken.json()) as { code: number }).code]).toEqual([400, 3]);
    expect((await fetch(`${lab.issuer}/debug/healthz`)).status).toBe(200);
  });
});

describe('searches that lag behind writes', () => {
  it('do not yet see what was just created, and still see what was just deleted', async () => {
    const lab = await startTestLab({ searchLagMs: 400 });
    let now = Date.now();
    lab.control.followClock(() => now);
    try {
      const api = apiOf(lab, lab.adminToken);
      const count = async () => {
        const queries = [{ userNameQuery: { userName: 'device-slow' } }];
        const answer = await api('POST', `${v1}/users/_search`, { queries });
        return Number(answer.body.details.totalResult ?? 0);
      };
      const created = await api('POST', `${v1}/users/machine`, { userName: 'device-slow', name: 'slow' });
      expect(await count()).toBe(0);
      // Taken all the same: whoever gets the 409 has to look again.
      const second = await api('POST', `${v1}/users/machine`, { userName: 'device-slow', name: 'slow' });
      expect(second.status).toBe(409);
      now += 399;
      expect(await count()).toBe(0);
      now += 1;
      expect(await count()).toBe(1);
      await api('DELETE', `${v1}/users/${created.body.userId}`);
      expect(await count()).toBe(1);
      expect((await api('GET', `${v1}/users/${created.body.userId}`)).status).toBe(404);
      now += 400;
      expect(await count()).toBe(0);
    } finally {
      await lab.stop();
    }
  });
});
