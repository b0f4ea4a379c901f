import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detailId, makeMachine, makeProject } from './making.ts';
import { at, eventually, results, type Subject, subjects, textOf } from './subject.ts';

const v1 = '/management/v1';
const equals = 'TEXT_QUERY_METHOD_EQUALS';

describe.each(subjects)('v1 of the management API, held against %s', (_name, open) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open();
  });
  afterAll(() => subject.close());

  const findUsers = (userName: string, method = equals, query: object = {}) =>
    subject.ask('POST', `${v1}/users/_search`, {
      query: { limit: 100, asc: true, ...query },
      queries: [{ userNameQuery: { userName, method } }],
    });

  it('tells the organisation, and takes an id it does not know for a refusal', async () => {
    const mine = await subject.ask('GET', `${v1}/orgs/me`);
    expect(mine).toMatchObject({ status: 200, body: { org: { id: subject.orgId } } });
    const wrong = await subject.ask('GET', `${v1}/orgs/me`, undefined, { 'x-zitadel-orgid': '1' });
    expect([wrong.status, at(wrong, 'code'), detailId(wrong)]).toEqual([403, 7, 'AUTH-Bs7Ds']);
  });

  it('refuses a missing and an unknown token with 401 and code 16', async () => {
    const none = await subject.as(undefined)('GET', `${v1}/orgs/me`);
    expect([none.status, at(none, 'code')]).toEqual([401, 16]);
    const unknown = await subject.as('no-such-token')('GET', `${v1}/orgs/me`);
    expect([unknown.status, at(unknown, 'code'), detailId(unknown)]).toEqual([401, 16, 'AUTH-7fs1e']);
  });

  it('lists the permissions of the caller', async () => {
    const answer = await subject.ask('POST', '/auth/v1/permissions/zitadel/me/_search', {});
    expect(at(answer, 'result')).toEqual(
      expect.arrayContaining(['user.write', 'user.grant.write', 'project.role.write', 'project.app.write']),
    );
  });

  it('answers 405 and code 12 to a wrong verb', async () => {
    const answer = await subject.ask('PUT', `${v1}/users/_search`, {});
    expect([answer.status, at(answer, 'code')]).toEqual([405, 12]);
  });

  it('leaves zero values out and writes 64-bit numbers as strings', async () => {
    const none = await findUsers(`${subject.prefix}-nobody`);
    expect(none.status).toBe(200);
    expect(none.body).not.toHaveProperty('result');
    expect(at(none, 'details')).not.toHaveProperty('totalResult');
    const userId = await makeMachine(subject, 'zero', false);
    const user = await subject.ask('GET', `${v1}/users/${userId}`);
    expect(at(user, 'user', 'machine')).not.toHaveProperty('accessTokenType');
    expect(at(user, 'user', 'machine')).not.toHaveProperty('description');
    expect(typeof at(user, 'user', 'details', 'sequence')).toBe('string');
    expect(at(user, 'user', 'details', 'resourceOwner')).toBe(subject.orgId);
  });

  it('overlooks fields it does not know, and refuses an empty query', async () => {
    const userName = `${subject.prefix}-typo`;
    const typo = { userName, name: 'typo', accesTokenType: 'ACCESS_TOKEN_TYPE_JWT' };
    const created = await subject.ask('POST', `${v1}/users/machine`, typo);
    expect(created.status).toBe(200);
    subject.deleteAfterwards(`${v1}/users/${textOf(created, 'userId')}`);
    const user = await subject.ask('GET', `${v1}/users/${textOf(created, 'userId')}`);
    expect(at(user, 'user', 'machine')).not.toHaveProperty('accessTokenType');
    const search = await subject.ask('POST', `${v1}/users/_search`, { queries: [{ noSuchQuery: {} }] });
    expect([search.status, at(search, 'code')]).toEqual([400, 3]);
  });

  it('gives a user by id at once, and to searches in the end', async () => {
    const userId = await makeMachine(subject, 'lag');
    const byId = await subject.ask('GET', `${v1}/users/${userId}`);
    expect(byId).toMatchObject({
      status: 200,
      body: { user: { id: userId, state: 'USER_STATE_ACTIVE', machine: { name: 'lag' } } },
    });
    const found = await eventually(
      () => findUsers(`${subject.prefix}-lag`),
      (answer) => results(answer).length === 1,
    );
    expect(results(found)[0]).toMatchObject({ id: userId, userName: `${subject.prefix}-lag` });
  });

  it('lets a user name be taken once: 409 and code 6', async () => {
    await makeMachine(subject, 'taken');
    const again = { userName: `${subject.prefix}-taken`, name: 'taken' };
    const second = await subject.ask('POST', `${v1}/users/machine`, again);
    expect([second.status, at(second, 'code')]).toEqual([409, 6]);
    expect(['V3-DKcYh', 'SQL-M0dsf']).toContain(detailId(second));
  });

  it('calls a taken explicit id a failed precondition, not a conflict', async () => {
    const userId = await makeMachine(subject, 'own-id');
    const other = { userId, userName: `${subject.prefix}-other-name`, name: 'other' };
    const answer = await subject.ask('POST', `${v1}/users/machine`, other);
    expect([answer.status, at(answer, 'code')]).toEqual([400, 9]);
  });

  it('replaces a machine as a whole, and calls no change a failed precondition', async () => {
    const userId = await makeMachine(subject, 'change');
    const path = `${v1}/users/${userId}/machine`;
    const same = { name: 'change', accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' };
    const unchanged = await subject.ask('PUT', path, same);
    expect([unchanged.status, at(unchanged, 'code'), detailId(unchanged)]).toEqual([400, 9, 'COMMAND-2n8vs']);
    expect((await subject.ask('PUT', path, { name: 'change', description: 'bench 3' })).status).toBe(200);
    const user = await subject.ask('GET', `${v1}/users/${userId}`);
    expect(at(user, 'user', 'machine')).toMatchObject({ name: 'change', description: 'bench 3' });
    // Not repeated, so it fell back to BEARER.
    expect(at(user, 'user', 'machine')).not.toHaveProperty('accessTokenType');
  });

  it('pages by offset and limit in a stable order', async () => {
    for (const name of ['page-0', 'page-1', 'page-2', 'page-3', 'page-4']) await makeMachine(subject, name);
    const page = (offset: number) =>
      findUsers(`${subject.prefix}-page-`, 'TEXT_QUERY_METHOD_STARTS_WITH', {
        offset: String(offset),
        limit: 2,
      });
    await eventually(
      () => page(0),
      (answer) => at(answer, 'details', 'totalResult') === '5',
    );
    const pages = [await page(0), await page(2), await page(4), await page(6)];
    expect(pages.map((one) => results(one).length)).toEqual([2, 2, 1, 0]);
    const ids = pages.flatMap((one) => results(one).map(({ id }) => id));
    expect(new Set(ids).size).toBe(5);
  });

  it('makes a project once per name, and finds it by name', async () => {
    const projectId = await makeProject(subject, 'project', { projectRoleAssertion: true });
    const name = `${subject.prefix}-project`;
    const second = await subject.ask('POST', `${v1}/projects`, { name });
    expect([second.status, at(second, 'code')]).toEqual([409, 6]);
    const found = await eventually(
      () =>
        subject.ask('POST', `${v1}/projects/_search`, { queries: [{ nameQuery: { name, method: equals } }] }),
      (answer) => results(answer).length === 1,
    );
    expect(results(found)[0]).toMatchObject({ id: projectId, name, projectRoleAssertion: true });
  });

  it('adds roles one by one and in bulk, each key once, and none of a bulk with a taken key', async () => {
    const roles = `${v1}/projects/${await makeProject(subject, 'roles')}/roles`;
    const device = { roleKey: 'device', displayName: 'Device' };
    expect((await subject.ask('POST', roles, device)).status).toBe(200);
    const second = await subject.ask('POST', roles, device);
    expect([second.status, at(second, 'code')]).toEqual([409, 6]);
    const bulk = (...keys: string[]) =>
      subject.ask('POST', `${roles}/_bulk`, { roles: keys.map((key) => ({ key, displayName: key })) });
    expect((await bulk('viewer', 'device')).status).toBe(409);
    expect((await bulk('viewer', 'auditor')).status).toBe(200);
    const found = await eventually(
      () => subject.ask('POST', `${roles}/_search`, { query: { limit: 100 } }),
      (answer) => results(answer).length === 3,
    );
    expect(new Set(results(found).map(({ key }) => key))).toEqual(new Set(['device', 'viewer', 'auditor']));
  });

  it('takes a project that is not there for a failed precondition when something is to be made in it', async () => {
    const path = `${v1}/projects/111111111111111111`;
    const role = await subject.ask('POST', `${path}/roles`, { roleKey: 'device', displayName: 'Device' });
    expect([role.status, at(role, 'code')]).toEqual([400, 9]);
    const app = await subject.ask('POST', `${path}/apps/api`, { name: `${subject.prefix}-nowhere` });
    expect([app.status, at(app, 'code')]).toEqual([400, 9]);
  });

  it('grants roles of a project to a user, once, and calls no change a failed precondition', async () => {
    const projectId = await makeProject(subject, 'grants');
    for (const roleKey of ['device', 'spare']) {
      await subject.ask('POST', `${v1}/projects/${projectId}/roles`, { roleKey, displayName: roleKey });
    }
    const userId = await makeMachine(subject, 'granted');
    const grants = `${v1}/users/${userId}/grants`;
    const unknown = await subject.ask('POST', grants, { projectId, roleKeys: ['pilot'] });
    expect([unknown.status, at(unknown, 'code')]).toEqual([400, 9]);
    const created = await subject.ask('POST', grants, { projectId, roleKeys: ['device'] });
    const grantId = textOf(created, 'userGrantId');
    const second = await subject.ask('POST', grants, { projectId, roleKeys: ['device'] });
    expect([second.status, at(second, 'code')]).toEqual([409, 6]);
    const same = await subject.ask('PUT', `${grants}/${grantId}`, { roleKeys: ['device'] });
    expect([same.status, at(same, 'code'), detailId(same)]).toEqual([400, 9, 'COMMAND-Rs8fy']);
    expect((await subject.ask('PUT', `${grants}/${grantId}`, { roleKeys: ['device', 'spare'] })).status).toBe(
      200,
    );
    const queries = [{ userIdQuery: { userId } }, { projectIdQuery: { projectId } }];
    const found = await eventually(
      () => subject.ask('POST', `${v1}/users/grants/_search`, { queries }),
      (answer) => JSON.stringify(results(answer)).includes('spare'),
    );
    expect(results(found)).toMatchObject([{ id: grantId, userId, projectId, roleKeys: ['device', 'spare'] }]);
    expect((await subject.ask('DELETE', `${grants}/${grantId}`)).status).toBe(200);
    const gone = await subject.ask('DELETE', `${grants}/${grantId}`);
    expect([gone.status, at(gone, 'code')]).toEqual([404, 5]);
  });

  it('forgets a deleted user: 404 by id, and the name is free again', async () => {
    const userId = await makeMachine(subject, 'gone');
    expect((await subject.ask('DELETE', `${v1}/users/${userId}`)).status).toBe(200);
    const byId = await subject.ask('GET', `${v1}/users/${userId}`);
    expect([byId.status, at(byId, 'code')]).toEqual([404, 5]);
    const again = await subject.ask('DELETE', `${v1}/users/${userId}`);
    expect([again.status, at(again, 'code')]).toEqual([404, 5]);
    expect(await makeMachine(subject, 'gone')).not.toBe(userId);
  });
});
