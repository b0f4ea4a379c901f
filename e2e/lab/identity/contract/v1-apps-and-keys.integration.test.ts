import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  detailId,
  deviceApp,
  freshPair,
  makeKey,
  makeMachine,
  makeProject,
  readKeyFile,
  tomorrow,
} from './making.ts';
import { at, eventually, results, type Subject, subjects, textOf } from './subject.ts';

const v1 = '/management/v1';

describe.each(subjects)('applications, keys and tokens over v1, held against %s', (_name, open) => {
  let subject: Subject;
  let projectId: string;
  let apps: string;
  beforeAll(async () => {
    subject = await open();
    projectId = await makeProject(subject, 'apps');
    apps = `${v1}/projects/${projectId}/apps`;
  });
  afterAll(() => subject.close());

  it('makes a native application for the device grant without anything to complain about', async () => {
    const body = deviceApp(subject, 'native');
    const created = await subject.ask('POST', `${apps}/oidc`, body);
    expect(created.status).toBe(200);
    expect(textOf(created, 'clientId')).toBeTruthy();
    for (const absent of ['clientSecret', 'noneCompliant', 'complianceProblems']) {
      expect(created.body).not.toHaveProperty(absent);
    }
    const second = await subject.ask('POST', `${apps}/oidc`, body);
    expect([second.status, at(second, 'code')]).toEqual([409, 6]);
    const found = await eventually(
      () => subject.ask('POST', `${apps}/_search`, { queries: [{ nameQuery: { name: body.name } }] }),
      (answer) => results(answer).length === 1,
    );
    expect(results(found)[0]).toMatchObject({
      id: textOf(created, 'appId'),
      state: 'APP_STATE_ACTIVE',
      oidcConfig: {
        clientId: textOf(created, 'clientId'),
        grantTypes: body.grantTypes,
        appType: 'OIDC_APP_TYPE_NATIVE',
        authMethodType: 'OIDC_AUTH_METHOD_TYPE_NONE',
        accessTokenType: 'OIDC_TOKEN_TYPE_JWT',
      },
    });
  });

  it('replaces a configuration as a whole, and calls no change a failed precondition', async () => {
    const { name: _, ...config } = deviceApp(subject, 'change');
    const created = await subject.ask('POST', `${apps}/oidc`, deviceApp(subject, 'change'));
    const path = `${apps}/${textOf(created, 'appId')}`;
    const same = await subject.ask('PUT', `${path}/oidc_config`, config);
    expect([same.status, at(same, 'code'), detailId(same)]).toEqual([400, 9, 'COMMAND-1m88i']);
    const { accessTokenType: __, ...opaque } = config;
    expect((await subject.ask('PUT', `${path}/oidc_config`, opaque)).status).toBe(200);
    const app = await eventually(
      () => subject.ask('GET', path),
      (answer) => at(answer, 'app', 'oidcConfig', 'accessTokenType') === undefined,
    );
    expect(at(app, 'app', 'oidcConfig', 'grantTypes')).toEqual(config.grantTypes);
  });

  it('makes what is not compliant all the same, and says what is wrong with it', async () => {
    const body = { ...deviceApp(subject, 'web'), authMethodType: 'OIDC_AUTH_METHOD_TYPE_BASIC' };
    const created = await subject.ask('POST', `${apps}/oidc`, body);
    expect(created).toMatchObject({ status: 200, body: { noneCompliant: true } });
    expect(JSON.stringify(at(created, 'complianceProblems'))).toContain('Native.AuthMethodType.NotNone');
    expect(textOf(created, 'clientSecret')).toBeTruthy();
  });

  it('refuses a response type whose grant type is missing', async () => {
    const body = { ...deviceApp(subject, 'bad'), grantTypes: ['OIDC_GRANT_TYPE_REFRESH_TOKEN'] };
    const answer = await subject.ask('POST', `${apps}/oidc`, body);
    expect([answer.status, at(answer, 'code')]).toEqual([400, 3]);
  });

  it('gives an API application a secret or keys, as its method says', async () => {
    const make = (name: string, authMethodType: string) =>
      subject.ask('POST', `${apps}/api`, { name: `${subject.prefix}-${name}`, authMethodType });
    const basic = await make('api-basic', 'API_AUTH_METHOD_TYPE_BASIC');
    expect(textOf(basic, 'clientSecret')).toBeTruthy();
    const signed = await make('api-key', 'API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT');
    expect(signed.body).not.toHaveProperty('clientSecret');
    const appId = textOf(signed, 'appId');
    const key = await subject.ask('POST', `${apps}/${appId}/keys`, {
      type: 'KEY_TYPE_JSON',
      expirationDate: tomorrow(),
    });
    expect(readKeyFile(key, 'keyDetails').members).toMatchObject({
      type: 'application',
      keyId: textOf(key, 'id'),
      clientId: textOf(signed, 'clientId'),
      appId,
    });
  });

  it('mints a key whose file is given once, in PKCS#1, and lists it without the file', async () => {
    const userId = await makeMachine(subject, 'minted');
    const { members, keyId } = await makeKey(subject, userId);
    expect(members).toMatchObject({ type: 'serviceaccount', keyId, userId });
    expect(members.key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect(members).toHaveProperty('expirationDate');
    const keys = `${v1}/users/${userId}/keys`;
    const listed = await eventually(
      () => subject.ask('POST', `${keys}/_search`, {}),
      (answer) => results(answer).length === 1,
    );
    expect(results(listed)[0]).toMatchObject({ id: keyId, type: 'KEY_TYPE_JSON' });
    expect(JSON.stringify(listed.body)).not.toContain('PRIVATE KEY');
    expect((await subject.ask('DELETE', `${keys}/${keyId}`)).status).toBe(200);
    const gone = await subject.ask('DELETE', `${keys}/${keyId}`);
    expect([gone.status, at(gone, 'code'), detailId(gone)]).toEqual([404, 5, 'COMMAND-4m77G']);
  });

  it('lists and deletes keys of a user in its organisation only', async (test) => {
    const orgs = await subject.ask('POST', '/admin/v1/orgs/_search', {});
    const other = results(orgs).find(({ id }) => id !== subject.orgId)?.id;
    if (typeof other !== 'string') return test.skip('this token sees no second organisation');
    const elsewhere = { 'x-zitadel-orgid': other };
    const userId = await makeMachine(subject, 'at-home');
    const { keyId } = await makeKey(subject, userId);
    const keys = `${v1}/users/${userId}/keys`;
    const listed = () => subject.ask('POST', `${keys}/_search`, {});
    await eventually(listed, (answer) => results(answer).length === 1);
    const foreign = await subject.ask('POST', `${keys}/_search`, {}, elsewhere);
    expect([foreign.status, results(foreign)]).toEqual([200, []]);
    const refused = await subject.ask('DELETE', `${keys}/${keyId}`, undefined, elsewhere);
    expect([refused.status, at(refused, 'code'), detailId(refused)]).toEqual([404, 5, 'COMMAND-4m77G']);
    expect(results(await listed()).map(({ id }) => id)).toEqual([keyId]);
    expect((await subject.ask('DELETE', `${keys}/${keyId}`)).status).toBe(200);
  });

  it('keeps the milliseconds of an expiry, by which a key can be known again', async () => {
    const userId = await makeMachine(subject, 'expiry');
    const expiresAt = Math.floor(Date.now() / 1000) * 1000 + 86_400_000 + 137;
    const created = await subject.ask('POST', `${v1}/users/${userId}/keys`, {
      ...{ type: 'KEY_TYPE_JSON', expirationDate: new Date(expiresAt).toISOString() },
    });
    expect(created.status).toBe(200);
    const overV1 = await eventually(
      () => subject.ask('POST', `${v1}/users/${userId}/keys/_search`, {}),
      (answer) => results(answer).length === 1,
    );
    expect(Date.parse(String(results(overV1)[0]?.expirationDate))).toBe(expiresAt);
    expect(Date.parse(String(readKeyFile(created, 'keyDetails').members.expirationDate))).toBe(expiresAt);
  });

  it('registers a public key without giving a file, and refuses what is none', async () => {
    const keys = `${v1}/users/${await makeMachine(subject, 'registered')}/keys`;
    const add = (publicKey: string, expirationDate = tomorrow()) =>
      subject.ask('POST', keys, { type: 'KEY_TYPE_JSON', expirationDate, publicKey });
    const registered = await add(freshPair().publicKey);
    expect(registered.status).toBe(200);
    expect(registered.body).not.toHaveProperty('keyDetails');
    const nonsense = await add(Buffer.from('no key').toString('base64'));
    expect([nonsense.status, detailId(nonsense)]).toEqual([400, 'COMMAND-5F3h1']);
    expect((await add(freshPair().publicKey, '2001-01-01T00:00:00Z')).status).toBe(400);
  });

  it('refuses a key for a user that is not there as a failed precondition', async () => {
    const body = { type: 'KEY_TYPE_JSON', expirationDate: tomorrow() };
    const answer = await subject.ask('POST', `${v1}/users/111111111111111111/keys`, body);
    expect([answer.status, at(answer, 'code')]).toEqual([400, 9]);
  });

  it('gives a personal access token that works until it is deleted', async () => {
    const userId = await makeMachine(subject, 'pat');
    const created = await subject.ask('POST', `${v1}/users/${userId}/pats`, { expirationDate: tomorrow() });
    const own = () => subject.as(textOf(created, 'token'))('GET', '/auth/v1/users/me');
    const me = await eventually(own, (answer) => answer.status === 200);
    expect(at(me, 'user', 'id')).toBe(userId);
    const path = `${v1}/users/${userId}/pats/${textOf(created, 'tokenId')}`;
    expect((await subject.ask('DELETE', path)).status).toBe(200);
    await eventually(own, (answer) => answer.status === 401);
  });

  it('hides everything from a caller without a manager role', async () => {
    const userId = await makeMachine(subject, 'powerless');
    const created = await subject.ask('POST', `${v1}/users/${userId}/pats`, { expirationDate: tomorrow() });
    const ask = subject.as(textOf(created, 'token'));
    await eventually(
      () => ask('GET', '/auth/v1/users/me'),
      (answer) => answer.status === 200,
    );
    const look = await ask('POST', `${v1}/projects/_search`, {});
    expect([
      [403, 7],
      [404, 5],
    ]).toContainEqual([look.status, at(look, 'code')]);
    const make = await ask('POST', `${v1}/users/machine`, { userName: `${subject.prefix}-x`, name: 'x' });
    expect([403, 404]).toContain(make.status);
  });

  it('gives manager roles once per user, and no change is a failed precondition', async () => {
    const userId = await makeMachine(subject, 'manager');
    const members = `${v1}/orgs/me/members`;
    expect((await subject.ask('POST', members, { userId, roles: ['ORG_OWNER_VIEWER'] })).status).toBe(200);
    subject.deleteAfterwards(`${members}/${userId}`);
    const second = await subject.ask('POST', members, { userId, roles: ['ORG_OWNER_VIEWER'] });
    expect([second.status, at(second, 'code')]).toEqual([409, 6]);
    const same = await subject.ask('PUT', `${members}/${userId}`, { roles: ['ORG_OWNER_VIEWER'] });
    expect([same.status, at(same, 'code')]).toEqual([400, 9]);
    const queries = [{ userIdQuery: { userId } }];
    const found = await eventually(
      () => subject.ask('POST', `${members}/_search`, { queries }),
      (answer) => results(answer).length === 1,
    );
    expect(results(found)[0]).toMatchObject({ userId, roles: ['ORG_OWNER_VIEWER'] });
  });
});
