import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';
import { errorOf } from './states/errors.ts';
import * as profiles from './states/profiles.ts';
import * as states from './states/stations.ts';

test('the switcher shows every profile, opens one by key, and keeps to the list when one is gone', async ({
  station,
}) => {
  await station.show(states.bench);
  await station.answer('profile.list', profiles.withOneGone);
  const { page } = station;
  const trigger = page.getByRole('button', { name: 'Profile fleet-prod, switch' });
  await trigger.focus();
  await page.keyboard.press('Enter');
  const list = page.getByRole('list', { name: 'Profiles' });
  await expect(list.getByRole('listitem')).toHaveCount(3);
  await expect(list.getByRole('button', { name: /^fleet-prod/ })).toBeDisabled();
  const gone = list.getByRole('button', { name: /^warehouse/ });
  await expect(gone).toHaveAccessibleDescription(/cannot be read/);

  await station.fail('profile.open', errorOf('STATION_PROFILE_UNREADABLE', { path: profiles.gone.path }));
  await gone.click();
  await expect(page.getByRole('region', { name: 'Notices' })).toContainText(profiles.gone.path);
  await expect(trigger).toContainText('fleet-prod');

  const { profiles: [east, west] = [] } = profiles.withOneGone;
  await station.answer('profile.forget', { profiles: [east, west].filter((one) => one !== undefined) });
  await page.getByRole('button', { name: 'Take warehouse off the list' }).click();
  await expect(list.getByRole('listitem')).toHaveCount(2);
  await expect.poll(() => station.asked('profile.forget')).toEqual([{ id: profiles.gone.id }]);

  await station.answer('profile.open', null);
  await station.answer('station.snapshot', states.signedOut);
  await list.getByRole('button', { name: /^plant west/ }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Sign in' })).toBeVisible();
  await expect(list).toBeHidden();
  await expect
    .poll(() => station.asked('profile.open'))
    .toEqual([{ id: profiles.gone.id }, { id: profiles.west.id }]);
});

test('under a running batch no other profile is opened', async ({ station }) => {
  await station.show(states.board);
  await station.answer('profile.list', profiles.withOneGone);
  const { page } = station;
  await page.getByRole('button', { name: /^Profile fleet-prod/ }).click();
  await expect(page.getByText('A batch is running. Another profile')).toBeVisible();
  await expect(page.getByRole('button', { name: /^plant west/ })).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Open a profile’s file…' })).toBeDisabled();
});

test('a start whose profile is gone says so and offers the others', async ({ station }) => {
  await station.show(states.profileGone);
  await station.answer('profile.list', profiles.withOneGone);
  await station.page.reload();
  const { page } = station;
  await expect(page.getByRole('heading', { name: 'The profile cannot be opened' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Known profiles' })).toContainText('plant west');
});

test('a client config from the first run: chosen, looked at, completed, saved and opened', async ({
  station,
}) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', { state: 'idle' });
  await station.answer('import.chooseFile', profiles.older);
  const { page } = station;
  await expect(page.getByRole('heading', { name: 'This station has no profile' })).toBeVisible();
  await page.getByRole('button', { name: 'Import a client config' }).click();
  await expect(page.getByRole('tab', { name: 'Import a client config' })).toHaveAttribute(
    'aria-selected',
    'true',
  );
  await page.getByRole('button', { name: 'Choose the file…' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'client-config.json was read' })).toBeFocused();
  const leftOut = page.getByRole('region', { name: 'What is left out' });
  await expect(leftOut).toContainText('1,204 machine users');
  const save = page.getByRole('button', { name: 'Save and open the profile' });
  await expect(save).toBeDisabled();
  await page.getByLabel('Issuer').fill('https://sso.plant-west.example');
  await page.getByLabel('NATS').fill('tls://nats.plant-west.example:4222');

  const problem = 'nats.urls[1]: names no server.';
  await station.fail('import.save', errorOf('STATION_PROFILE_INVALID', { path: 'The profile', problem }));
  await page.keyboard.press('Control+Enter');
  const region = page.getByRole('region', { name: 'Set-up' });
  await expect(region.getByRole('alert')).toContainText(problem);
  await expect(page.getByLabel('Issuer')).toHaveValue('https://sso.plant-west.example');

  await station.answer('import.save', { id: profiles.west.id });
  await station.answer('station.snapshot', states.signedOut);
  await page.getByLabel('NATS').press('Enter');
  await expect(page.getByRole('region', { name: 'Sign in' })).toBeVisible();
  await expect.poll(() => station.asked('profile.open')).toEqual([{ id: profiles.west.id }]);
  await expect
    .poll(async () => (await station.asked('import.save')).at(-1))
    .toEqual({
      ...{
        issuer: 'https://sso.plant-west.example',
        organisationId: '',
        project: 'warehouse',
        app: 'station',
      },
      ...{ natsUrls: ['tls://nats.plant-west.example:4222'], caFile: '', acceptInvalidCertificates: false },
    });
});

test('a dropped file is read by the main process, wherever on the screen it falls', async ({ station }) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', { state: 'idle' });
  await station.answer('import.read', profiles.several);
  const { page } = station;
  await page.keyboard.press('Control+6');
  await drop(station.page, 'client-config.json', '{"apps":{}}');
  await expect(page.getByText('was read. Nothing is written yet.')).toBeVisible();
  await expect
    .poll(() => station.asked('import.read'))
    .toEqual([{ fileName: 'client-config.json', text: '{"apps":{}}' }]);
  // The issuer of the file is not changed here; of several apps another can be taken.
  await expect(page.getByLabel('Issuer')).toHaveAttribute('readonly', '');
  await page.getByRole('button', { name: 'App the stations sign in with: station' }).click();
  await page.getByRole('menuitemradio', { name: /^api/ }).click();
  await expect(page.getByRole('region', { name: 'What is left out' })).toContainText('App station');
  await page.getByRole('button', { name: 'Another file' }).click();

  await drop(station.page, 'big.json', 'x'.repeat(1_048_577));
  const alert = page.getByRole('region', { name: 'Set-up' }).getByRole('alert');
  await expect(alert).toContainText('big.json: it is larger than 1 MiB.');
  await expect.poll(() => station.asked('import.read')).toHaveLength(1);
});

async function drop(page: Page, name: string, text: string): Promise<void> {
  await page.getByRole('region', { name: 'Set-up' }).evaluate(
    (target, [fileName, content]) => {
      const carried = new DataTransfer();
      carried.items.add(new File([content], fileName, { type: 'application/json' }));
      for (const kind of ['dragover', 'drop'])
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
    },
    [name, text] as const,
  );
}
