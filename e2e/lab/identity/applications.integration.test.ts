import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabIdentityProvider } from './identity-provider.ts';
import {
  type Api,
  apiOf,
  operatorScope,
  postToken,
  startTestLab,
  stationClient,
  unlessItHangs,
} from './lab-testkit.ts';
import { approveAsLabOperator } from './operator-walk.ts';

const native = {
  responseTypes: ['OIDC_RESPONSE_TYPE_CODE'],
  grantTypes: ['OIDC_GRANT_TYPE_DEVICE_CODE', 'OIDC_GRANT_TYPE_REFRESH_TOKEN'],
  appType: 'OIDC_APP_TYPE_NATIVE',
  authMethodType: 'OIDC_AUTH_METHOD_TYPE_NONE',
  accessTokenType: 'OIDC_TOKEN_TYPE_JWT',
};

describe('signing in through an application made with the API', () => {
  let lab: LabIdentityProvider;
  let api: Api;
  let made = 0;
  beforeAll(async () => {
    lab = await startTestLab({ bare: true });
    api = apiOf(lab, lab.instanceToken);
  });
  afterAll(() => lab.stop());

  async function makeApp(more: object = {}) {
    made += 1;
    const { id } = (await api('POST', '/management/v1/projects', { name: `fleet-${made}` })).body;
    const path = `/management/v1/projects/${id}/apps`;
    const body = { name: 'station', ...native, ...more };
    const answer = (await api('POST', `${path}/oidc`, body)).body as unknown as {
      appId: string;
      clientId: string;
    };
    return { projectId: id, clientId: answer.clientId, path: `${path}/${answer.appId}` };
  }

  async function signInWith(clientId: string, scope = operatorScope) {
    const client = await stationClient(lab, clientId);
    const device = await openid.initiateDeviceAuthorization(client, { scope });
    const verificationUriComplete = device.verification_uri_complete ?? '';
    await approveAsLabOperator({ verificationUriComplete, signal: unlessItHangs() });
    const tokens = await openid.pollDeviceAuthorizationGrant(client, device, undefined, {
      signal: unlessItHangs(),
    });
    return { client, device, tokens };
  }

  it('starts bare: no project and no application of its own', async () => {
    expect(lab.inspect().projects).toEqual([]);
    await expect(
      openid.initiateDeviceAuthorization(await stationClient(lab), { scope: 'openid' }),
    ).rejects.toMatchObject({ error: 'invalid_client' });
  });

  it('gives tokens for the project of the application and for its other applications', async () => {
    const { projectId, clientId, path } = await makeApp();
    const other = await api('POST', path.replace(/\/[^/]+$/, '/api'), { name: 'resource' });
    const { tokens } = await signInWith(clientId);
    const audience = tokens.claims()?.aud;
    expect(audience).toEqual(
      expect.arrayContaining([clientId, projectId, (other.body as unknown as { clientId: string }).clientId]),
    );
    expect((await apiOf(lab, tokens.access_token)('GET', '/management/v1/orgs/me')).status).toBe(200);
  });

  it('gives opaque tokens when the application is not set to JWT, and they work as well', async () => {
    const { clientId } = await makeApp({ accessTokenType: undefined });
    const { client, tokens } = await signInWith(clientId);
    expect(tokens.access_token.split('.')).toHaveLength(1);
    const own = apiOf(lab, tokens.access_token);
    expect((await own('GET', '/auth/v1/users/me')).status).toBe(200);
    await openid.tokenRevocation(client, tokens.access_token);
    expect((await own('GET', '/auth/v1/users/me')).status).toBe(401);
  });

  it('gives a refresh token but refuses to take it when the application lacks that grant', async () => {
    const { clientId } = await makeApp({ grantTypes: ['OIDC_GRANT_TYPE_DEVICE_CODE'] });
    const { client, tokens } = await signInWith(clientId);
    await expect(openid.refreshTokenGrant(client, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'unauthorized_client',
      error_description: 'grant_type "refresh_token" not allowed',
      status: 400,
    });
  });

  it('ends with the application: a refresh after its deactivation is invalid_client, and works when it is back', async () => {
    const { clientId, path } = await makeApp();
    const { client, tokens } = await signInWith(clientId);
    await api('POST', `${path}/_deactivate`, {});
    await expect(openid.refreshTokenGrant(client, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_client',
      error_description: 'no active client not found',
    });
    await api('POST', `${path}/_reactivate`, {});
    expect((await openid.refreshTokenGrant(client, tokens.refresh_token ?? '')).access_token).toBeTruthy();
  });

  it('ends with the project of the application too', async () => {
    const { projectId, clientId } = await makeApp();
    await api('POST', `/management/v1/projects/${projectId}/_deactivate`, {});
    await expect(signInWith(clientId)).rejects.toMatchObject({ error: 'invalid_client' });
  });

  it('takes no device code that was given to another application', async () => {
    const [one, other] = [await makeApp(), await makeApp()];
    const device = await openid.initiateDeviceAuthorization(await stationClient(lab, one.clientId), {
      scope: 'openid',
    });
    const answer = await postToken(lab, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      ...{ device_code: device.device_code, client_id: other.clientId },
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client' } });
  });

  it('lets an account of another organisation approve nothing that asks for one', async () => {
    const { clientId } = await makeApp();
    await expect(signInWith(clientId, `openid urn:zitadel:iam:org:id:${lab.otherOrg.id}`)).rejects.toThrow(
      /another organisation|no form/,
    );
    const { tokens } = await signInWith(clientId, `openid urn:zitadel:iam:org:id:${lab.orgId}`);
    expect(tokens.access_token).toBeTruthy();
  });

  it('names the organisation of the account when it is asked', async () => {
    const { clientId } = await makeApp();
    const { tokens } = await signInWith(clientId, 'openid urn:zitadel:iam:user:resourceowner');
    expect(tokens.claims()).toMatchObject({
      'urn:zitadel:iam:user:resourceowner:id': lab.orgId,
      'urn:zitadel:iam:user:resourceowner:name': lab.orgName,
    });
  });
});
