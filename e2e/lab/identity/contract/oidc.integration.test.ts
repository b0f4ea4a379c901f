import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceApp, login, makeKey, makeMachine, makeProject, type Wrong } from './making.ts';
import { type Answer, at, eventually, type Subject, subjects, textOf } from './subject.ts';

const v1 = '/management/v1';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const audienceOf = (projectId: string) => `urn:zitadel:iam:org:project:id:${projectId}:aud`;
const rolesScope = 'urn:zitadel:iam:org:projects:roles';

describe.each(subjects)('the OIDC endpoints, held against %s', (_name, open) => {
  let subject: Subject;
  let projectId: string;
  let apps: string;
  beforeAll(async () => {
    subject = await open();
    projectId = await makeProject(subject, 'oidc');
    apps = `${v1}/projects/${projectId}/apps`;
    await subject.ask('POST', `${v1}/projects/${projectId}/roles`, {
      roleKey: 'device',
      displayName: 'Device',
    });
  });
  afterAll(() => subject.close());

  const makeApp = async (name: string, more: object = {}) => {
    const created = await subject.ask('POST', `${apps}/oidc`, { ...deviceApp(subject, name), ...more });
    return { appId: textOf(created, 'appId'), clientId: textOf(created, 'clientId') };
  };
  const startDevice = (clientId: string) =>
    subject.form('/oauth/v2/device_authorization', { client_id: clientId, scope: 'openid' });
  const startDeviceSoon = (clientId: string) =>
    eventually(
      () => startDevice(clientId),
      (answer) => answer.status === 200,
    );
  const poll = (clientId: string, deviceCode: string) =>
    subject.form('/oauth/v2/token', {
      ...{ grant_type: deviceGrant, client_id: clientId, device_code: deviceCode },
    });
  const errorOf = (answer: Answer) => [answer.status, at(answer, 'error')];

  it('publishes the bare origin as issuer, and the default paths', async () => {
    const discovery = await subject.as(undefined)('GET', '/.well-known/openid-configuration');
    expect(discovery.body).toMatchObject({
      issuer: subject.issuer,
      token_endpoint: `${subject.issuer}/oauth/v2/token`,
      device_authorization_endpoint: `${subject.issuer}/oauth/v2/device_authorization`,
      introspection_endpoint: `${subject.issuer}/oauth/v2/introspect`,
      revocation_endpoint: `${subject.issuer}/oauth/v2/revoke`,
      userinfo_endpoint: `${subject.issuer}/oidc/v1/userinfo`,
      end_session_endpoint: `${subject.issuer}/oidc/v1/end_session`,
      jwks_uri: `${subject.issuer}/oauth/v2/keys`,
    });
    expect(at(discovery, 'grant_types_supported')).toContain(deviceGrant);
  });

  it('gives codes to an application made through the API, and waits for a decision', async () => {
    const { clientId } = await makeApp('device');
    const codes = await startDeviceSoon(clientId);
    expect(textOf(codes, 'user_code')).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(textOf(codes, 'verification_uri_complete')).toBe(
      `${textOf(codes, 'verification_uri')}?user_code=${textOf(codes, 'user_code')}`,
    );
    expect(errorOf(await poll(clientId, textOf(codes, 'device_code')))).toEqual([
      400,
      'authorization_pending',
    ]);
    expect(errorOf(await poll(clientId, 'never-given-out-000000'))).toEqual([400, 'access_denied']);
  });

  it('calls a client id invalid_client that is unknown, of an API application, or deactivated', async () => {
    expect(await startDevice('999999999999999999')).toMatchObject({
      status: 400,
      body: { error: 'invalid_client', error_description: 'no active client not found' },
    });
    const api = await subject.ask('POST', `${apps}/api`, {
      ...{ name: `${subject.prefix}-api`, authMethodType: 'API_AUTH_METHOD_TYPE_BASIC' },
    });
    expect(errorOf(await startDevice(textOf(api, 'clientId')))).toEqual([400, 'invalid_client']);
    const { appId, clientId } = await makeApp('inactive');
    await startDeviceSoon(clientId);
    expect((await subject.ask('POST', `${apps}/${appId}/_deactivate`, {})).status).toBe(200);
    const refused = await eventually(
      () => startDevice(clientId),
      (answer) => answer.status !== 200,
    );
    expect(errorOf(refused)).toEqual([400, 'invalid_client']);
  });

  it('gives codes to an application without the grant, and refuses its poll', async () => {
    const { clientId } = await makeApp('no-grant', {
      grantTypes: ['OIDC_GRANT_TYPE_AUTHORIZATION_CODE'],
      redirectUris: ['http://localhost/callback'],
    });
    const codes = await startDeviceSoon(clientId);
    expect(errorOf(await poll(clientId, textOf(codes, 'device_code')))).toEqual([400, 'unauthorized_client']);
  });

  it('refuses a refresh token it never gave out, and one of an application without the grant', async () => {
    const { clientId } = await makeApp('refresh');
    await startDeviceSoon(clientId);
    const refresh = (id: string) =>
      subject.form('/oauth/v2/token', {
        ...{ grant_type: 'refresh_token', client_id: id, refresh_token: 'never-given-out' },
      });
    const dead = await refresh(clientId);
    expect(dead.status).toBe(400);
    expect(['invalid_grant', 'invalid_request']).toContain(at(dead, 'error'));
    const without = await makeApp('no-refresh', { grantTypes: ['OIDC_GRANT_TYPE_DEVICE_CODE'] });
    await startDeviceSoon(without.clientId);
    expect(errorOf(await refresh(without.clientId))).toEqual([400, 'unauthorized_client']);
  });

  it('takes a token request without a grant type for invalid_request', async () => {
    expect(errorOf(await subject.form('/oauth/v2/token', { client_id: '1' }))).toEqual([
      400,
      'invalid_request',
    ]);
  });

  it('accepts the revocation of a token it does not know', async () => {
    const { clientId } = await makeApp('revoke');
    await startDeviceSoon(clientId);
    for (const token of ['never-given-out', 'eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiJvdmVyIn0.c2lnbmF0dXJl']) {
      const answer = await subject.form('/oauth/v2/revoke', { client_id: clientId, token });
      expect(answer.status).toBe(200);
    }
  });

  it('refuses a bad token at userinfo', async () => {
    const answer = await subject.as('no-such-token')('GET', '/oidc/v1/userinfo');
    expect(errorOf(answer)).toEqual([401, 'access_denied']);
  });

  describe('a machine user with a key', () => {
    let userId: string;
    let key: Awaited<ReturnType<typeof makeKey>>;
    const scope = () => `openid ${audienceOf(projectId)} ${rolesScope}`;
    const tokenOf = async (scopes: string) =>
      textOf(
        await eventually(
          () => login(subject, key, scopes),
          (answer) => answer.status === 200,
        ),
        'access_token',
      );
    beforeAll(async () => {
      userId = await makeMachine(subject, 'signs-in');
      await subject.ask('POST', `${v1}/users/${userId}/grants`, { projectId, roleKeys: ['device'] });
      key = await makeKey(subject, userId);
    });

    it('gets a JWT with the audience and the roles it asked for', async () => {
      const claims = decodeJwt(await tokenOf(scope()));
      expect(claims).toMatchObject({ iss: subject.issuer, sub: userId });
      expect(claims.aud).toContain(projectId);
      const roles = claims[`urn:zitadel:iam:org:project:${projectId}:roles`];
      expect(roles).toEqual({ device: { [subject.orgId]: expect.any(String) } });
    });

    it('gets no roles without the scope for them', async () => {
      const claims = decodeJwt(await tokenOf(`openid ${audienceOf(projectId)}`));
      expect(Object.keys(claims).filter((name) => name.endsWith(':roles'))).toEqual([]);
    });

    it('is refused by the management API for its audience, then for its lack of roles', async () => {
      const narrow = await subject.as(await tokenOf('openid'))('GET', `${v1}/orgs/me`);
      expect([401, 403]).toContain(narrow.status);
      const wide = await subject.as(await tokenOf(`openid ${audienceOf('zitadel')}`))('GET', `${v1}/orgs/me`);
      expect([403, 404]).toContain(wide.status);
    });

    it.each<[string, Wrong]>([
      ['another audience', { audience: 'https://elsewhere.invalid' }],
      ['a time of issue in the future', { iatOffsetSeconds: 120 }],
      ['a time of issue two hours ago', { iatOffsetSeconds: -7200 }],
      ['an end that has passed', { expOffsetSeconds: -5 }],
      ['a key id nobody knows', { keyId: '111111111111111111' }],
    ])('is told nothing but server_error about an assertion with %s', async (_what, wrong) => {
      expect(errorOf(await login(subject, key, 'openid', wrong))).toEqual([500, 'server_error']);
    });

    it('is introspected by an API application of a project in its audience, and by nobody else', async () => {
      const app = await subject.ask('POST', `${apps}/api`, {
        ...{ name: `${subject.prefix}-resource`, authMethodType: 'API_AUTH_METHOD_TYPE_BASIC' },
      });
      const pair = `${textOf(app, 'clientId')}:${encodeURIComponent(textOf(app, 'clientSecret'))}`;
      const basic = `Basic ${Buffer.from(pair).toString('base64')}`;
      const introspect = async (scopes: string) => {
        const token = await tokenOf(scopes);
        return eventually(
          () => subject.form('/oauth/v2/introspect', { token }, basic),
          (answer) => answer.status === 200,
        );
      };
      expect((await introspect(scope())).body).toMatchObject({ active: true, sub: userId });
      expect((await introspect('openid')).body).toEqual({ active: false });
      const anonymous = await subject.form('/oauth/v2/introspect', { token: await tokenOf('openid') });
      expect(at(anonymous, 'error')).toBe('invalid_client');
    });

    it('is told that it does not exist once it was deleted', async () => {
      const gone = await makeMachine(subject, 'deleted');
      const goneKey = await makeKey(subject, gone);
      await eventually(
        () => login(subject, goneKey, 'openid'),
        (answer) => answer.status === 200,
      );
      await subject.ask('DELETE', `${v1}/users/${gone}`);
      const refused = await eventually(
        () => login(subject, goneKey, 'openid'),
        (answer) => answer.status !== 200,
      );
      expect(refused.status).toBeGreaterThanOrEqual(400);
      expect(at(refused, 'error')).toBe('invalid_request');
    });

    it('gets opaque tokens when it is of type BEARER', async () => {
      const plain = await makeMachine(subject, 'bearer', false);
      const plainKey = await makeKey(subject, plain);
      const answer = await eventually(
        () => login(subject, plainKey, 'openid'),
        (one) => one.status === 200,
      );
      expect(textOf(answer, 'access_token').split('.')).toHaveLength(1);
    });
  });
});
