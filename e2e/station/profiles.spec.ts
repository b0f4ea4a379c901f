import fs from 'node:fs';
import path from 'node:path';
import type { ElectronApplication, Page } from '@playwright/test';
import { expect, freshFolder, invokeRaw, launchStation, snapshot, test } from './fixtures.ts';
import { signIn, startLabBehind } from './lab-behind.ts';
import { picture } from './pictures.ts';

/** The operator's answer to the system's dialog for a file, which no test can press. */
async function willChoose(app: ElectronApplication, file: string | undefined): Promise<void> {
  await app.evaluate(({ dialog }, chosen) => {
    const answer = { canceled: chosen === undefined, filePaths: chosen === undefined ? [] : [chosen] };
    dialog.showOpenDialog = async () => answer;
  }, file);
}

const profileName = async (page: Page) => (await snapshot(page)).profile?.name;
const listOf = (dir: string) => JSON.parse(fs.readFileSync(path.join(dir, 'profiles.json'), 'utf8'));

/** A profile nobody signs in with. */
function writeProfile(folder: string, name: string): string {
  const file = path.join(folder, `${name}.toml`);
  const identity = `issuer = "https://sso.${name}.invalid"\nclient_id = "1"\nproject_id = "2"`;
  fs.writeFileSync(file, `name = "${name}"\n[identity]\n${identity}\n[agent]\nbinaries = {}\n`);
  return file;
}

test('a client config of the older tooling becomes a profile that signs in and is there after a restart', async () => {
  const behind = await startLabBehind([{ name: 'one' }]);
  const { identity } = behind.lab;
  const userDataDir = freshFolder('station');
  const files = freshFolder('files');
  const older = {
    apps: { station: identity.clientId, api: '9' },
    projects: { warehouse: identity.projectId },
    machine_user_ids: { 'device-press-07': '371639797158000001', 'device-press-08': '371639797158000002' },
    user_grants: { 'device-press-07': '371639797158000003' },
    admin_token: 'canary-in-a-config-4711',
  };
  const config = path.join(files, 'client-config.json');
  let station = await launchStation({ userDataDir });
  try {
    const { page, app } = station;
    await expect(page.getByRole('heading', { name: 'This station has no profile' })).toBeVisible();
    await picture(page, 'first-run-real');
    await page.getByRole('button', { name: 'Import a client config' }).click();
    const choose = page.getByRole('button', { name: 'Choose the file…' });
    await willChoose(app, undefined);
    await choose.click();
    await expect(choose).toBeVisible();

    // Bad files: the reason, and nothing on the disk.
    const alert = page.getByRole('region', { name: 'Set-up' }).getByRole('alert');
    await willChoose(app, config);
    for (const [text, says] of [
      ['{"apps":', 'it is not JSON'],
      [JSON.stringify({ ...older, apps: { station: 7 } }), 'apps.station'],
      [JSON.stringify({ ...older, projects: {} }), 'it has no project.'],
      ['x'.repeat(1_048_577), 'it is larger than 1 MiB.'],
    ] as const) {
      fs.writeFileSync(config, text);
      await choose.click();
      await expect(alert).toContainText(says);
    }
    await willChoose(app, files);
    await choose.click();
    await expect(alert).toContainText('it cannot be read.');
    expect(fs.existsSync(path.join(userDataDir, 'profile.toml'))).toBe(false);

    // A mark before the first character, as some editors write it.
    fs.writeFileSync(config, `\uFEFF${JSON.stringify(older)}`);
    await willChoose(app, config);
    await choose.click();
    const leftOut = page.getByRole('region', { name: 'What is left out' });
    await expect(leftOut).toContainText('2 machine users');
    await expect(leftOut).toContainText('1 grant');
    await expect(leftOut).toContainText('admin_token');
    await page.getByLabel('Issuer').fill('http://sso.plant.invalid');
    const save = page.getByRole('button', { name: 'Save and open the profile' });
    await save.click();
    await expect(alert).toContainText('plain http shows the sign-in');
    await page.getByLabel('Issuer').fill(identity.issuer);
    await page.getByLabel('NATS').fill('http://no-messaging.example');
    await save.click();
    await expect(alert).toContainText('STATION_PROFILE_INVALID');
    expect(fs.existsSync(path.join(userDataDir, 'profile.toml'))).toBe(false);
    await page.getByLabel('NATS').fill(behind.lab.nats.url);
    await picture(page, 'import-real');
    await save.click();
    await expect.poll(() => profileName(page)).toBe('warehouse');
    await signIn(app, page);
    const written = fs.readFileSync(path.join(userDataDir, 'profile.toml'), 'utf8');
    expect(written).not.toContain('canary');
    expect(fs.readFileSync(path.join(userDataDir, 'profiles.json'), 'utf8')).not.toContain('canary');
    await station.close();

    station = await launchStation({ userDataDir });
    await expect.poll(() => profileName(station.page)).toBe('warehouse');
  } finally {
    await station.close();
    await behind.stop();
    for (const folder of [userDataDir, files]) fs.rmSync(folder, { recursive: true, force: true });
  }
});

test('profiles are switched, remembered, explained when they are gone, and outdone by the command line', async () => {
  const userDataDir = freshFolder('station');
  const files = freshFolder('files');
  const [east, west, given] = ['east', 'west', 'given'].map((name) => writeProfile(files, name));
  const listFile = path.join(userDataDir, 'profiles.json');
  let station = await launchStation({ userDataDir });
  try {
    const { page, app } = station;
    for (const [file, name] of [
      [east, 'east'],
      [west, 'west'],
    ] as const) {
      await willChoose(app, file);
      await page.getByRole('button', { name: /^Profile .*switch$/ }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Open a profile’s file…' }).click();
      await expect.poll(() => profileName(page)).toBe(name);
    }
    expect(listOf(userDataDir)).toMatchObject({ last: west, profiles: [{ name: 'east' }, { name: 'west' }] });
    expect(fs.statSync(listFile).mode & 0o077).toBe(0);

    // A file that is no profile: the reason, and the open one stays.
    fs.writeFileSync(path.join(files, 'bad.toml'), 'name = "bad"\n[identity]\n');
    await willChoose(app, path.join(files, 'bad.toml'));
    const before = fs.readFileSync(listFile, 'utf8');
    await page.getByRole('button', { name: /^Profile west/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Open a profile’s file…' }).click();
    await expect(page.getByRole('region', { name: 'Notices' })).toContainText('bad.toml');
    expect(await profileName(page)).toBe('west');
    expect(fs.readFileSync(listFile, 'utf8')).toBe(before);
    // The window names a profile by the list alone.
    expect(await invokeRaw(page, 'profile.open', JSON.stringify({ id: '0123456789abcdef' }))).toMatchObject({
      error: { code: 'STATION_REQUEST_INVALID' },
    });
    expect(await invokeRaw(page, 'profile.open', JSON.stringify({ id: east }))).toMatchObject({
      error: { code: 'STATION_REQUEST_INVALID' },
    });
    await station.close();

    station = await launchStation({ userDataDir });
    await expect.poll(() => profileName(station.page)).toBe('west');
    await station.close();

    // What the command line names is open for this run, and not written down.
    station = await launchStation({ userDataDir, args: [`--profile=${given}`] });
    await expect.poll(() => profileName(station.page)).toBe('given');
    expect(fs.readFileSync(listFile, 'utf8')).toBe(before);
    await station.close();

    // The last one is gone: said where the eye is, and the other one click away.
    fs.rmSync(west ?? '');
    station = await launchStation({ userDataDir });
    const gone = station.page;
    await expect(gone.getByRole('heading', { name: 'The profile cannot be opened' })).toBeVisible();
    const known = gone.getByRole('region', { name: 'Known profiles' });
    await expect(known).toContainText('cannot be opened');
    await picture(gone, 'profile-gone-real');
    await known.getByRole('button', { name: /^east/ }).click();
    await expect.poll(() => profileName(gone)).toBe('east');
    await gone.getByRole('button', { name: 'Profile east, switch' }).click();
    await gone.getByRole('button', { name: 'Take west off the list' }).click();
    await expect.poll(() => listOf(userDataDir)).toMatchObject({ last: east, profiles: [{ name: 'east' }] });
    await station.close();

    // A list that nobody can read costs no start: it is put aside, and said.
    station = await launchStation({
      userDataDir,
      prepare: () => fs.writeFileSync(listFile, '{"version":1,"prof'),
    });
    await expect(station.page.getByText(/could not be understood and begins anew/)).toBeVisible();
    expect(fs.existsSync(`${listFile}.unreadable`)).toBe(true);
  } finally {
    await station.close();
    for (const folder of [userDataDir, files]) fs.rmSync(folder, { recursive: true, force: true });
  }
});
