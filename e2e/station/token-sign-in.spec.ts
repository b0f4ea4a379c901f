import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { createHttpClient } from '#shared/adapters/http/http.ts';
import { silentLogger } from '#shared/adapters/log/logger.ts';
import { createSignInClient } from '#shared/adapters/oidc/sign-in-client.ts';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import type { Lab } from '../lab/lab.ts';
import { expect, freshFolder, invokeRaw, launchStation, snapshot, test } from './fixtures.ts';
import { keepOpenedPages, startLabBehind } from './lab-behind.ts';
import { picture } from './pictures.ts';

const fieldOf = (page: Page) => page.getByLabel('Access token', { exact: true });

async function handIn(page: Page, token: string): Promise<void> {
  await fieldOf(page).fill(token);
  await page.keyboard.press('Enter');
}

/** An access token that was issued to another program, for the lab's operator. */
async function accessTokenOf({ identity, profilePath }: Lab): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  const http = createHttpClient({ clock: systemClock });
  try {
    const client = createSignInClient({
      ...{ profile: await loadProfile(profilePath, signal), http },
      ...{ clock: systemClock, logger: silentLogger },
    });
    const { accessToken } = await client.signIn(
      ({ userCode }) => void identity.control.decideSignIn({ userCode }),
      signal,
    );
    return accessToken.reveal();
  } finally {
    http.close();
  }
}

/** Everything the station has written into its folder. */
function written(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('an access token that is pasted is checked, enrolls, is remembered only on request, and is never revoked', async () => {
  const behind = await startLabBehind([{ name: 'one' }]);
  const { lab } = behind;
  const { adminToken, powerlessToken } = lab.identity;
  const userDataDir = freshFolder('station');
  const args = [`--profile=${lab.profilePath}`];
  const revocations = (): number => lab.identity.inspect().calls['POST /oauth/v2/revoke'] ?? 0;
  const first = await launchStation({ args, userDataDir });
  const { page } = first;
  const session = async () => (await snapshot(page)).session;
  const form = page.getByRole('form', { name: 'Sign in with an access token' });
  try {
    await page.getByRole('button', { name: 'Use an access token instead' }).click();
    await handIn(page, 'not-a-token');
    await expect(form.getByRole('alert')).toContainText('IDENTITY_TOKEN_REFUSED');
    await handIn(page, powerlessToken);
    await expect(form.getByRole('alert')).toContainText('IDENTITY_ROLE_MISSING');
    expect(await session()).toEqual({ state: 'signed-out' });
    await picture(page, 'token-refused-real');

    // For now alone: it enrolls, and is gone with the sign-out. NATS of the lab reads JWTs only.
    const operatorToken = await accessTokenOf(lab);
    await handIn(page, operatorToken);
    await expect.poll(session).toMatchObject({
      ...{ state: 'signed-in', account: lab.identity.operator.loginName, handedIn: true },
      ...{ remembered: 'memory', renewable: false, expiresAt: expect.any(Number) },
    });
    await page.getByRole('button', { name: 'Enroll batch (1)' }).click();
    await expect
      .poll(async () => Object.values((await snapshot(page)).rows).map((row) => row.state), {
        timeout: 90_000,
      })
      .toEqual(['enrolled']);
    await page.getByRole('button', { name: /signed in, \d.* left$/ }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect.poll(session).toEqual({ state: 'signed-out' });
    await expect(
      page.getByText(`The access token of ${lab.identity.operator.loginName} is forgotten here.`),
    ).toBeVisible();
    // It was left as it is.
    expect(revocations()).toBe(0);

    // In place of a code that is asked for already, and remembered: the next start asks for nothing.
    await keepOpenedPages(first.app);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(page.getByTestId('user-code')).toBeVisible();
    await page.getByRole('button', { name: 'Use an access token instead' }).click();
    await page.getByLabel('Remember it on this computer').check();
    await handIn(page, adminToken);
    await expect.poll(session).toMatchObject({
      state: 'signed-in',
      remembered: 'keychain',
      account: expect.stringContaining('muster-admin'),
    });
    expect((await session()) as object).not.toHaveProperty('expiresAt');
    await expect(page.getByRole('button', { name: /signed in by a token/ })).toBeVisible();
    expect(await page.content()).not.toContain(adminToken);
    expect(first.consoleTexts.join('\n')).not.toContain(adminToken);
  } finally {
    await first.close();
  }
  const second = await launchStation({ args, userDataDir });
  try {
    await expect
      .poll(async () => (await snapshot(second.page)).session)
      .toMatchObject({ state: 'signed-in', handedIn: true });
    expect(await invokeRaw(second.page, 'session.signOut', 'null')).toMatchObject({ ok: true });
    await expect
      .poll(async () => (await snapshot(second.page)).notices.at(-1)?.text)
      .toContain('so it was not revoked');
    expect(revocations()).toBe(0);
  } finally {
    await second.close();
  }
  const third = await launchStation({ args, userDataDir });
  try {
    await expect.poll(async () => (await snapshot(third.page)).lamps.keychain.state).toBe('ok');
    expect((await snapshot(third.page)).session).toEqual({ state: 'signed-out' });
    // Files of a running station come and go while they are read.
    await third.close();
    for (const token of [adminToken, powerlessToken, 'not-a-token']) {
      for (const station of [first, second, third]) expect(station.output()).not.toContain(token);
      expect(written(userDataDir)).not.toContain(token);
    }
  } finally {
    await third.close();
    await behind.stop();
    rmSync(userDataDir, { recursive: true, force: true });
  }
});

test('a profile without a token cache does not offer to remember a token, and refuses to', async () => {
  const behind = await startLabBehind([{ name: 'one' }]);
  const profile = path.join(path.dirname(behind.lab.profilePath), 'no-cache.toml');
  const text = readFileSync(behind.lab.profilePath, 'utf8');
  writeFileSync(profile, text.replace('[identity]', '[identity]\ntoken_cache = "no-cache"'));
  const station = await launchStation({ args: [`--profile=${profile}`] });
  const { page } = station;
  try {
    await page.getByRole('button', { name: 'Use an access token instead' }).click();
    await expect(page.getByText('Not remembered: the profile has no access token kept')).toBeVisible();
    await expect(page.getByRole('checkbox')).toHaveCount(0);
    const asked = { token: behind.lab.identity.adminToken, remember: true };
    expect(await invokeRaw(page, 'session.signInWithToken', JSON.stringify(asked))).toMatchObject({
      ok: false,
      error: { code: 'STATION_REQUEST_INVALID' },
    });
    for (const odd of [{ token: '', remember: false }, { token: 'x' }, { token: 7, remember: false }]) {
      const answer = await invokeRaw(page, 'session.signInWithToken', JSON.stringify(odd));
      expect(answer, JSON.stringify(odd)).toMatchObject({ ok: false });
    }
    expect((await snapshot(page)).session).toEqual({ state: 'signed-out' });
  } finally {
    await station.close();
    await behind.stop();
  }
});
