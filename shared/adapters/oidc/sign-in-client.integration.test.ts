import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Fault,
  type FaultRequest,
  type LabIdentityProvider,
  namedFaults,
  startLabIdentityProvider,
} from '../../../e2e/lab/identity/index.ts';
import { approveAsLabOperator } from '../../../e2e/lab/identity/operator-walk.ts';
import type { DeviceCodePrompt, TokenSet } from '../../engine/ports.ts';
import { parseDeviceId } from '../../model/device-id.ts';
import { type Profile, profileSchema } from '../../model/profile.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, patience, unlessItHangs } from '../../testing/patience.ts';
import { createHttpClient } from '../http/http.ts';
import { startScriptedServer } from '../http/testing/scripted-server.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { systemRandom } from '../system/random.ts';
import { createZitadelIdentityProvider } from '../zitadel/identity-provider.ts';
import { createSignInClient } from './sign-in-client.ts';

describe('against the lab', () => {
  const stop = new AbortController();
  const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
  let lab: LabIdentityProvider;
  let fault: ((request: FaultRequest) => Fault | undefined) | undefined;

  beforeAll(async () => {
    lab = await startLabIdentityProvider({
      signal: stop.signal,
      pollIntervalSeconds: 1,
      keyPoolSize: 0,
      searchLagMs: 60,
      faults: { before: (request) => fault?.(request) },
    });
  });
  afterAll(async () => {
    http.close();
    stop.abort();
    await lab?.stop();
  });

  const profileOf = (identity: Partial<Profile['identity']> = {}) =>
    profileSchema.parse({
      name: 'lab',
      identity: {
        issuer: lab.issuer,
        client_id: lab.clientId,
        project_id: lab.projectId,
        org_id: lab.orgId,
        ...identity,
      },
      agent: { binaries: {} },
    });
  const client = (identity: Partial<Profile['identity']> = {}) =>
    createSignInClient({ profile: profileOf(identity), http, clock: systemClock, logger: silentLogger });
  const signIn = async (walk: { deny?: boolean; loginName?: string } = {}): Promise<TokenSet> => {
    let walking: Promise<void> | undefined;
    const onPrompt = (prompt: DeviceCodePrompt) => {
      walking = approveAsLabOperator({
        ...walk,
        verificationUriComplete: prompt.verificationUriComplete,
        signal: unlessItHangs(),
      });
    };
    try {
      return await client().signIn(onPrompt, unlessItHangs());
    } finally {
      await walking;
    }
  };
  const identityFor = (tokens: TokenSet) =>
    createZitadelIdentityProvider({
      profile: profileOf(),
      tokens: { accessToken: async () => tokens.accessToken },
      http,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });

  it('signs in, renews with rotation, enrolls an identity and ends the session', async () => {
    const before = Date.now();
    const tokens = await signIn();
    expect(tokens.account).toBe(lab.operator.loginName);
    expect(tokens.organisation).toBe(lab.orgName);
    expect(tokens.subject).not.toBe('');
    expect(tokens.expiresAt).toBeGreaterThan(before + 60_000);
    const renewed = await client().refresh(tokens, unlessItHangs());
    expect([renewed.account, renewed.organisation]).toEqual([tokens.account, tokens.organisation]);
    expect(renewed.refreshToken?.equals(tokens.refreshToken ?? new Secret(''))).toBe(false);
    await expect(client().refresh(tokens, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });

    const again = await signIn();
    const identity = identityFor(again);
    await identity.requireProject(unlessItHangs());
    const parsed = parseDeviceId('press-07');
    if (!parsed.ok) throw new Error(parsed.problem.says);
    const made = await Promise.all(
      [1, 2, 3].map(() => identity.ensureAccount(parsed.id, 'unknown', unlessItHangs())),
    );
    expect(made.filter((user) => user.created)).toHaveLength(1);
    expect(new Set(made.map((user) => user.userId)).size).toBe(1);
    const userId = made[0]?.userId ?? '';
    expect(lab.inspect().grants.filter((one) => one.live && one.userId === userId)).toHaveLength(1);
    const key = await identity.mintKey(userId, Date.now() + 3_600_000, unlessItHangs());
    expect(lab.inspect().keys.filter((one) => one.live && one.userId === userId)).toMatchObject([
      { id: key.keyId },
    ]);
    await expect
      .poll(() => identity.listKeys(userId, unlessItHangs()), patience)
      .toMatchObject([{ keyId: key.keyId }]);
    await identity.deleteKey(userId, key.keyId, unlessItHangs());
    await identity.deleteKey(userId, key.keyId, unlessItHangs());
    expect(lab.inspect().keys.some((one) => one.live)).toBe(false);

    await client().revoke(again, unlessItHangs());
    await expect(client().refresh(again, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });
  });

  it('is refused by the management API without a manager role', async () => {
    for (const operator of Object.values(lab.otherOperators)) {
      const identity = identityFor(await signIn({ loginName: operator.loginName }));
      const parsed = parseDeviceId('press-09');
      if (!parsed.ok) throw new Error(parsed.problem.says);
      await expect(identity.ensureAccount(parsed.id, 'unknown', unlessItHangs())).rejects.toMatchObject({
        code: 'IDENTITY_ROLE_MISSING',
      });
    }
  });

  it('reports a denied sign-in and a wrong client id', async () => {
    await expect(signIn({ deny: true })).rejects.toMatchObject({ code: 'IDENTITY_SIGN_IN_DENIED' });
    await expect(
      client({ client_id: 'muster' }).signIn(() => undefined, unlessItHangs()),
    ).rejects.toMatchObject({
      code: 'IDENTITY_CLIENT_UNKNOWN',
      details: { clientId: 'muster' },
    });
  });

  it('ends at once when cancelled, with the reason', async () => {
    const cancel = new AbortController();
    const reason = new Error('cancelled');
    const signing = client().signIn(() => cancel.abort(reason), cancel.signal);
    await expect(signing).rejects.toBe(reason);
  });

  const tokens: TokenSet = {
    ...{ accessToken: new Secret('a'), refreshToken: new Secret('r'), expiresAt: 0 },
    ...{ subject: '1', account: 'x', organisation: undefined },
  };

  it.each<[string, Fault, unknown]>([
    ['429', namedFaults.tooManyRequests(), {}],
    ['429 with a pause', namedFaults.tooManyRequests(7), { pauseMs: 7000 }],
    ['500', namedFaults.internal(), {}],
    ['503', namedFaults.unavailable(), {}],
    ['502 of a proxy', { status: 502 }, undefined],
    ['504 of a proxy', namedFaults.gatewayTimeout(), undefined],
    ['no answer', 'cut', undefined],
    ['a lost answer', 'drop-response', undefined],
  ])('tells whether the refresh token is unused: %s', async (_name, answer, noEffect) => {
    fault = ({ path, method }) => (method === 'POST' && path.includes('token') ? answer : undefined);
    const renewing = client().refresh(tokens, unlessItHangs());
    await expect(renewing).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE', noEffect });
    fault = undefined;
  });

  it('tells that the refresh token is unused when the provider is not reached, or before it is sent', async () => {
    fault = ({ path }) => (path.startsWith('/.well-known') ? namedFaults.unavailable() : undefined);
    await expect(client().refresh(tokens, unlessItHangs())).rejects.toMatchObject({ noEffect: {} });
    const gone = await startScriptedServer(() => 'hang-up');
    const stranger = client({ issuer: gone.origin });
    await expect(stranger.refresh(tokens, unlessItHangs())).rejects.toMatchObject({ noEffect: {} });
    await gone.stop();
    await expect(stranger.refresh(tokens, unlessItHangs())).rejects.toMatchObject({ noEffect: {} });
    fault = undefined;
  });

  it('tells a provider in trouble from an ended session', async () => {
    const tokens = await signIn();
    fault = ({ path, method }) => (method === 'POST' && path.includes('token') ? { status: 503 } : undefined);
    await expect(client().refresh(tokens, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_UNREACHABLE',
    });
    fault = undefined;
    await expect(
      client().refresh({ ...tokens, refreshToken: undefined }, unlessItHangs()),
    ).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });
  });
});

describe('against a scripted provider', () => {
  const profileOf = (issuer: string) =>
    profileSchema.parse({
      name: 'x',
      identity: { issuer, client_id: '1', project_id: '2' },
      agent: { binaries: {} },
    });

  const DEVICE_CODE = 'opaque-device-code';

  /** Signs in at a provider that answers the polls as told; gives the outcome and the number of polls. */
  async function poll(
    answers: readonly ({ status: number; body?: unknown } | 'hang-up')[],
    expiresIn = 300,
    pages: (at: (path: string) => string) => object = () => ({}),
  ) {
    const server = await startScriptedServer((request, earlier) => {
      const at = (path: string) => `${server.origin}${path}`;
      if (request.path.startsWith('/.well-known')) {
        return {
          status: 200,
          body: {
            issuer: server.origin,
            token_endpoint: at('/token'),
            device_authorization_endpoint: at('/device'),
          },
        };
      }
      if (request.path === '/device') {
        return {
          status: 200,
          body: {
            device_code: DEVICE_CODE,
            user_code: 'BCDF-GHJK',
            verification_uri: at('/page'),
            expires_in: expiresIn,
            interval: 1,
            ...pages(at),
          },
        };
      }
      return answers[earlier] ?? { status: 400, body: { error: 'authorization_pending' } };
    });
    const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
    const waits: number[] = [];
    // Waits are noted and skipped; time passes by as much.
    let elapsed = 0;
    const clock = {
      ...systemClock,
      monotonicMs: () => elapsed,
      sleep: async (ms: number) => {
        waits.push(ms);
        elapsed += ms;
      },
    };
    try {
      const signing = createSignInClient({
        profile: profileOf(server.origin),
        http,
        clock,
        logger: silentLogger,
      });
      const outcome = await signing
        .signIn(() => undefined, unlessItHangs())
        .catch((thrown: unknown) => thrown);
      return { outcome, waits };
    } finally {
      http.close();
      await server.stop();
    }
  }

  const pending = { status: 400, body: { error: 'authorization_pending' } };
  const granted = { status: 200, body: { access_token: 'a', token_type: 'Bearer', expires_in: 60 } };

  it('keeps the interval, slows down when told to, and outlives a link that drops', async () => {
    const { outcome, waits } = await poll([
      pending,
      { status: 400, body: { error: 'slow_down' } },
      'hang-up',
      { status: 502 },
      granted,
    ]);
    expect(outcome).toMatchObject({ account: 'unknown account', refreshToken: undefined });
    expect(waits).toEqual([1000, 1000, 6000, 6000, 6000]);
  });

  it.each([
    ['invalid_client', 'IDENTITY_CLIENT_UNKNOWN'],
    ['unauthorized_client', 'IDENTITY_CLIENT_NOT_ALLOWED'],
    ['access_denied', 'IDENTITY_SIGN_IN_DENIED'],
    ['expired_token', 'IDENTITY_CODE_EXPIRED'],
    ['invalid_request', 'IDENTITY_CALL_FAILED'],
  ])('%s is %s, whatever the status', async (error, code) => {
    for (const status of [400, 401]) {
      expect(
        (await poll([{ status, body: { error, error_description: 'no active client not found' } }])).outcome,
      ).toMatchObject({ code });
    }
  });

  it.each([
    { verification_uri: 'https://elsewhere.example/device' },
    { verification_uri_complete: 'https://elsewhere.example/device?user_code=BCDF-GHJK' },
    { verification_uri_complete: 'http://127.0.0.1:1/device' },
    { verification_uri_complete: 'file:///etc/passwd' },
  ])('shows and opens no page but one of the provider itself: %o', async (pages) => {
    const { outcome, waits } = await poll([granted], 300, () => pages);
    expect(outcome).toMatchObject({
      code: 'IDENTITY_REPLY_UNREADABLE',
      evidence: expect.stringContaining(String(Object.values(pages)[0])),
    });
    expect(waits).toEqual([]);
  });

  it('takes the page of the provider with the code in it', async () => {
    const { outcome } = await poll([granted], 300, (at) => ({
      verification_uri_complete: at('/page?user_code=BCDF-GHJK'),
    }));
    expect(outcome).toMatchObject({ account: 'unknown account' });
  });

  it('shows nothing of the device code, nor of the tokens it renews and revokes, when the provider quotes them', async () => {
    const quoting = { error: 'invalid_request', error_description: `unknown: ${DEVICE_CODE}` };
    const { outcome } = await poll([{ status: 400, body: quoting }]);
    expect(outcome).toMatchObject({ evidence: 'Status 400: invalid_request\nunknown: [redacted]' });
    const server = await startScriptedServer(({ path, body }) => {
      const at = (place: string) => `${server.origin}${place}`;
      const endpoints = {
        token_endpoint: at('/token'),
        device_authorization_endpoint: at('/device'),
        revocation_endpoint: at('/revoke'),
      };
      if (path.startsWith('/.well-known'))
        return { status: 200, body: { issuer: server.origin, ...endpoints } };
      return { status: 400, body: { error: 'invalid_request', error_description: `bad: ${body}` } };
    });
    const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
    const ports = { http, clock: systemClock, logger: silentLogger };
    const signing = createSignInClient({ profile: profileOf(server.origin), ...ports });
    const tokens: TokenSet = {
      ...{ accessToken: new Secret('opaque+access/1'), refreshToken: new Secret('opaque+refresh/1') },
      ...{ expiresAt: 0, subject: '1', account: 'x', organisation: undefined },
    };
    for (const work of [signing.refresh, signing.revoke]) {
      const error = await work(tokens, unlessItHangs()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ evidence: expect.stringContaining('bad: ') });
      expect((error as { evidence: string }).evidence).not.toMatch(/opaque/);
    }
    http.close();
    await server.stop();
  });

  it('stops asking when the code has expired', async () => {
    const { outcome, waits } = await poll([], 3);
    expect(outcome).toMatchObject({ code: 'IDENTITY_CODE_EXPIRED' });
    expect(waits).toHaveLength(3);
  });

  it.each([
    [{ status: 200, body: { issuer: 'https://elsewhere.example' } }, 'IDENTITY_ISSUER_MISMATCH'],
    [
      { status: 404, body: 'unable to set instance using origin: Instance not found' },
      'IDENTITY_ISSUER_MISMATCH',
    ],
    [{ status: 200, body: '<html>' }, 'IDENTITY_REPLY_UNREADABLE'],
    [{ status: 302, headers: { location: '/login' } }, 'IDENTITY_REPLY_UNREADABLE'],
    ['hang-up', 'IDENTITY_UNREACHABLE'],
  ] as const)('discovery answered with %j is %s', async (answer, code) => {
    const server = await startScriptedServer(() => answer);
    const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
    const options = { profile: profileOf(server.origin), http, clock: systemClock, logger: silentLogger };
    await expect(createSignInClient(options).signIn(() => undefined, unlessItHangs())).rejects.toMatchObject({
      code,
    });
    http.close();
    await server.stop();
  });
});
