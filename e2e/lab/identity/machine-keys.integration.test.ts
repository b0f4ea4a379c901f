import { createPrivateKey } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LabIdentityProvider } from './identity-provider.ts';
import { jwtBearerGrantType } from './jwt-bearer.ts';
import {
  type Api,
  apiOf,
  assertion,
  eventually,
  postToken,
  readKeyDetails,
  startTestLab,
} from './lab-testkit.ts';
import { generateRsaPair } from './rsa-keys.ts';

const v1 = '/management/v1';

describe('keys of machine users', () => {
  let lab: LabIdentityProvider;
  let api: Api;
  let userId: string;
  let count = 0;
  /** What the making of a key waits for. */
  let waits = Promise.resolve();
  beforeAll(async () => {
    lab = await startTestLab({
      keyPoolSize: 1,
      makeKeyPair: async () => {
        await waits;
        return generateRsaPair();
      },
    });
    api = apiOf(lab, lab.adminToken);
  });
  beforeEach(async () => {
    count += 1;
    const created = await api('POST', `${v1}/users/machine`, {
      userName: `device-${count}`,
      name: `device-${count}`,
      accessTokenType: 'ACCESS_TOKEN_TYPE_JWT',
    });
    userId = created.body.userId;
    await api('POST', `${v1}/users/${userId}/grants`, { projectId: lab.projectId, roleKeys: ['device'] });
  });
  afterAll(() => lab.stop());

  const mint = async (more: object = {}) => {
    const answer = await api('POST', `${v1}/users/${userId}/keys`, { type: 'KEY_TYPE_JSON', ...more });
    const details = readKeyDetails(answer.body.keyDetails);
    return { ...details, privateKey: details.key };
  };
  const deviceScope = () =>
    `openid urn:zitadel:iam:org:project:id:${lab.projectId}:aud urn:zitadel:iam:org:projects:roles`;
  const logIn = (signed: string, scope = deviceScope()) =>
    postToken(lab, { grant_type: jwtBearerGrantType, assertion: signed, scope });

  it('mints a service account key with which the device gets a token that names its role', async () => {
    const key = await mint({ expirationDate: '2099-01-01T00:00:00Z' });
    expect(key).toMatchObject({ type: 'serviceaccount', userId, expirationDate: '2099-01-01T00:00:00Z' });
    expect(key.key).toContain('BEGIN RSA PRIVATE KEY');

    const answer = await logIn(await assertion(lab, key));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 43_200 });
    const keys = createRemoteJWKSet(new URL(`${lab.issuer}/oauth/v2/keys`));
    const { payload } = await jwtVerify(answer.body.access_token, keys, {
      issuer: lab.issuer,
      audience: lab.projectId,
    });
    expect(payload.sub).toBe(userId);
    expect(payload[`urn:zitadel:iam:org:project:${lab.projectId}:roles`]).toEqual({
      device: { [lab.orgId]: 'muster.lab' },
    });
    expect(lab.inspect().keys.find((one) => one.id === key.keyId)?.lastUsedAt).toBeDefined();
  });

  it('leaves the roles out when they were not asked for, and gives opaque tokens to BEARER users', async () => {
    const key = await mint();
    const bare = await logIn(await assertion(lab, key), 'openid');
    const keys = createRemoteJWKSet(new URL(`${lab.issuer}/oauth/v2/keys`));
    const { payload } = await jwtVerify(bare.body.access_token, keys);
    expect(Object.keys(payload).filter((claim) => claim.startsWith('urn:'))).toEqual([]);

    await api('PUT', `${v1}/users/${userId}/machine`, { name: 'opaque' });
    const opaque = await logIn(await assertion(lab, key));
    expect(opaque.body.access_token).not.toContain('.');
    const userinfo = await apiOf(lab, opaque.body.access_token)('GET', '/oidc/v1/userinfo');
    expect(userinfo.body.sub).toBe(userId);
  });

  it('does not let a device manage anything', async () => {
    const key = await mint();
    const scope = 'openid urn:zitadel:iam:org:project:id:zitadel:aud';
    const token = (await logIn(await assertion(lab, key), scope)).body.access_token;
    expect((await apiOf(lab, token)('GET', '/auth/v1/users/me')).status).toBe(200);
    expect((await apiOf(lab, token)('GET', `${v1}/orgs/me`)).body.details[0]?.id).toBe('AUTHZ-cdgFk');
  });

  it('logs in no longer once the key is deleted', async () => {
    const key = await mint();
    expect((await logIn(await assertion(lab, key))).status).toBe(200);
    expect((await api('DELETE', `${v1}/users/${userId}/keys/${key.keyId}`)).status).toBe(200);
    expect(await logIn(await assertion(lab, key))).toEqual({
      status: 500,
      body: { error: 'server_error', error_description: 'Errors.Internal' },
    });
    const again = await api('DELETE', `${v1}/users/${userId}/keys/${key.keyId}`);
    expect(again).toMatchObject({ status: 404, body: { code: 5, details: [{ id: 'COMMAND-4m77G' }] } });
    const gone = await eventually(async () => {
      const list = await api('POST', `${v1}/users/${userId}/keys/_search`, {});
      return list.body.result === undefined ? true : undefined;
    });
    expect(gone).toBe(true);
  });

  it.each([
    ['from a clock that is behind', { iatOffsetSeconds: -3700 }],
    ['from a clock that is ahead', { iatOffsetSeconds: 30 }],
    ['that has expired', { iatOffsetSeconds: -120, expOffsetSeconds: -60 }],
    ['for another issuer', { audience: 'https://elsewhere.example' }],
  ])('answers an assertion %s with the same empty 500', async (_what, wrong) => {
    const answer = await logIn(await assertion(lab, await mint(), wrong));
    expect(answer).toEqual({
      status: 500,
      body: { error: 'server_error', error_description: 'Errors.Internal' },
    });
  });

  it("does not take another device's key, nor garbage", async () => {
    const key = await mint();
    const stranger = (await generateRsaPair()).privatePem;
    expect((await logIn(await assertion(lab, { ...key, privateKey: stranger }))).status).toBe(500);
    expect((await logIn('not.a.jwt')).status).toBe(500);
  });

  it('answers 404 for a user that was deleted, and forgets its keys and grants', async () => {
    const key = await mint();
    expect((await api('DELETE', `${v1}/users/${userId}`)).status).toBe(200);
    expect(await logIn(await assertion(lab, key))).toMatchObject({
      status: 404,
      body: { error: 'invalid_request' },
    });
    const { keys, grants } = lab.inspect();
    expect(keys.filter((one) => one.userId === userId && one.live)).toEqual([]);
    expect(grants.filter((one) => one.userId === userId && one.live)).toEqual([]);
    expect((await api('GET', `${v1}/users/${userId}`)).status).toBe(404);
    const late = await api('POST', `${v1}/users/${userId}/keys`, { type: 'KEY_TYPE_JSON' });
    expect(late).toMatchObject({ status: 400, body: { code: 9, details: [{ id: 'COMMAND-bnipwm1' }] } });
  });

  it('registers a public key made elsewhere and never sees the private one', async () => {
    const pair = await generateRsaPair();
    const answer = await api('POST', `${v1}/users/${userId}/keys`, {
      type: 'KEY_TYPE_JSON',
      publicKey: Buffer.from(pair.publicPem).toString('base64'),
    });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('keyDetails');
    const key = { keyId: answer.body.keyId, userId, privateKey: createPrivateKey(pair.privatePem) };
    expect((await logIn(await assertion(lab, key))).status).toBe(200);
    expect(lab.inspect().keys.find((one) => one.id === key.keyId)).toMatchObject({ origin: 'registered' });
  });

  it('refuses what is not a public key, and a date in the past', async () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const privatePem = (await generateRsaPair()).privatePem;
    for (const publicKey of ['nonsense', base64('nonsense'), base64(privatePem)]) {
      const answer = await api('POST', `${v1}/users/${userId}/keys`, { type: 'KEY_TYPE_JSON', publicKey });
      expect(answer).toMatchObject({ status: 400, body: { code: 3, details: [{ id: 'COMMAND-5F3h1' }] } });
    }
    const past = { type: 'KEY_TYPE_JSON', expirationDate: '2001-01-01T00:00:00Z' };
    expect((await api('POST', `${v1}/users/${userId}/keys`, past)).status).toBe(400);
    expect((await api('POST', `${v1}/users/${userId}/keys`, {})).status).toBe(400);
    expect(lab.inspect().keys.filter((key) => key.userId === userId)).toEqual([]);
  });

  it('keeps answering while many keys are made', async () => {
    let minted = 0;
    let goOn: () => void = () => undefined;
    waits = new Promise((resolve) => {
      goOn = resolve;
    });
    const minting = Promise.all(
      Array.from({ length: 6 }, async () => {
        await api('POST', `${v1}/users/${userId}/keys`, { type: 'KEY_TYPE_JSON' });
        minted += 1;
      }),
    );
    const org = await api('GET', `${v1}/orgs/me`);
    expect(org.status).toBe(200);
    // One pair lay ready.
    expect(minted).toBeLessThan(2);
    goOn();
    await minting;
    expect(lab.inspect().keys.filter((key) => key.userId === userId && key.live)).toHaveLength(6);
  });
});
