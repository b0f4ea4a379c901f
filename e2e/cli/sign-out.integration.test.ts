import { chmodSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHttpClient } from '#shared/adapters/http/http.ts';
import { createFileTokenCache } from '#shared/adapters/keychain/file-token-cache.ts';
import { silentLogger } from '#shared/adapters/log/logger.ts';
import { createSignInClient } from '#shared/adapters/oidc/sign-in-client.ts';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import type { SignInClient, TokenSet } from '#shared/engine/ports.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { type LabIdentityProvider, startLabIdentityProvider } from '../lab/identity/index.ts';
import { bundledCli, runCli } from './run-cli.ts';

/** `muster sign-out`, a process of its own, against the lab's provider. */
describe('muster sign-out', () => {
  const http = createHttpClient({ clock: systemClock });
  let dir: string;
  let file: string;
  let profile: string;
  let lab: LabIdentityProvider;
  let client: SignInClient;
  let isDeaf: boolean;
  let onRevoke: () => void;

  beforeAll(async () => {
    await bundledCli();
  });
  beforeEach(async () => {
    isDeaf = false;
    onRevoke = () => undefined;
    dir = await mkdtemp(path.join(os.tmpdir(), 'muster-sign-out-'));
    lab = await startLabIdentityProvider({
      ...{ signal: new AbortController().signal, pollIntervalSeconds: 1, keyPoolSize: 0 },
      faults: {
        before: (request) => {
          if (request.path !== '/oauth/v2/revoke') return undefined;
          onRevoke();
          return isDeaf ? { status: 503 } : undefined;
        },
      },
    });
    file = path.join(dir, 'sign-in.json');
    profile = path.join(dir, 'profile.toml');
    const identity = {
      ...{ issuer: lab.issuer, client_id: lab.clientId, project_id: lab.projectId, token_file: file },
    };
    const lines = Object.entries(identity).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    await writeFile(profile, ['name = "lab"', '[identity]', ...lines, '[agent.binaries]', ''].join('\n'));
    client = createSignInClient({
      ...{
        profile: await loadProfile(profile, unlessItHangs()),
        http,
        clock: systemClock,
        logger: silentLogger,
      },
    });
  });
  afterEach(async () => {
    http.close();
    await lab.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const cache = () => createFileTokenCache(file, { issuer: lab.issuer, clientId: lab.clientId });
  const revoked = () => lab.inspect().calls['POST /oauth/v2/revoke'] ?? 0;
  const signOut = (words: readonly string[] = [], env: Record<string, string> = {}) =>
    runCli(['sign-out', '--profile', profile, '--state-dir', path.join(dir, 'state'), ...words], { env });

  async function signIn(): Promise<TokenSet> {
    const tokens = await client.signIn(
      ({ userCode }) => void lab.control.decideSignIn({ userCode }),
      unlessItHangs(),
    );
    await cache().save(tokens, unlessItHangs());
    return tokens;
  }

  test('revokes at the provider and forgets here; a second time there is nothing, and that is well', async () => {
    const tokens = await signIn();
    const run = await signOut(['--json']);
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(run.events('signed-out')).toMatchObject([
      { state: 'revoked', account: tokens.account, place: `File ${file}` },
    ]);
    expect(run.events('end')).toMatchObject([{ exitCode: 0 }]);
    await expect(client.refresh(tokens, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
    // Refresh and access token.
    expect(revoked()).toBe(2);

    const again = await signOut(['--json']);
    expect(again.status).toBe(0);
    expect(again.events('signed-out')).toMatchObject([{ state: 'nothing' }]);
    expect(revoked()).toBe(2);
    const inWords = await signOut();
    expect(inWords.stdout).toBe(`Nobody was signed in: nothing is remembered (File ${file}).\n`);
  });

  test('that the provider does not hear forgets all the same, says what is left, and ends with 3', async () => {
    const tokens = await signIn();
    isDeaf = true;
    const run = await signOut();
    expect(run.status, run.stdout + run.stderr).toBe(3);
    expect(run.stdout).toBe(`${tokens.account} is signed out here only (File ${file}).\n`);
    expect(run.stderr).toContain('[IDENTITY_NOT_REVOKED]');
    expect(run.stderr).toContain(`End the sessions of ${tokens.account} at the provider`);
    expect(run.stdout + run.stderr).not.toContain(tokens.accessToken.reveal());
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
    isDeaf = false;
    // It was no empty warning.
    expect((await client.refresh(tokens, unlessItHangs())).account).toBe(tokens.account);
  });

  test.each([
    ['revokes all the same', false, 'is signed out at the provider, and still kept here'],
    ['and a deaf provider say both', true, 'is not signed out: nothing could be revoked or forgotten'],
  ])(
    'a file that cannot be taken away is told with its name and ends with 5, %s',
    async (_name, deaf, says) => {
      const tokens = await signIn();
      isDeaf = deaf;
      // Found as it should be, and by the time it is to be deleted as no sign-in may lie there: it is not touched.
      onRevoke = () => chmodSync(file, 0o644);
      const run = await signOut();
      expect(run.status, run.stdout + run.stderr).toBe(5);
      expect(run.stdout).toBe(`${tokens.account} ${says} (File ${file}).\n`);
      expect(run.stderr).toContain('[STATION_SIGN_IN_NOT_FORGOTTEN]');
      expect(run.stderr).toContain(`Delete the file ${file}.`);
      expect(run.stderr.includes('[IDENTITY_NOT_REVOKED]')).toBe(deaf);
      expect(run.stdout + run.stderr).not.toContain(tokens.accessToken.reveal());
      expect((await stat(file)).size).toBeGreaterThan(0);
      const renewed = client.refresh(tokens, unlessItHangs()).then(({ account }) => account);
      isDeaf = false;
      if (deaf) expect(await renewed).toBe(tokens.account);
      else await expect(renewed).rejects.toMatchObject({ code: 'IDENTITY_SESSION_ENDED' });
    },
  );

  test('that finds the file of another client leaves it, and revokes nothing', async () => {
    const tokens = await signIn();
    await createFileTokenCache(path.join(dir, 'other.json'), { issuer: lab.issuer, clientId: 'other' }).save(
      tokens,
      unlessItHangs(),
    );
    const others = await readFile(path.join(dir, 'other.json'), 'utf8');
    await writeFile(file, others);
    const run = await signOut(['--json']);
    expect(run.status).toBe(5);
    expect(run.events('error')).toMatchObject([{ error: { code: 'STATION_KEYCHAIN_UNAVAILABLE' } }]);
    expect(await readFile(file, 'utf8')).toBe(others);
    expect(revoked()).toBe(0);
  });

  test('forgets a token that was pasted into the window and is remembered, and says that it is not revoked', async () => {
    const tokens: TokenSet = { ...(await signIn()), refreshToken: undefined, handedIn: 'kept' };
    await cache().save(tokens, unlessItHangs());
    const run = await signOut(['--json']);
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(run.events('signed-out')).toMatchObject([
      { state: 'handed-in', account: tokens.account, stays: false },
    ]);
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(revoked()).toBe(0);
    await cache().save(tokens, unlessItHangs());
    const inWords = await signOut();
    expect(inWords.stdout).toContain(
      `The access token of ${tokens.account} is forgotten here (File ${file}).`,
    );
    expect(inWords.stdout).toContain('so it was not revoked');
  });

  test('leaves a token that was handed in as it is', async () => {
    const handedIn = await signIn();
    const remembered = await signIn();
    const run = await signOut([], { MUSTER_ADMIN_TOKEN: handedIn.accessToken.reveal() });
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(run.stderr).toContain('MUSTER_ADMIN_TOKEN is left as it is');
    await expect(client.refresh(remembered, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_SESSION_ENDED',
    });
    expect((await client.refresh(handedIn, unlessItHangs())).account).toBe(handedIn.account);
  });
});
