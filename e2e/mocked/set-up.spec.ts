import { expect, test } from './fixtures.ts';
import { errorOf } from './states/errors.ts';
import * as setUp from './states/set-up.ts';
import * as states from './states/stations.ts';

const token = 'lab-admin-pat-canary-4711';

test('a first start without a profile leads to the set-up', async ({ station }) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', { state: 'idle' });
  const { page } = station;
  await page.getByRole('button', { name: 'Set up the identity provider' }).click();
  await expect(page.getByRole('heading', { name: 'Set up the identity provider' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Set-up' })).toHaveAttribute('aria-current', 'page');
  await page.keyboard.press('Control+1');
  await page.keyboard.press('Control+6');
  await expect(page.getByRole('heading', { name: 'Set up the identity provider' })).toBeVisible();
});

test('the token is handed over once, and a refusal keeps all else as typed', async ({ station }) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', { state: 'idle' });
  const { page } = station;
  await page.keyboard.press('Control+6');
  const issuer = page.getByLabel('Issuer');
  const secret = page.getByLabel('Access token of an administrator');
  await issuer.fill('sso.plant-east.example');
  await expect(page.getByText('An address begins with https://.')).toBeVisible();
  await issuer.fill(setUp.issuer);
  await expect(secret).toHaveAttribute('type', 'password');
  await secret.fill(token);
  await station.fail('setup.check', errorOf('IDENTITY_CERTIFICATE_REFUSED', { issuer: setUp.issuer }));
  await page.keyboard.press('Enter');
  const alert = page.getByRole('region', { name: 'Set-up' }).getByRole('alert');
  await expect(alert).toContainText('IDENTITY_CERTIFICATE_REFUSED');
  await expect(alert).toContainText(errorOf('IDENTITY_CERTIFICATE_REFUSED').operatorDoes);
  await expect(issuer).toHaveValue(setUp.issuer);
  await expect(secret).toHaveValue('');
  await secret.fill(token);
  await station.answer('setup.check', setUp.ready);
  await page.getByLabel(/^CA file/).fill('/etc/ssl/plant-ca.pem');
  await page.keyboard.press('Control+Enter');
  const found = page.getByRole('region', { name: 'What the token may do' });
  await expect(found).toContainText('fleet-admin@plant-east.example');
  await expect(found).toContainText('Plant East, 371639797157900001');
  await expect(found).toContainText(`${setUp.issuer}, API v2`);
  await expect
    .poll(() => station.asked('setup.check'))
    .toMatchObject([
      { issuer: setUp.issuer, token, caFile: '' },
      { issuer: setUp.issuer, token, caFile: '/etc/ssl/plant-ca.pem' },
    ]);
  expect(await page.content()).not.toContain(token);
});

test('names have defaults, wrong ones are told in their place, and the run gets them all', async ({
  station,
}) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', setUp.ready);
  const { page } = station;
  await page.keyboard.press('Control+6');
  const run = page.getByRole('button', { name: 'Run the set-up' }).first();
  const add = page.getByRole('button', { name: 'Add a machine user' });
  await add.click();
  const first = page.getByLabel('Name of machine user 1');
  await expect(first).toBeFocused();
  await page.keyboard.type('device-7');
  await expect(page.getByText('device-7: letters')).toBeVisible();
  await expect(first).toHaveAccessibleDescription(/^device-7: letters/);
  await expect(run).toBeDisabled();
  await first.fill('nats-auth');
  await page.getByLabel('Roles of machine user 1').fill('callout, a=b');
  await expect(page.getByText('a=b: no spaces and no "=".')).toBeVisible();
  await page.getByLabel('Roles of machine user 1').fill('callout, operator');
  await add.click();
  await expect(page.getByLabel('Name of machine user 2')).toBeFocused();
  await page.keyboard.type('nats-auth');
  await expect(page.getByText('nats-auth is there twice.')).toBeVisible();
  await expect(run).toBeDisabled();
  await page.getByLabel('Name of machine user 2').fill('collector');
  await add.click();
  await expect(page.getByLabel('Name of machine user 3')).toBeFocused();
  await page.keyboard.type('gone');
  await page.getByRole('button', { name: 'Remove machine user gone' }).click();
  await expect(add).toBeFocused();
  await page.getByLabel('Further roles').fill('operator, viewer');
  await page.getByLabel('NATS', { exact: true }).fill('tls://nats.plant-east.example:4222');
  await run.click();
  await expect
    .poll(() => station.asked('setup.run'))
    .toEqual([
      {
        ...{ project: 'fleet', deviceApp: 'Muster station', apiApp: 'Muster API' },
        roles: ['operator', 'viewer'],
        machineUsers: [
          { name: 'nats-auth', roles: ['callout', 'operator'] },
          { name: 'collector', roles: ['device'] },
        ],
        natsUrls: ['tls://nats.plant-east.example:4222'],
        folder: '/home/line/.config/Muster',
      },
    ]);
});

test('the run is told line by line, ends in the profile, and a second run changes nothing', async ({
  station,
}) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', setUp.running);
  const { page } = station;
  await page.keyboard.press('Control+6');
  const lines = page.getByRole('table', { name: 'What the set-up did' });
  await expect(lines).toContainText('Looking for the next');
  await station.send('setup.changed', setUp.done);
  await expect(lines.getByRole('row').filter({ hasText: 'Muster station' })).toContainText('changed');
  await expect(lines).not.toContainText('Looking for the next');
  await expect(
    page.getByRole('status').filter({ hasText: 'The provider is set up, 9 changes.' }),
  ).toBeVisible();
  await lines.getByRole('button', { name: 'Copy the id of fleet' }).click();
  await expect.poll(() => station.asked('device.copyEvidence')).toEqual([{ text: '371639797157987125' }]);
  await expect(page.getByText('The token is forgotten. To run again, enter it again.')).toBeVisible();
  await page.getByRole('button', { name: 'Run again' }).click();
  expect(await station.asked('setup.run')).toEqual([]);
  const secret = page.getByLabel('Access token of an administrator');
  await expect(secret).toBeFocused();
  await expect(secret).toHaveAccessibleDescription(/^Forgotten with the end of the run/);
  await expect(page.getByLabel('Issuer')).toHaveValue(setUp.issuer);
  await station.answer('setup.check', setUp.ready);
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Run the set-up' }).first().click();
  await expect.poll(() => station.asked('setup.run')).toHaveLength(1);
  const already = setUp.items.map((item) => ({ ...item, state: 'already' as const }));
  await station.send('setup.changed', { ...setUp.done, items: already, changes: 0 });
  await expect(page.getByText('Everything is already there. Nothing was changed.')).toBeVisible();
  await station.answer('station.snapshot', states.signedOut);
  await page.getByRole('button', { name: 'Open this profile' }).click();
  await expect(page.getByRole('region', { name: 'Sign in' })).toBeVisible();
  await expect.poll(() => station.asked('setup.openProfile')).toEqual([null]);
});

test('a run that stops says why, and goes on with the same names', async ({ station }) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', setUp.failed);
  const { page } = station;
  await page.keyboard.press('Control+6');
  const region = page.getByRole('region', { name: 'Set-up' });
  await expect(region.getByRole('alert')).toContainText('IDENTITY_UNREACHABLE');
  await region.getByRole('button', { name: 'Change the names' }).click();
  await page.getByLabel('Project').fill('warehouse');
  await page.keyboard.press('Enter');
  await expect.poll(() => station.asked('setup.run')).toMatchObject([{ project: 'warehouse' }]);
});

test('the token goes with the screen, and is asked for again in its place', async ({ station }) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', { state: 'idle' });
  const { page } = station;
  const secret = page.getByLabel('Access token of an administrator');
  const check = page.getByRole('button', { name: 'Check the token' }).first();
  await page.keyboard.press('Control+6');
  await expect(secret).toBeVisible();
  const [fieldBefore, buttonBefore] = [await secret.boundingBox(), await check.boundingBox()];
  await station.send('setup.changed', setUp.ready);
  await expect(secret).toBeHidden();
  const gone = { state: 'idle', forgotten: 'left' } as const;
  await station.answer('setup.leaveScreen', gone);
  await station.answer('setup.view', gone);
  await page.keyboard.press('Control+1');
  await expect.poll(() => station.asked('setup.leaveScreen')).toEqual([null]);
  await page.keyboard.press('Control+6');
  await expect(secret).toBeFocused();
  await expect(secret).toHaveAccessibleDescription(
    'Forgotten, because this screen was left. Enter it again.',
  );
  expect([await secret.boundingBox(), await check.boundingBox()]).toEqual([fieldBefore, buttonBefore]);
});

test('a failed run whose token is gone asks for it, and nothing moves when it goes', async ({ station }) => {
  await station.show(states.noProfile);
  await station.answer('setup.view', setUp.failed);
  const { page } = station;
  await page.keyboard.press('Control+6');
  const again = page.getByRole('button', { name: 'Try again' });
  const change = page.getByRole('button', { name: 'Change the names' });
  await expect(page.getByText('The token is held until this screen is left.')).toBeVisible();
  const before = [await again.boundingBox(), await change.boundingBox()];
  await station.send('setup.changed', { ...setUp.failed, forgotten: 'unused' });
  await expect(page.getByText('The token is forgotten. To run again, enter it again.')).toBeVisible();
  expect([await again.boundingBox(), await change.boundingBox()]).toEqual(before);
  const secret = page.getByLabel('Access token of an administrator');
  for (const button of [again, change]) {
    await button.click();
    await expect(secret).toBeFocused();
    await expect(secret).toHaveAccessibleDescription(/^Forgotten after 15 minutes without use/);
    await station.send('setup.changed', { ...setUp.failed, forgotten: 'unused' });
    await expect(again).toBeVisible();
  }
  // Where names are changed meanwhile, the token is asked for at once.
  await station.send('setup.changed', setUp.failed);
  await change.click();
  await expect(page.getByRole('button', { name: 'Run the set-up' }).first()).toBeVisible();
  await station.send('setup.changed', { ...setUp.failed, forgotten: 'unused' });
  await expect(secret).toBeFocused();
  expect(await station.asked('setup.run')).toEqual([]);
});

test('no profile is opened under a running batch', async ({ station }) => {
  await station.show(states.board);
  await station.answer('setup.view', setUp.done);
  await station.page.keyboard.press('Control+6');
  await expect(station.page.getByRole('button', { name: 'Open this profile' })).toBeDisabled();
});
