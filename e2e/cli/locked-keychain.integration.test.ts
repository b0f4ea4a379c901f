import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { SessionView } from '#shared/model/station-state.ts';
import { startKeyring } from '../../scripts/setup/keyring.mjs';
import { type LabIdentityProvider, startLabIdentityProvider } from '../lab/identity/index.ts';
import { bundledCli, projectRoot, runCli } from './run-cli.ts';

/** A real Secret Service on a bus of its own, locked while a sign-in is in it. Every station is a process. */
describe('a locked keychain', () => {
  let dir: string;
  let profile: string;
  let lab: LabIdentityProvider;
  let keyring: Awaited<ReturnType<typeof startKeyring>> | undefined;

  beforeAll(async () => {
    await bundledCli();
    dir = await mkdtemp(path.join(os.tmpdir(), 'muster-locked-'));
    lab = await startLabIdentityProvider({
      ...{ signal: new AbortController().signal, pollIntervalSeconds: 1, keyPoolSize: 0 },
    });
    profile = path.join(dir, 'profile.toml');
    const identity = { issuer: lab.issuer, client_id: lab.clientId, project_id: lab.projectId };
    const lines = Object.entries(identity).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    await writeFile(profile, ['name = "lab"', '[identity]', ...lines, '[agent.binaries]', ''].join('\n'));
    keyring = await startKeyring().catch((thrown: unknown) => {
      console.warn(`SKIPPED: locked keychain: ${String(thrown)}`);
      return undefined;
    });
  });
  afterAll(async () => {
    await keyring?.stop();
    await lab.stop();
    await rm(dir, { recursive: true, force: true });
  });

  function needsKeyring({ skip }: TestContext): NonNullable<typeof keyring> {
    if (keyring === undefined) skip('no Secret Service can be started');
    return keyring as NonNullable<typeof keyring>;
  }
  const environment = (): Record<string, string> => ({
    ...{ HOME: dir, XDG_RUNTIME_DIR: dir },
    DBUS_SESSION_BUS_ADDRESS: keyring?.env.DBUS_SESSION_BUS_ADDRESS ?? '',
  });
  const muster = (...words: readonly string[]) =>
    runCli([...words, '--profile', profile, '--state-dir', path.join(dir, 'state'), '--json'], {
      env: environment(),
    });
  const calls = (route: string) => lab.inspect().calls[`POST /oauth/v2/${route}`] ?? 0;

  /** A station begins to sign in; its person approves at once. @returns all that it showed */
  async function signIn(): Promise<SessionView[]> {
    const script = path.join(projectRoot, 'shared/adapters/oidc/testing/signing-station.ts');
    const words = ['--import', 'tsx', script, lab.issuer, lab.clientId, 'keychain'];
    const child = spawn(process.execPath, words, {
      env: { PATH: process.env.PATH, ...environment() },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const views: SessionView[] = [];
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const view = JSON.parse(line) as SessionView;
        views.push(view);
        // It is shown once more when the browser was tried.
        if (view.state === 'awaiting-approval' && view.browserOpened === undefined)
          await lab.control.decideSignIn({ userCode: view.userCode });
        if (view.state === 'signed-in' || view.state === 'signed-out') break;
      }
    } finally {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    return views;
  }

  test('is told as locked, not as one that does not answer, and loses nothing: unlocked, the sign-in is taken up without a code', async (context) => {
    const { lock, unlock } = needsKeyring(context);
    expect((await signIn()).at(-1)).toMatchObject({ state: 'signed-in', remembered: 'keychain' });
    expect(calls('device_authorization')).toBe(1);
    await lock();

    for (const command of ['sign-out', 'devices']) {
      const run = await muster(command);
      expect(run.status, run.stdout + run.stderr).toBe(5);
      expect(run.events('error')).toMatchObject([
        {
          error: {
            code: 'STATION_KEYCHAIN_LOCKED',
            says: 'The keychain of this computer is locked.',
            operatorDoes: expect.stringContaining('Unlock it'),
          },
        },
      ]);
    }
    expect(calls('revoke')).toBe(0);

    await unlock();
    const views = await signIn();
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', remembered: 'keychain' });
    expect(views.map((view) => view.state)).not.toContain('awaiting-approval');
    expect(calls('device_authorization')).toBe(1);
  });

  test('does not stand in the way of a new sign-in, which is in memory and says why', async (context) => {
    const { lock, unlock } = needsKeyring(context);
    await lock();
    const views = await signIn();
    const locked = 'The keychain of this computer is locked.';
    expect(views).toContainEqual(expect.objectContaining({ state: 'awaiting-approval', notShared: locked }));
    expect(views.at(-1)).toMatchObject({ state: 'signed-in', remembered: 'memory', rememberedNote: locked });
    await unlock();
    // What was remembered before is still there, and can be ended now.
    const run = await muster('sign-out');
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(run.events('signed-out')).toMatchObject([{ state: 'revoked', place: 'System keychain' }]);
    expect((await muster('sign-out')).events('signed-out')).toMatchObject([{ state: 'nothing' }]);
    expect(calls('revoke')).toBe(2);
  });
});
