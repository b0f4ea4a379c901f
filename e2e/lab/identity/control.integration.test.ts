import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import { afterEach, describe, expect, it } from 'vitest';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';
import { ownLoopback } from '../testing/own-loopback.ts';
import { type FaultRequest, namedFaults } from './faults.ts';
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
import { approveAsLabOperator } from './operator-walk.ts';
import type { LabIdentityOptions } from './options.ts';

const v1 = '/management/v1';

describe('what a test can do to a running provider', () => {
  const started: LabIdentityProvider[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((lab) => lab.stop()));
  });

  async function startLab(options: Partial<LabIdentityOptions> = {}): Promise<LabIdentityProvider> {
    const lab = await startTestLab(options);
    started.push(lab);
    return lab;
  }

  it('goes down in the middle of a sign-in and comes back knowing it', async () => {
    const lab = await startLab({ host: ownLoopback() });
    const client = await stationClient(lab);
    const device = await openid.initiateDeviceAuthorization(client, { scope: operatorScope });
    await lab.control.goDown();
    await expect(fetch(`${lab.issuer}/debug/healthz`, { signal: unlessItHangs() })).rejects.toThrow();
    await lab.control.comeBack();
    const verificationUriComplete = device.verification_uri_complete ?? '';
    await approveAsLabOperator({ verificationUriComplete, signal: unlessItHangs() });
    const tokens = await openid.pollDeviceAuthorizationGrant(client, device, undefined, {
      signal: unlessItHangs(),
    });
    expect(tokens.refresh_token).toBeTruthy();
    await lab.control.goDown();
    // This client notices that its connections are gone, as it would with a real restart.
    await expect(fetch(`${lab.issuer}/debug/healthz`, { signal: unlessItHangs() })).rejects.toThrow();
    await lab.control.comeBack();
    expect((await openid.refreshTokenGrant(client, tokens.refresh_token ?? '')).access_token).toBeTruthy();
  });

  it('ends codes that nobody has decided, and no others', async () => {
    const lab = await startLab();
    const client = await stationClient(lab);
    const [open, decided] = [
      await openid.initiateDeviceAuthorization(client, { scope: 'openid' }),
      await openid.initiateDeviceAuthorization(client, { scope: 'openid' }),
    ];
    await approveAsLabOperator({
      verificationUriComplete: decided.verification_uri_complete ?? '',
      signal: unlessItHangs(),
    });
    lab.control.expireDeviceCodes();
    const poll = (device: typeof open) =>
      openid.pollDeviceAuthorizationGrant(client, device, undefined, { signal: unlessItHangs() });
    await expect(poll(open)).rejects.toMatchObject({ error: 'expired_token', status: 400 });
    expect((await poll(decided)).access_token).toBeTruthy();
  });

  it('ends access tokens, and leaves refresh tokens and personal ones', async () => {
    const lab = await startLab();
    const client = await stationClient(lab);
    const tokens = await signIn(lab);
    lab.control.endAccessTokens();
    expect((await apiOf(lab, tokens.access_token)('GET', `${v1}/orgs/me`)).status).toBe(401);
    expect((await apiOf(lab, lab.adminToken)('GET', `${v1}/orgs/me`)).status).toBe(200);
    const renewed = await openid.refreshTokenGrant(client, tokens.refresh_token ?? '');
    expect((await apiOf(lab, renewed.access_token)('GET', `${v1}/orgs/me`)).status).toBe(200);
  });

  it.each(['invalid_grant', 'invalid_request'] as const)(
    'forgets refresh tokens, and calls a dead one %s as its version does',
    async (deadRefreshToken) => {
      const lab = await startLab({ deadRefreshToken });
      const client = await stationClient(lab);
      const tokens = await signIn(lab);
      lab.control.forgetRefreshTokens();
      await expect(openid.refreshTokenGrant(client, tokens.refresh_token ?? '')).rejects.toMatchObject({
        error: deadRefreshToken,
        status: 400,
      });
    },
  );

  it('has its clock wrong in dates and in tokens, and goes on taking its own tokens', async () => {
    const lab = await startLab();
    lab.control.setClockOffset(-7200);
    const response = await fetch(`${lab.issuer}/debug/healthz`, { signal: unlessItHangs() });
    const now = Date.now();
    expect(Math.abs(Date.parse(response.headers.get('date') ?? '') - (now - 7_200_000))).toBeLessThan(
      HANGS_AFTER_MS,
    );
    const tokens = await signIn(lab);
    const { iat = 0, exp = 0 } = decodeJwt(tokens.access_token);
    expect(Math.abs(iat - (now / 1000 - 7200))).toBeLessThan(HANGS_AFTER_MS / 1000);
    expect(exp - iat).toBe(43_200);
    expect((await apiOf(lab, tokens.access_token)('GET', `${v1}/orgs/me`)).status).toBe(200);
  });

  it('lets each kind of search lag by its own time, with the content of before', async () => {
    const lab = await startLab({ searchLagMs: { grants: 250 } });
    let now = Date.now();
    lab.control.followClock(() => now);
    const api = apiOf(lab, lab.adminToken);
    const { userId } = (await api('POST', `${v1}/users/machine`, { userName: 'device-l', name: 'l' })).body;
    const queries = [{ userNameQuery: { userName: 'device-l' } }];
    expect((await api('POST', `${v1}/users/_search`, { queries })).body.result).toHaveLength(1);
    await api('POST', `${v1}/projects/${lab.projectId}/roles`, { roleKey: 'spare', displayName: 'Spare' });
    const grant = { projectId: lab.projectId, roleKeys: ['device'] };
    const { userGrantId } = (await api('POST', `${v1}/users/${userId}/grants`, grant)).body;
    const search = () =>
      api('POST', `${v1}/users/grants/_search`, { queries: [{ userIdQuery: { userId } }] });
    expect((await search()).body.result).toBeUndefined();
    now += 250;
    expect((await search()).body.result).toHaveLength(1);
    const roleKeys = ['device', 'spare'];
    await api('PUT', `${v1}/users/${userId}/grants/${userGrantId}`, { roleKeys });
    expect((await search()).body.result).toMatchObject([{ roleKeys: ['device'] }]);
    lab.control.setSearchLag(0);
    expect((await search()).body.result).toMatchObject([{ roleKeys }]);
  });

  it('says slow_down when it is told to, and goes on with the sign-in', async () => {
    const polls = ({ body, earlier }: FaultRequest) => body.includes('device_code') && earlier === 0;
    const lab = await startLab({
      faults: { before: (request) => (polls(request) ? namedFaults.slowDown() : undefined) },
    });
    const client = await stationClient(lab);
    const device = await openid.initiateDeviceAuthorization(client, { scope: 'openid' });
    await lab.control.decideSignIn({ userCode: device.user_code });
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: lab.clientId };
    const poll = () => postToken(lab, { ...form, device_code: device.device_code });
    expect(await poll()).toEqual({ status: 400, body: { error: 'slow_down' } });
    expect((await poll()).status).toBe(200);
  });

  it('takes the time it is told to for every call', async () => {
    const lab = await startLab({ latencyMs: 120 });
    const before = performance.now();
    await fetch(`${lab.issuer}/debug/healthz`, { signal: unlessItHangs() });
    expect(performance.now() - before).toBeGreaterThan(115);
  });
});
