import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Fault,
  type FaultRequest,
  type LabIdentityProvider,
  startLabIdentityProvider,
} from '../../../e2e/lab/identity/index.ts';
import type { TokenCache, TokenSet } from '../../engine/ports.ts';
import { Session } from '../../engine/session.ts';
import { profileSchema } from '../../model/profile.ts';
import type { SessionView } from '../../model/station-state.ts';
import { patience, unlessItHangs } from '../../testing/patience.ts';
import { createHttpClient, type HttpClient } from '../http/http.ts';
import { createMemoryTokenCache } from '../keychain/memory-token-cache.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { systemRandom } from '../system/random.ts';
import { createSignInClient } from './sign-in-client.ts';

/** A station's sign-in against the lab's provider, at every moment something can go wrong. */
const MINUTE_S = 60;
let lab: LabIdentityProvider;
let http: HttpClient;
let fault: (request: FaultRequest) => Fault | undefined;
let views: SessionView[];
let session: Session;
let cache: TokenCache;
/** Requests that did not reach the provider, or brought no answer. */
let unreached: number;
let onPrompt: (userCode: string) => void;

beforeEach(async () => {
  fault = () => undefined;
  onPrompt = () => undefined;
  views = [];
  unreached = 0;
  lab = await startLabIdentityProvider({
    signal: new AbortController().signal,
    pollIntervalSeconds: 1,
    keyPoolSize: 0,
    faults: { before: (request) => fault(request) },
  });
  // Without a limit of its own: what the provider never answers ends by nothing but a cancel.
  http = createHttpClient({ clock: { after: () => () => undefined } });
  cache = createMemoryTokenCache();
  session = createSession(cache);
});
afterEach(async () => {
  http.close();
  await lab.stop();
});

function signInClient() {
  const profile = profileSchema.parse({
    name: 'lab',
    identity: { issuer: lab.issuer, client_id: lab.clientId, project_id: lab.projectId },
    agent: { binaries: {} },
  });
  const counting: HttpClient = {
    ...http,
    request: (request) =>
      http.request(request).catch((thrown: unknown) => {
        unreached += 1;
        throw thrown;
      }),
  };
  return createSignInClient({ profile, http: counting, clock: systemClock, logger: silentLogger });
}

function createSession(used: TokenCache): Session {
  return new Session(
    {
      ...{ clock: systemClock, random: systemRandom, logger: silentLogger },
      ...{ client: signInClient(), cache: used },
    },
    {
      onSession: (view) => {
        views.push(view);
        if (view.state === 'awaiting-approval' && view.browserOpened === undefined) onPrompt(view.userCode);
      },
      onKeychain: () => undefined,
      openBrowser: async () => true,
      onSignedIn: () => undefined,
    },
  );
}

const approve = (userCode: string) => void lab.control.decideSignIn({ userCode });
const calls = (route: string) => lab.inspect().calls[route] ?? 0;
const polls = () => calls('POST /oauth/v2/token');

async function kept(): Promise<TokenSet> {
  const tokens = await cache.load(unlessItHangs());
  if (tokens === undefined) throw new Error('No sign-in is remembered.');
  return tokens;
}

describe('a provider that starts anew while the code is shown', () => {
  it('is asked again, and the approval counts', async () => {
    let code = '';
    onPrompt = (userCode) => {
      code = userCode;
    };
    const signing = session.signIn();
    await expect.poll(polls, patience).toBeGreaterThan(0);
    await lab.control.goDown();
    const before = unreached;
    await expect.poll(() => unreached, patience).toBeGreaterThan(before);
    await lab.control.comeBack();
    approve(code);
    await signing;
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', account: lab.operator.loginName });
    expect(calls('POST /oauth/v2/device_authorization')).toBe(1);
  });
});

describe('a sign-in that is cancelled', () => {
  const moments = {
    'before discovery answers': '/.well-known/openid-configuration',
    'while a code is asked for': '/oauth/v2/device_authorization',
    'while it is polled': '/oauth/v2/token',
  } as const;

  it.each(Object.entries(moments))('%s ends at once and leaves nothing', async (_moment, at) => {
    let reached: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      reached = resolve;
    });
    fault = ({ path }) => {
      if (path !== at) return undefined;
      reached();
      return 'hang';
    };
    const signing = session.signIn();
    await arrived;
    session.cancel();
    await signing;
    expect(views.at(-1)).toEqual({ state: 'signed-out' });
    expect(await cache.load(unlessItHangs())).toBeUndefined();
    fault = () => undefined;
    onPrompt = approve;
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
  });

  it('while the tokens are on their way revokes them: nobody holds them', async () => {
    onPrompt = approve;
    let reached: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      reached = resolve;
    });
    fault = ({ path }) => {
      if (path !== '/oauth/v2/token') return undefined;
      reached();
      return { delayMs: 700 };
    };
    const signing = session.signIn();
    await arrived;
    session.cancel();
    await signing;
    expect(views.at(-1)).toEqual({ state: 'signed-out' });
    // Refresh and access token.
    await expect.poll(() => calls('POST /oauth/v2/revoke'), patience).toBe(2);
  });

  it('while it is asked who has signed in revokes the tokens: nobody holds them', async () => {
    onPrompt = approve;
    let reached: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      reached = resolve;
    });
    fault = ({ path }) => {
      if (path !== '/oidc/v1/userinfo') return undefined;
      reached();
      return 'hang';
    };
    const signing = session.signIn();
    await arrived;
    session.cancel();
    await signing;
    expect(views.at(-1)).toEqual({ state: 'signed-out' });
    expect(session.isSignedIn).toBe(false);
    expect(await cache.load(unlessItHangs())).toBeUndefined();
    await expect.poll(() => calls('POST /oauth/v2/revoke'), { timeout: 10_000 }).toBe(2);
  });

  it('between the tokens and their being kept comes too late: they are there, and kept', async () => {
    onPrompt = approve;
    const save = cache.save.bind(cache);
    cache = {
      ...cache,
      save: (tokens, signal) => {
        session.cancel();
        return save(tokens, signal);
      },
    };
    session = createSession(cache);
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
    expect((await session.accessToken(unlessItHangs())).equals((await kept()).accessToken)).toBe(true);
  });
});

describe('a code', () => {
  it('that is redeemed already is told, and a new one works', async () => {
    // The answer that brought the tokens was lost, so the station asks once more with the same code.
    onPrompt = approve;
    let lost = 0;
    fault = ({ path }) => {
      if (path !== '/oauth/v2/token' || lost > 0) return undefined;
      lost += 1;
      return 'drop-response';
    };
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-out', error: { code: 'IDENTITY_SIGN_IN_DENIED' } });
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
  });

  it('that is denied is told, and polled no more', async () => {
    onPrompt = (userCode) => void lab.control.decideSignIn({ userCode, deny: true });
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ error: { code: 'IDENTITY_SIGN_IN_DENIED' } });
  });

  it('is polled more slowly once the provider asks for it', async () => {
    onPrompt = approve;
    let told = 0;
    const times: number[] = [];
    fault = ({ path }) => {
      if (path !== '/oauth/v2/token') return undefined;
      times.push(performance.now());
      told += 1;
      return told === 1 ? { status: 400, body: { error: 'slow_down' } } : undefined;
    };
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(5_900);
  });
});

describe('a clock of this computer that is wrong', () => {
  it.each([
    [-7 * MINUTE_S, '7 minutes ahead of', 'back by 7 minutes'],
    [3 * 3600, '3 hours behind', 'forward by 3 hours'],
    [-30 * 86_400, '30 days ahead of', 'back by 30 days'],
  ])('by %i s is told before there is a code, with what to do', async (offset, says, does) => {
    lab.control.setClockOffset(offset);
    await session.signIn();
    const view = views.at(-1);
    expect(view).toMatchObject({ state: 'signed-out', error: { code: 'IDENTITY_CLOCK_SKEW' } });
    if (view?.state !== 'signed-out') throw new Error('signed in');
    expect(view.error?.says).toContain(says);
    expect(view.error?.operatorDoes).toContain(does);
    expect(views.map((one) => one.state)).not.toContain('awaiting-approval');
    lab.control.setClockOffset(0);
    onPrompt = approve;
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
  });

  it('by less than two minutes is nobody to bother', async () => {
    lab.control.setClockOffset(100);
    onPrompt = approve;
    await session.signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-in' });
    expect(views.at(-1)).not.toHaveProperty('error');
  });

  it('does not cost a sign-in that is renewed: it goes on, and the window tells', async () => {
    onPrompt = approve;
    await session.signIn();
    lab.control.setClockOffset(-20 * 3600);
    const before = await session.accessToken(unlessItHangs());
    await session.accessToken(unlessItHangs(), before);
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', error: { code: 'IDENTITY_CLOCK_SKEW' } });
  });
});

describe('signing out', () => {
  it('leaves a refresh token that the provider refuses', async () => {
    onPrompt = approve;
    await session.signIn();
    const tokens = await kept();
    expect(await session.signOut(unlessItHangs())).toEqual([]);
    await expect(signInClient().refresh(tokens, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });
    expect(views.at(-1)).toEqual({ state: 'signed-out' });
  });

  it('says what is left when the provider did not hear of it', async () => {
    onPrompt = approve;
    await session.signIn();
    const tokens = await kept();
    fault = ({ path }) => (path === '/oauth/v2/revoke' ? { status: 503 } : undefined);
    expect(await session.signOut(unlessItHangs())).toMatchObject([{ code: 'IDENTITY_NOT_REVOKED' }]);
    expect(await cache.load(unlessItHangs())).toBeUndefined();
    const view = views.at(-1);
    expect(view).toMatchObject({ state: 'signed-out', error: { code: 'IDENTITY_NOT_REVOKED' } });
    if (view?.state !== 'signed-out') throw new Error('signed in');
    expect(view.error?.cause).toContain(new Date(tokens.expiresAt).toISOString());
    expect(view.error?.operatorDoes).toContain(lab.operator.loginName);
    fault = () => undefined;
    // It was no empty warning.
    expect((await signInClient().refresh(tokens, unlessItHangs())).account).toBe(tokens.account);
  });
});
