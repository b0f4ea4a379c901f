import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LabIdentityProvider } from './identity-provider.ts';
import {
  apiOf,
  operatorScope,
  postToken,
  signIn,
  startTestLab,
  stationClient,
  unlessItHangs,
} from './lab-testkit.ts';
import { approveAsLabOperator, LabSignInError } from './operator-walk.ts';

const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code';

describe('signing in on the lab with the device grant', () => {
  let lab: LabIdentityProvider;
  beforeAll(async () => {
    lab = await startTestLab();
  });
  afterAll(() => lab.stop());

  it('publishes Zitadel paths under an issuer that is the bare origin', async () => {
    const metadata = (await stationClient(lab)).serverMetadata();
    expect(metadata).toMatchObject({
      issuer: lab.issuer,
      token_endpoint: `${lab.issuer}/oauth/v2/token`,
      device_authorization_endpoint: `${lab.issuer}/oauth/v2/device_authorization`,
      jwks_uri: `${lab.issuer}/oauth/v2/keys`,
      revocation_endpoint: `${lab.issuer}/oauth/v2/revoke`,
      userinfo_endpoint: `${lab.issuer}/oidc/v1/userinfo`,
      end_session_endpoint: `${lab.issuer}/oidc/v1/end_session`,
    });
    expect(metadata.issuer).toBe(new URL(lab.issuer).origin);
    expect(metadata.grant_types_supported).toContain('urn:ietf:params:oauth:grant-type:jwt-bearer');
    expect([lab.clientId, lab.projectId, lab.orgId].every((id) => /^\d{18}$/.test(id))).toBe(true);
  });

  it('gives codes in Zitadel shape', async () => {
    const device = await openid.initiateDeviceAuthorization(await stationClient(lab), {
      scope: operatorScope,
    });
    expect(device.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(device.device_code).toMatch(/^[\w-]{22}$/);
    expect(device).toMatchObject({ expires_in: 300, interval: 1, verification_uri: `${lab.issuer}/device` });
    expect(device.verification_uri_complete).toBe(`${lab.issuer}/device?user_code=${device.user_code}`);
  });

  it('answers authorization_pending, then tokens once the page was approved, then never again', async () => {
    const client = await stationClient(lab);
    const device = await openid.initiateDeviceAuthorization(client, { scope: operatorScope });
    const poll = { grant_type: deviceCodeGrant, device_code: device.device_code, client_id: lab.clientId };
    expect(await postToken(lab, poll)).toMatchObject({
      status: 400,
      body: { error: 'authorization_pending' },
    });

    await approveAsLabOperator({
      verificationUriComplete: device.verification_uri_complete ?? '',
      signal: unlessItHangs(),
    });
    const tokens = await openid.pollDeviceAuthorizationGrant(client, device, undefined, {
      signal: unlessItHangs(),
    });
    expect(tokens.token_type).toBe('bearer');
    expect(tokens.refresh_token).toBeTruthy();
    expect(tokens.expiresIn()).toBeGreaterThan(43_000);

    // Redeemed codes answer access_denied, and do not take the sign-in down with them.
    expect(await postToken(lab, poll)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    expect((await apiOf(lab, tokens.access_token)('GET', '/auth/v1/users/me')).status).toBe(200);
  });

  it('signs JWT access tokens with the published key, for the projects asked for', async () => {
    const scope = `${operatorScope} urn:zitadel:iam:org:project:id:123456789012345678:aud`;
    const tokens = await signIn(lab, lab.operator.loginName, scope);
    const keys = createRemoteJWKSet(new URL(`${lab.issuer}/oauth/v2/keys`));
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, { issuer: lab.issuer });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload.aud).toEqual(expect.arrayContaining([lab.clientId, lab.projectId, '123456789012345678']));
    expect(payload.client_id).toBe(lab.clientId);
    expect(tokens.claims()).toMatchObject({ sub: payload.sub, azp: lab.clientId, amr: ['pwd'] });
    expect(tokens.claims()?.aud).toContain(lab.projectId);
  });

  it('gives an id_token only with openid and a refresh token only with offline_access', async () => {
    const tokens = await signIn(lab, undefined, 'urn:zitadel:iam:org:project:id:zitadel:aud');
    expect(tokens.id_token).toBeUndefined();
    expect(tokens.refresh_token).toBeUndefined();
    expect((await apiOf(lab, tokens.access_token)('GET', '/management/v1/orgs/me')).status).toBe(200);
  });

  it('serves userinfo, and refuses a forged token the way Zitadel does', async () => {
    const tokens = await signIn(lab, undefined, `${operatorScope} profile email`);
    const client = await stationClient(lab);
    const subject = decodeJwt(tokens.access_token).sub ?? '';
    expect(await openid.fetchUserInfo(client, tokens.access_token, subject)).toMatchObject({
      name: lab.operator.displayName,
      email: lab.operator.loginName,
    });
    const [header, payload] = tokens.access_token.split('.');
    const forged = await apiOf(lab, `${header}.${payload}.AAAA`)('GET', '/oidc/v1/userinfo');
    expect(forged).toEqual({
      status: 401,
      body: { error: 'access_denied', error_description: 'access token invalid' },
    });
  });

  it('answers access_denied when the operator denies', async () => {
    const client = await stationClient(lab);
    const device = await openid.initiateDeviceAuthorization(client, { scope: operatorScope });
    const uri = device.verification_uri_complete ?? '';
    await approveAsLabOperator({ verificationUriComplete: uri, deny: true, signal: unlessItHangs() });
    await expect(
      openid.pollDeviceAuthorizationGrant(client, device, undefined, { signal: unlessItHangs() }),
    ).rejects.toMatchObject({ error: 'access_denied', status: 400 });
    // Decided is decided: the page takes no second decision.
    await expect(
      approveAsLabOperator({ verificationUriComplete: uri, signal: unlessItHangs() }),
    ).rejects.toThrow(/used already/);
  });

  it('answers invalid_client with status 400 to an unknown client id, everywhere', async () => {
    const client = await stationClient(lab, '999999999999999999');
    await expect(openid.initiateDeviceAuthorization(client, { scope: 'openid' })).rejects.toMatchObject({
      error: 'invalid_client',
      error_description: 'no active client not found',
      status: 400,
    });
    await expect(openid.refreshTokenGrant(client, 'whatever')).rejects.toMatchObject({
      error: 'invalid_client',
      status: 400,
    });
  });

  it('answers access_denied to a device code it never gave out', async () => {
    const answer = await postToken(lab, {
      grant_type: deviceCodeGrant,
      device_code: 'never-given-out',
      client_id: lab.clientId,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'access_denied' } });
  });

  it('rotates the refresh token at every use and refuses the old one', async () => {
    const client = await stationClient(lab);
    const first = (await signIn(lab)).refresh_token ?? '';
    const renewed = await openid.refreshTokenGrant(client, first);
    expect(renewed.refresh_token).toBeTruthy();
    expect(renewed.refresh_token).not.toBe(first);
    expect((await apiOf(lab, renewed.access_token)('GET', '/management/v1/orgs/me')).status).toBe(200);
    await expect(openid.refreshTokenGrant(client, first)).rejects.toMatchObject({ status: 400 });
    // The old one failing leaves the new one valid.
    const again = await openid.refreshTokenGrant(client, renewed.refresh_token ?? '');
    expect(again.refresh_token).not.toBe(renewed.refresh_token);
  });

  it('ends the sign-in when the refresh token is revoked, and accepts revoking what it does not know', async () => {
    const client = await stationClient(lab);
    const tokens = await signIn(lab);
    await openid.tokenRevocation(client, tokens.refresh_token ?? '');
    await expect(openid.refreshTokenGrant(client, tokens.refresh_token ?? '')).rejects.toMatchObject({
      status: 400,
    });
    expect((await apiOf(lab, tokens.access_token)('GET', '/auth/v1/users/me')).status).toBe(401);
    await openid.tokenRevocation(client, 'never-given-out');
  });

  it('refuses a wrong password on the page and says so', async () => {
    const device = await openid.initiateDeviceAuthorization(await stationClient(lab), {
      scope: operatorScope,
    });
    const walk = approveAsLabOperator({
      verificationUriComplete: device.verification_uri_complete ?? '',
      password: 'not it',
      signal: unlessItHangs(),
    });
    await expect(walk).rejects.toThrow(LabSignInError);
    await expect(walk).rejects.toThrow(/password is not right/);
  });

  it('knows no instance under another host name', async () => {
    const other = lab.issuer.replace('127.0.0.1', 'localhost');
    const response = await fetch(`${other}/.well-known/openid-configuration`, { signal: unlessItHangs() });
    expect(response.status).toBe(404);
    expect(await response.text()).toMatch(/Instance not found/);
  });
});

describe('a device code that ends before anybody decides', () => {
  // The provider is in this process: its time passes as the test wants it.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const passSeconds = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

  it('answers expired_token, and the page says that the code has expired', async () => {
    const lab = await startTestLab({ deviceCodeLifetimeSeconds: 60 });
    try {
      const client = await stationClient(lab);
      const device = await openid.initiateDeviceAuthorization(client, { scope: operatorScope });
      expect(device.expires_in).toBe(60);
      passSeconds(61);
      await expect(
        openid.pollDeviceAuthorizationGrant(client, device, undefined, {
          signal: unlessItHangs(),
        }),
      ).rejects.toMatchObject({ error: 'expired_token', status: 400 });
      const uri = device.verification_uri_complete ?? '';
      await expect(
        approveAsLabOperator({ verificationUriComplete: uri, signal: unlessItHangs() }),
      ).rejects.toThrow(/has expired/);
    } finally {
      await lab.stop();
    }
  });

  it('honours a decision made in time although the poll comes late', async () => {
    const lab = await startTestLab({ deviceCodeLifetimeSeconds: 60 });
    try {
      const client = await stationClient(lab);
      const device = await openid.initiateDeviceAuthorization(client, { scope: operatorScope });
      const uri = device.verification_uri_complete ?? '';
      await approveAsLabOperator({ verificationUriComplete: uri, signal: unlessItHangs() });
      passSeconds(61);
      const tokens = await openid.pollDeviceAuthorizationGrant(client, device, undefined, {
        signal: unlessItHangs(),
      });
      expect(tokens.access_token).toBeTruthy();
    } finally {
      await lab.stop();
    }
  });
});
