import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, freshFolder, invokeRaw, launchStation, snapshot, test } from './fixtures.ts';
import { signIn, startLabBehind } from './lab-behind.ts';
import { picture } from './pictures.ts';

test('from an administrator’s token to a station that signs in, without a profile before', async () => {
  const behind = await startLabBehind([{ name: 'one' }]);
  const userDataDir = freshFolder('station');
  const station = await launchStation({ userDataDir });
  const { app, page } = station;
  const { identity } = behind.lab;
  try {
    await page.getByRole('button', { name: 'Set up the identity provider' }).click();
    await page.getByLabel('Issuer').fill(identity.issuer);
    // Refused first: a token without rights of its own changes nothing, and says so.
    await page.getByLabel('Access token of an administrator').fill('not-a-token');
    await page.keyboard.press('Enter');
    const region = page.getByRole('region', { name: 'Set-up' });
    await expect(region.getByRole('alert')).toContainText('IDENTITY_');
    await expect(page.getByLabel('Issuer')).toHaveValue(identity.issuer);

    await page.getByLabel('Access token of an administrator').fill(identity.adminToken);
    await page.keyboard.press('Enter');
    const found = page.getByRole('region', { name: 'What the token may do' });
    await expect(found).toContainText('The token may do all');
    await expect(found).toContainText('muster-admin');
    await expect(found).toContainText(identity.orgId);
    await expect(found).toContainText('API v2');
    await page.getByLabel('Project').fill('second plant');
    await page.getByRole('button', { name: 'Add a machine user' }).click();
    await page.getByLabel('Name of machine user 1').fill('nats-auth');
    await page.getByLabel('Roles of machine user 1').fill('device, callout');
    await picture(page, 'set-up-names-real');
    await page.getByRole('button', { name: 'Run the set-up' }).first().click();
    await expect(page.getByText(/The provider is set up, \d+ changes\./)).toBeVisible();
    await picture(page, 'set-up-done-real');

    // The token went with the run: who runs again enters it again.
    await page.getByRole('button', { name: 'Run again' }).click();
    const secret = page.getByLabel('Access token of an administrator');
    await expect(secret).toBeFocused();
    await page.keyboard.type(identity.adminToken);
    await page.keyboard.press('Enter');
    await expect(page.getByLabel('Project')).toHaveValue('second plant');
    await page.getByRole('button', { name: 'Run the set-up' }).first().click();
    await expect(page.getByText('Everything is already there. Nothing was changed.')).toBeVisible();
    const user = identity.inspect().users.find(({ userName }) => userName === 'nats-auth');
    expect(identity.inspect().grants).toContainEqual(
      expect.objectContaining({ userId: user?.id, roleKeys: ['device', 'callout'] }),
    );
    const keyFile = path.join(userDataDir, 'keys', 'nats-auth.json');
    expect(statSync(keyFile).mode & 0o077).toBe(0);

    await page.getByRole('button', { name: 'Open this profile' }).click();
    await expect.poll(async () => (await snapshot(page)).profile?.issuer).toBe(identity.issuer);
    await signIn(app, page);
    // The token is in the window no more, in no file, and nothing of the processes printed it.
    expect(await page.content()).not.toContain(identity.adminToken);
    expect(station.output()).not.toContain(identity.adminToken);
    for (const name of ['profile.toml', 'client-config.json', 'keys/nats-auth.json']) {
      const file = path.join(userDataDir, name);
      expect(existsSync(file), name).toBe(true);
      expect(readFileSync(file, 'utf8'), name).not.toContain(identity.adminToken);
    }
  } finally {
    await station.close();
    await behind.stop();
    rmSync(userDataDir, { recursive: true, force: true });
  }
});

test('the administrator’s token is forgotten when the screen is left, and when the page is loaded anew', async () => {
  test.setTimeout(180_000);
  const behind = await startLabBehind([{ name: 'one' }]);
  const userDataDir = freshFolder('station');
  const station = await launchStation({ userDataDir });
  const { page } = station;
  const { identity } = behind.lab;
  const secret = page.getByLabel('Access token of an administrator');
  const found = page.getByRole('region', { name: 'What the token may do' });
  const names = {
    ...{ project: 'fleet', deviceApp: 'a', apiApp: 'b', roles: [], machineUsers: [], natsUrls: [] },
    folder: path.join(userDataDir, 'out'),
  };
  const check = async () => {
    await page.getByLabel('Issuer').fill(identity.issuer);
    await secret.fill(identity.adminToken);
    await page.keyboard.press('Enter');
    await expect(found).toContainText('The token may do all', { timeout: 20_000 });
  };
  const isForgotten = async () => {
    const mutations = { ...identity.inspect().mutations };
    expect(await invokeRaw(page, 'setup.run', JSON.stringify(names))).toMatchObject({
      ...{ ok: false, error: { code: 'STATION_REQUEST_INVALID' } },
    });
    expect(identity.inspect().mutations).toEqual(mutations);
    expect(existsSync(names.folder)).toBe(false);
  };
  try {
    await page.getByRole('button', { name: 'Set up the identity provider' }).click();
    await check();
    await page.keyboard.press('Control+1');
    await expect(found).toBeHidden();
    await isForgotten();
    await page.keyboard.press('Control+6');
    await expect(secret).toHaveAccessibleDescription(/^Forgotten, because this screen was left/);
    await expect(page.getByLabel('Issuer')).toHaveValue(identity.issuer);

    await check();
    await page.reload();
    await expect(page.locator('main')).not.toContainText('Asking the engine');
    await isForgotten();
    await page.keyboard.press('Control+6');
    await expect(secret).toHaveAccessibleDescription(/^Forgotten, because this screen was left/);
  } finally {
    await station.close();
    await behind.stop();
    rmSync(userDataDir, { recursive: true, force: true });
  }
});
