import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Fault,
  type LabIdentityProvider,
  namedFaults,
  startLabIdentityProvider,
} from '../../../e2e/lab/identity/index.ts';
import { approveAsLabOperator } from '../../../e2e/lab/identity/operator-walk.ts';
import { AwaitedSignIn } from '../../engine/awaited-sign-in.ts';
import type { TokenCache, TokenSet } from '../../engine/ports.ts';
import { Session } from '../../engine/session.ts';
import { profileSchema } from '../../model/profile.ts';
import { HANGS_AFTER_MS, KEYCHAIN_LIMIT_MS, patience, unlessItHangs } from '../../testing/patience.ts';
import { createHttpClient } from '../http/http.ts';
import { createFileTokenCache } from '../keychain/file-token-cache.ts';
import { createKeychainTokenCache } from '../keychain/keychain-token-cache.ts';
import { createMemoryTokenCache } from '../keychain/memory-token-cache.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { systemRandom } from '../system/random.ts';
import { createZitadelIdentityProvider } from '../zitadel/identity-provider.ts';
import { createSignInClient } from './sign-in-client.ts';

const DEVICES = 200;
const TOKEN_PATH = '/oauth/v2/token';
const EXPIRED_AFTER_MS = 13 * 3600 * 1000;
const refusedToken: Fault = {
  status: 401,
  body: { code: 16, message: 'Errors.Token.Invalid (AUTH-7fs1e)' },
};

let lab: LabIdentityProvider;
/** What the next requests of the token endpoint get instead of an answer. */
let tokenFaults: Fault[];
/** What every request to the API gets instead of an answer. */
let apiFault: () => Fault | undefined;
let folder: string;
const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'muster-one-sign-in-'));
  tokenFaults = [];
  apiFault = () => undefined;
  lab = await startLabIdentityProvider({
    signal: new AbortController().signal,
    pollIntervalSeconds: 1,
    keyPoolSize: 0,
    faults: {
      before: ({ path: asked }) => {
        if (asked === TOKEN_PATH) return tokenFaults.shift();
        return asked.startsWith('/management/') ? apiFault() : undefined;
      },
    },
  });
});
afterEach(async () => {
  http.close();
  await lab.stop();
  await rm(folder, { recursive: true, force: true });
});

const fileCache = (file: string) =>
  createFileTokenCache(file, { issuer: lab.issuer, clientId: lab.clientId });

/** Requests the provider has seen on the paths that cost a sign-in something. */
function asked() {
  const { calls } = lab.inspect();
  return {
    interactive: calls['POST /oauth/v2/device_authorization'] ?? 0,
    tokens: calls['POST /oauth/v2/token'] ?? 0,
  };
}

/** A station's sign-in, whose operator approves at once, and a way to let its time pass. */
function station(cache: TokenCache) {
  let passedMs = 0;
  const clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + passedMs,
    monotonicMs: () => systemClock.monotonicMs() + passedMs,
  };
  const profile = profileSchema.parse({
    name: 'lab',
    identity: {
      issuer: lab.issuer,
      client_id: lab.clientId,
      project_id: lab.projectId,
      org_id: lab.orgId,
    },
    agent: { binaries: {} },
  });
  const client = createSignInClient({ profile, http, clock, logger: silentLogger });
  const ports = { clock, random: systemRandom, logger: silentLogger, client, cache };
  const session: Session = new Session(ports, {
    onSession: () => undefined,
    onKeychain: () => undefined,
    openBrowser: (verificationUriComplete) =>
      approveAsLabOperator({ verificationUriComplete, signal: unlessItHangs() }).then(() => true),
    onSignedIn: () => awaited.signedIn(),
  });
  const awaited = new AwaitedSignIn({
    ...{ tokens: session, clock: systemClock },
    mayWait: () => true,
    onAwaited: () => undefined,
  });
  const identity = createZitadelIdentityProvider({
    ...{ profile, http, clock: systemClock, random: systemRandom, logger: silentLogger },
    tokens: awaited,
  });
  const expire = () => {
    passedMs += EXPIRED_AFTER_MS;
  };
  return { session, identity, awaited, expire };
}

describe('one sign-in for 200 devices', () => {
  it('is one interactive login, and one refresh for each of three expiries', async () => {
    const { session, identity, expire } = station(createMemoryTokenCache());
    // However often it is asked for.
    await Promise.all(Array.from({ length: DEVICES }, () => session.signIn()));
    await session.signIn();
    const begin = asked();
    expect(begin.interactive).toBe(1);

    const everyDevice = () =>
      Promise.all(Array.from({ length: DEVICES }, () => identity.listKeys('1', unlessItHangs())));
    await everyDevice();
    expect(asked()).toEqual(begin);

    // By the station's clock.
    expire();
    await everyDevice();
    expect(asked()).toEqual({ interactive: 1, tokens: begin.tokens + 1 });

    // By the provider alone, while all are at work: each hears 401 for itself.
    lab.control.endAccessTokens();
    await everyDevice();
    expect(asked()).toEqual({ interactive: 1, tokens: begin.tokens + 2 });

    expire();
    lab.control.endAccessTokens();
    await everyDevice();
    expect(asked()).toEqual({ interactive: 1, tokens: begin.tokens + 3 });
  });

  /** What the token endpoint has answered since. */
  const answersAfter = (count: number) =>
    lab
      .inspect()
      .requests.filter((one) => one.path === TOKEN_PATH)
      .slice(count)
      .map((one) => one.status);

  it.each([
    ['503', () => namedFaults.unavailable(), 503],
    ['429', () => namedFaults.tooManyRequests(1), 429],
    ['502 of a proxy that lost the provider', () => ({ status: 502 }), 502],
  ] as const)(
    'outlives two answers of %s to its renewal in the middle of a batch',
    async (_name, fault, status) => {
      const { session, identity } = station(createMemoryTokenCache());
      await session.signIn();
      const begin = asked();
      lab.control.endAccessTokens();
      tokenFaults = [fault(), fault()];
      await Promise.all(Array.from({ length: DEVICES }, () => identity.listKeys('1', unlessItHangs())));
      expect(asked()).toEqual({ interactive: 1, tokens: begin.tokens + 3 });
      expect(answersAfter(begin.tokens)).toEqual([status, status, 200]);
    },
  );

  it.each([
    ['lost', 'drop-response', 0],
    ['given up by a proxy', namedFaults.gatewayTimeout(), 504],
  ] as const)(
    'is one more login, which all wait for, when the reply to its renewal is %s',
    async (_name, fault, status) => {
      const { session, identity, awaited } = station(createMemoryTokenCache());
      await session.signIn();
      const begin = asked();
      lab.control.endAccessTokens();
      tokenFaults = [fault];
      const everyDevice = Promise.all(
        Array.from({ length: DEVICES }, () => identity.listKeys('1', unlessItHangs())),
      );
      await expect.poll(() => awaited.isAwaited, patience).toBe(true);
      // The refresh token was used: asked once more, for everybody, and never again.
      expect(answersAfter(begin.tokens)).toEqual([status, 400]);
      expect(session.isSignedIn).toBe(false);
      await Promise.all(Array.from({ length: DEVICES }, () => session.signIn()));
      expect(await everyDevice).toHaveLength(DEVICES);
      expect(asked().interactive).toBe(2);
    },
  );
});

describe('a sign-in that is renewed and refused all the same', () => {
  it.each([
    ['until somebody signs in again fails no device', 1, 'fulfilled'],
    ['for good fails the devices after one more login', Number.POSITIVE_INFINITY, 'rejected'],
  ] as const)('%s', async (_name, logins, expected) => {
    const { session, identity, awaited } = station(createMemoryTokenCache());
    await session.signIn();
    const begin = asked();
    apiFault = () => (asked().interactive <= logins ? refusedToken : undefined);
    const everyDevice = Promise.allSettled(
      Array.from({ length: DEVICES }, () => identity.listKeys('1', unlessItHangs())),
    );
    await expect.poll(() => awaited.isAwaited, patience).toBe(true);
    expect(asked()).toEqual({ interactive: 1, tokens: begin.tokens + 1 });
    expect(session.isSignedIn).toBe(false);
    await session.signIn();
    const outcomes = await everyDevice;
    expect(outcomes.filter((one) => one.status === expected)).toHaveLength(DEVICES);
    for (const one of outcomes)
      if (one.status === 'rejected')
        expect(one.reason).toMatchObject({ code: 'IDENTITY_SIGN_IN_NOT_ACCEPTED' });
    expect(awaited.isAwaited).toBe(false);
    expect(asked().interactive).toBe(2);
    expect(session.isSignedIn).toBe(true);
  });
});

describe('one sign-in for several stations', () => {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null) continue;
      child.kill();
      await once(child, 'exit');
    }
  });

  function startStation(place: string, clientId = lab.clientId) {
    const script = path.join(import.meta.dirname, 'testing', 'renewing-station.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, lab.issuer, clientId, place], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return {
      next: async (): Promise<unknown> => (await lines.next()).value,
      expire: () => void child.stdin.write('\n'),
    };
  }

  async function signInTo(cache: TokenCache): Promise<void> {
    await station(cache).session.signIn();
    expect(await cache.load(unlessItHangs())).toBeDefined();
  }

  async function renewInTwoProcesses(place: string): Promise<void> {
    const stations = [startStation(place), startStation(place)];
    const first = await Promise.all(stations.map((one) => one.next()));
    expect(first[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(first[1]).toBe(first[0]);
    let before = first[0];
    for (let round = 0; round < 4; round += 1) {
      const { tokens } = asked();
      for (const one of stations) one.expire();
      const [one, other] = await Promise.all(stations.map((station) => station.next()));
      expect(one).toMatch(/^[0-9a-f]{64}$/);
      expect(other).toBe(one);
      expect(one).not.toBe(before);
      expect(asked().tokens).toBe(tokens + 1);
      before = one;
    }
    expect(asked().interactive).toBe(1);
  }

  it('in two processes that share a file is renewed by one of them', async () => {
    const file = path.join(folder, 'sign-in.json');
    await signInTo(fileCache(file));
    await renewInTwoProcesses(file);
  });

  it('in two processes that share the keychain is renewed by one of them; other clients never see it', async ({
    skip,
  }) => {
    const cache = createKeychainTokenCache({
      ...{ issuer: lab.issuer, clientId: lab.clientId },
      timeLimitMs: KEYCHAIN_LIMIT_MS,
    });
    await cache.load(unlessItHangs()).catch((thrown: { details?: { problem?: string } }) => {
      console.warn(`SKIPPED: system keychain: ${thrown.details?.problem} (scripts/setup/with-keyring.mjs).`);
      skip();
    });
    await signInTo(cache);
    try {
      await renewInTwoProcesses('keychain');
      expect(await startStation('keychain', 'another').next()).toBe('IDENTITY_NOT_SIGNED_IN');
      const elsewhere = createKeychainTokenCache({
        issuer: `${lab.issuer}0`,
        clientId: lab.clientId,
        timeLimitMs: KEYCHAIN_LIMIT_MS,
      });
      expect(await elsewhere.load(unlessItHangs())).toBeUndefined();
    } finally {
      await cache.remove(unlessItHangs());
    }
  });

  it('is remembered before anybody uses what was renewed', async () => {
    const order: string[] = [];
    const memory = createMemoryTokenCache();
    let saved: TokenSet | undefined;
    const { session, expire } = station({
      ...memory,
      save: async (tokens, signal) => {
        await memory.save(tokens, signal);
        saved = tokens;
        order.push('saved');
      },
    });
    await session.signIn();
    expire();
    const token = await session.accessToken(unlessItHangs()).then((got) => {
      order.push('handed out');
      return got;
    });
    expect(order).toEqual(['saved', 'saved', 'handed out']);
    expect(saved?.accessToken.equals(token)).toBe(true);
  });

  it('signed out in one of them is signed out for good, whatever the other has renewed', async () => {
    const file = path.join(folder, 'sign-in.json');
    const one = station(fileCache(file));
    await one.session.signIn();
    const other = station(fileCache(file));
    await other.session.resume(unlessItHangs());
    other.expire();
    await other.session.accessToken(unlessItHangs());
    await one.session.signOut(unlessItHangs());
    expect(await fileCache(file).load(unlessItHangs())).toBeUndefined();
    other.expire();
    await expect(other.session.accessToken(unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });
  });
});
