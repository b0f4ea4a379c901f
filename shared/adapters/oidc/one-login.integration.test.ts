import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LabIdentityProvider, startLabIdentityProvider } from '../../../e2e/lab/identity/index.ts';
import type { SessionView } from '../../model/station-state.ts';
import { KEYCHAIN_LIMIT_MS, unlessItHangs } from '../../testing/patience.ts';
import { createKeychainTokenCache } from '../keychain/keychain-token-cache.ts';

/** Two stations of one account, each a process, that want to sign in at the same time. */
let lab: LabIdentityProvider;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'muster-one-login-'));
  lab = await startLabIdentityProvider({
    signal: new AbortController().signal,
    pollIntervalSeconds: 1,
    keyPoolSize: 0,
  });
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await lab.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Codes that a person was shown. */
const codes = () => lab.inspect().calls['POST /oauth/v2/device_authorization'] ?? 0;

function startStation(place = path.join(folder, 'sign-in.json')) {
  const script = path.join(import.meta.dirname, 'testing', 'signing-station.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, lab.issuer, lab.clientId, place], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const views: SessionView[] = [];
  return {
    views,
    /** The next view of this state; what comes before it is kept in `views`. */
    shows: async <S extends SessionView['state']>(state: S): Promise<Extract<SessionView, { state: S }>> => {
      for (;;) {
        const line = await lines.next();
        if (line.done) throw new Error(`The station ended before it was ${state}.`);
        const view = JSON.parse(line.value) as SessionView;
        views.push(view);
        if (view.state === state) return view as Extract<SessionView, { state: S }>;
      }
    },
    tell: (word: 'here' | 'cancel') => void child.stdin.write(`${word}\n`),
    die: () => child.kill('SIGKILL'),
  };
}

describe('a station that wants to sign in while another shows its code', () => {
  it.for(['a file', 'the keychain'])(
    'that shares %s shows no second code, says so, and goes on with the sign-in of the other',
    async (shared, { skip, onTestFinished }) => {
      const place = shared === 'a file' ? path.join(folder, 'sign-in.json') : 'keychain';
      if (place === 'keychain') {
        const cache = createKeychainTokenCache({
          ...{ issuer: lab.issuer, clientId: lab.clientId },
          timeLimitMs: KEYCHAIN_LIMIT_MS,
        });
        await cache.load(unlessItHangs()).catch((thrown: { code?: string }) => {
          console.warn(
            `SKIPPED: system keychain: ${thrown.code} (scripts/setup/with-keyring.mjs gives one).`,
          );
          skip();
        });
        onTestFinished(() => cache.remove(unlessItHangs()));
      }
      const first = startStation(place);
      const { userCode } = await first.shows('awaiting-approval');
      const second = startStation(place);
      await second.shows('other-signs-in');
      await lab.control.decideSignIn({ userCode });
      const [one, other] = await Promise.all([first.shows('signed-in'), second.shows('signed-in')]);
      expect(other.account).toBe(one.account);
      expect(second.views.map((view) => view.state)).not.toContain('awaiting-approval');
      expect(codes()).toBe(1);
      // Whoever comes later asks nobody either.
      await startStation(place).shows('signed-in');
      expect(codes()).toBe(1);
    },
  );

  it.each(['is cancelled', 'dies'] as const)('asks by itself once the other %s', async (how) => {
    const first = startStation();
    await first.shows('awaiting-approval');
    const second = startStation();
    await second.shows('other-signs-in');
    expect(codes()).toBe(1);
    if (how === 'dies') first.die();
    else first.tell('cancel');
    const { userCode } = await second.shows('awaiting-approval');
    await lab.control.decideSignIn({ userCode });
    await second.shows('signed-in');
    expect(codes()).toBe(2);
  });

  it('asks at once when the operator wants it here, or stops waiting', async () => {
    await startStation().shows('awaiting-approval');
    const second = startStation();
    await second.shows('other-signs-in');
    second.tell('here');
    const { userCode } = await second.shows('awaiting-approval');
    await lab.control.decideSignIn({ userCode });
    await second.shows('signed-in');
    const third = startStation(path.join(folder, 'another.json'));
    await third.shows('awaiting-approval');
    const fourth = startStation(path.join(folder, 'another.json'));
    await fourth.shows('other-signs-in');
    fourth.tell('cancel');
    await fourth.shows('signed-out');
    expect(codes()).toBe(3);
  });

  it('has its own code without a shared token cache, and says why', async () => {
    await startStation().shows('awaiting-approval');
    const alone = startStation('no-cache');
    const { notShared } = await alone.shows('awaiting-approval');
    expect(notShared).toMatch(/no-cache/);
    expect(codes()).toBe(2);
  });
});
