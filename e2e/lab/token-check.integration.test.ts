import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTokenCheck } from '#shared/adapters/create-token-check.ts';
import { createHttpClient } from '#shared/adapters/http/http.ts';
import { silentLogger } from '#shared/adapters/log/logger.ts';
import { createSignInClient } from '#shared/adapters/oidc/sign-in-client.ts';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { systemRandom } from '#shared/adapters/system/random.ts';
import { UNKNOWN_END } from '#shared/engine/ports.ts';
import { toErrorView } from '#shared/errors/enrollment-error.ts';
import { type Profile, profileSchema } from '#shared/model/profile.ts';
import { Secret } from '#shared/model/secret.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { type LabIdentityProvider, startLabIdentityProvider } from './identity/index.ts';

/** What the lab's provider tells of a token that somebody hands in. */
describe('the check of a token that is handed in', () => {
  const http = createHttpClient({ clock: systemClock });
  let lab: LabIdentityProvider;

  beforeAll(async () => {
    lab = await startLabIdentityProvider({
      ...{ signal: new AbortController().signal, pollIntervalSeconds: 1, keyPoolSize: 0 },
    });
  });
  afterAll(async () => {
    http.close();
    await lab.stop();
  });

  const profileOf = (change: Partial<Profile['identity']> = {}): Profile =>
    profileSchema.parse({
      name: 'lab',
      identity: {
        ...{ issuer: lab.issuer, client_id: lab.clientId, project_id: lab.projectId },
        ...change,
      },
      agent: { binaries: {} },
    });
  const check = (token: string, change: Partial<Profile['identity']> = {}) =>
    createTokenCheck({
      ...{ profile: profileOf(change), http, clock: systemClock, random: systemRandom, logger: silentLogger },
    }).check(new Secret(token), unlessItHangs());
  const refusal = async (...words: Parameters<typeof check>) =>
    check(...words).then(
      () => undefined,
      (thrown: unknown) => toErrorView(thrown),
    );
  const signedIn = async (loginName?: string): Promise<string> => {
    const client = createSignInClient({
      ...{ profile: profileOf(), http, clock: systemClock, logger: silentLogger },
    });
    const tokens = await client.signIn(
      ({ userCode }) =>
        void lab.control.decideSignIn({ userCode, ...(loginName === undefined ? {} : { loginName }) }),
      unlessItHangs(),
    );
    return tokens.accessToken.reveal();
  };
  const jwt = (claims: object): string =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

  it('names account and organisation of a personal access token, changes nothing, and knows no end of it', async () => {
    const before = lab.inspect().mutations;
    const { accessToken, ...found } = await check(lab.adminToken);
    expect(accessToken.reveal()).toBe(lab.adminToken);
    expect(found).toEqual({
      refreshToken: undefined,
      expiresAt: UNKNOWN_END,
      subject: 'muster-admin',
      account: 'muster-admin',
      organisation: expect.stringMatching(/\S/),
    });
    expect(lab.inspect().mutations).toEqual(before);
  });

  it('knows the end of a token that tells it', async () => {
    const found = await check(await signedIn());
    expect(found.expiresAt).toBeGreaterThan(Date.now());
    expect(found.expiresAt).toBeLessThan(Date.now() + 24 * 3_600_000);
    expect(found.account).toBe(lab.operator.loginName);
  });

  it('is refused by its own words before it is sent anywhere', async () => {
    const asked = lab.inspect().requests.length;
    const anHourAgo = Date.now() / 1000 - 3600;
    for (const [token, says] of [
      [jwt({ iss: lab.issuer, aud: ['1'], exp: anHourAgo }), 'ended at'],
      [jwt({ iss: 'https://other.example', aud: ['1'] }), 'is of the issuer https://other.example'],
      ['two words', 'has characters in it that no token has'],
      ['töken', 'has characters in it that no token has'],
    ] as const) {
      const told = await refusal(token);
      expect(told).toMatchObject({ code: 'IDENTITY_TOKEN_UNUSABLE' });
      expect(told?.says).toContain(`The token of the field Access token ${says}`);
      expect(JSON.stringify(told)).not.toContain(token);
    }
    expect(lab.inspect().requests.length).toBe(asked);
  });

  it('is refused where the provider does not know it', async () => {
    expect(await refusal('wrong-token-4711')).toMatchObject({
      code: 'IDENTITY_TOKEN_REFUSED',
      operatorDoes: expect.stringContaining('Put a fresh token into the field Access token'),
    });
  });

  it('without rights, or with rights to look only, is told which right is missing', async () => {
    expect(await refusal(lab.powerlessToken)).toMatchObject({ code: 'IDENTITY_ROLE_MISSING' });
    const auditor = await signedIn(lab.otherOperators.auditor.loginName);
    expect(await refusal(auditor)).toMatchObject({
      code: 'IDENTITY_ROLE_MISSING',
      says: 'This account may not enroll devices.',
      evidence: expect.stringMatching(
        new RegExp(
          `^${lab.otherOperators.auditor.loginName} of .* lacks: user\\.write, user\\.grant\\.write, user\\.delete$`,
        ),
      ),
    });
  });

  it('of another organisation, or of another fleet, is told with what it does see', async () => {
    expect(await refusal(lab.adminToken, { org_id: '999' })).toMatchObject({
      code: 'IDENTITY_ORGANISATION_UNKNOWN',
    });
    const told = await refusal(lab.adminToken, { project_id: '42' });
    expect(told).toMatchObject({ code: 'IDENTITY_PROJECT_NOT_VISIBLE' });
    expect(told?.says).toContain(lab.projectId);
  });

  it('does not go to a provider that is another one than the profile says', async () => {
    const issuer = lab.issuer.replace('127.0.0.1', 'localhost');
    const before = lab.inspect().requests.length;
    expect(await refusal(lab.adminToken, { issuer })).toMatchObject({ code: 'IDENTITY_ISSUER_MISMATCH' });
    const asked = lab.inspect().requests.slice(before);
    expect(asked.every(({ path }) => path.startsWith('/.well-known/'))).toBe(true);
  });
});
