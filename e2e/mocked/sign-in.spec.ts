import type { Locator } from '@playwright/test';
import { settled } from '../screens/settled.ts';
import { expect, type MockedStation, test } from './fixtures.ts';
import { row } from './states/batch.ts';
import { errorOf } from './states/errors.ts';
import * as states from './states/stations.ts';

/** The form in which an access token is handed in, opened from the panel. */
async function openTokenForm({ page }: MockedStation) {
  await page.getByRole('button', { name: 'Use an access token instead' }).click();
  const form = page.getByRole('form', { name: 'Sign in with an access token' });
  await expect(form.getByLabel('Access token', { exact: true })).toBeFocused();
  return {
    form,
    field: form.getByLabel('Access token', { exact: true }),
    submit: form.getByRole('button', { name: 'Check and sign in' }),
  };
}

const expired = states.signedOutBy('IDENTITY_CODE_EXPIRED').session;

test('the sign-in shows code, page and time, and its buttons ask the station', async ({ station }) => {
  await station.show(states.signIn);
  const { page } = station;
  await expect(page.getByLabel('Code W D J B - M J H T')).toBeVisible();
  await expect(page.getByTestId('sign-in-page')).toHaveText('sso.plant-east.example:8443/device');
  await expect(page.getByText('Code valid for 3:37')).toBeVisible();
  await expect(page.getByRole('img', { name: /^QR code of/ })).toBeVisible();
  await page.getByRole('button', { name: 'Open browser again' }).click();
  await page.getByRole('button', { name: 'Copy address' }).click();
  await page.keyboard.press('Escape');
  for (const channel of ['session.openBrowser', 'session.copyAddress', 'session.cancel'] as const) {
    await expect.poll(() => station.asked(channel), { message: channel }).toEqual([null]);
  }
});

test('a new code ends the old sign-in first, and strikes the old code until the new one is there', async ({
  station,
}) => {
  await station.show(states.signIn);
  const { page } = station;
  await page.getByRole('button', { name: 'New code' }).click();
  await expect(page.getByLabel('Expired code W D J B - M J H T')).toBeVisible();
  await expect.poll(() => station.asked('session.cancel')).toEqual([null]);
  // One sign-in at a time: as long as the old one is not over, the station would give no new one.
  expect(await station.asked('session.signIn')).toEqual([]);
  await station.change({ session: { state: 'signed-out' } });
  await expect.poll(() => station.asked('session.signIn')).toEqual([null]);
  await station.change({ session: { ...states.awaiting, userCode: 'BCDF-GHJK' } });
  await expect(page.getByLabel('Code B C D F - G H J K', { exact: true })).toBeVisible();
});

test('an expired code is struck, and one press fetches a new one', async ({ station }) => {
  await station.show(states.signIn);
  const { page } = station;
  await station.change({ session: expired });
  await expect(page.getByLabel('Expired code W D J B - M J H T')).toBeVisible();
  await expect(page.getByRole('img', { name: /^QR code/ })).toHaveCount(0);
  await expect(
    page.getByRole('status').filter({ hasText: 'The code has expired. Get a new code.' }),
  ).toHaveCount(1);
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => station.asked('session.signIn')).toEqual([null]);
});

test('a code that ran out is not offered on, also while the provider says nothing', async ({ station }) => {
  await station.show({
    ...states.signIn,
    session: { ...states.awaiting, expiresAt: states.awaiting.requestedAt + 1 },
  });
  await expect(station.page.getByRole('button', { name: 'Get a new code' })).toBeVisible();
  await expect(station.page.getByRole('button', { name: 'Open browser again' })).toHaveCount(0);
});

test('a browser that did not open is said and spoken', async ({ station }) => {
  const { browserOpened: _unknown, ...asking } = states.awaiting;
  await station.show({ ...states.signIn, session: asking });
  const { page } = station;
  await expect(page.getByText('Your browser is being opened.')).toBeVisible();
  await station.change({ session: { ...asking, browserOpened: false } });
  await expect(
    page.getByText('The browser did not open. Use any phone or computer: open the page'),
  ).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'The browser did not open.' })).toHaveCount(1);
});

test('a sign-in of another window is waited for, and the operator may sign in here instead', async ({
  station,
}) => {
  await station.show({ ...states.signIn, session: { state: 'starting' } });
  await station.change({ session: states.otherSignsIn.session });
  const { page } = station;
  await expect(page.getByTestId('other-signs-in')).toContainText('1:23');
  await expect(
    page.getByRole('status').filter({ hasText: 'Another Muster on this computer is signing in.' }),
  ).toHaveCount(1);
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => station.asked('session.signInHere')).toEqual([null]);
  await page.keyboard.press('Escape');
  await expect.poll(() => station.asked('session.cancel')).toEqual([null]);
  await station.change({ session: states.signedIn });
  await expect(page.getByRole('grid', { name: 'Devices on the bench' })).toBeVisible();
});

test('that this sign-in is not shared is said and spoken', async ({ station }) => {
  await station.show({ ...states.signIn, session: { state: 'starting' } });
  await station.change({ session: states.notShared.session });
  const says = 'Other windows and the command line sign in by themselves';
  await expect(station.page.getByRole('region', { name: 'Sign in' }).getByText(says)).toBeVisible();
  await expect(station.page.getByRole('status').filter({ hasText: says })).toHaveCount(1);
});

test('a wrong clock and a sign-out that was not heard tell what to do', async ({ station }) => {
  await station.show(states.clockSkew);
  const alert = station.page.getByRole('region', { name: 'Sign in' }).getByRole('alert');
  await expect(alert).toContainText('The clock of this computer is 7 minutes behind the clock of');
  await expect(alert).toContainText('Set the clock of this computer forward by 7 minutes');
  await station.change({ session: states.notRevoked.session });
  await expect(alert).toContainText('You are signed out here.');
  await expect(alert).toContainText('until 20:34');
  await expect(station.page.getByRole('button', { name: 'Sign in', exact: true }).first()).toBeVisible();
});

test('a keychain that kept the sign-in is told with its entry and how to delete it', async ({ station }) => {
  await station.show(states.notForgotten);
  const alert = station.page.getByRole('region', { name: 'Sign in' }).getByRole('alert');
  await expect(alert).toContainText('still keeps the sign-in of Operator 14: System keychain.');
  await expect(alert).toContainText('secret-tool clear service Muster username');
  await expect(
    station.page
      .getByRole('region', { name: 'Sign in' })
      .getByRole('button', { name: 'Sign in', exact: true }),
  ).toBeVisible();
});

test('asking for a code can be cancelled', async ({ station }) => {
  await station.show({ ...states.signIn, session: { state: 'starting' } });
  await station.page.getByRole('region', { name: 'Sign in' }).getByRole('button', { name: 'Cancel' }).click();
  await expect.poll(() => station.asked('session.cancel')).toEqual([null]);
});

for (const [code, says, word] of [
  ['IDENTITY_SIGN_IN_DENIED', 'The sign-in was denied on the page.', 'Get a new code'],
  ['IDENTITY_UNREACHABLE', 'Nothing answers at https://sso.plant-east.example:8443.', 'Try again'],
  ['IDENTITY_SESSION_ENDED', 'The sign-in is no longer valid.', 'Sign in again'],
] as const) {
  test(`${code} is told with cause, remedy and one button`, async ({ station }) => {
    await station.show(states.signedOutBy(code));
    const { page } = station;
    const alert = page.getByRole('region', { name: 'Sign in' }).getByRole('alert');
    const { cause, operatorDoes } = errorOf(code);
    for (const text of [says, code, cause, operatorDoes]) await expect(alert).toContainText(text);
    await page.getByRole('button', { name: word, exact: true }).click();
    await expect.poll(() => station.asked('session.signIn')).toEqual([null]);
    await alert.getByRole('button', { name: 'Copy evidence' }).click();
    await expect.poll(async () => JSON.stringify(await station.asked('device.copyEvidence'))).toContain(code);
  });
}

test('after the sign-in the Bench comes by itself, and who is signed in is spoken', async ({ station }) => {
  await station.show(states.signIn);
  const { page } = station;
  await station.change({ session: states.signedIn });
  await expect(page.getByRole('grid', { name: 'Devices on the bench' })).toBeVisible();
  await expect(
    page.getByRole('button', { name: /Operator 14 Plant East signed in, 6 h 41 min left/ }),
  ).toBeVisible();
  await expect(
    page.getByRole('status').filter({ hasText: 'Signed in as Operator 14, Plant East. Remembered.' }),
  ).toHaveCount(1);
});

test('the account tells organisation, provider, end and memory, and signs out by keyboard', async ({
  station,
}) => {
  await station.show(states.bench);
  const { page } = station;
  await page.getByRole('button', { name: /^Operator 14/ }).focus();
  await page.keyboard.press('Enter');
  const account = page.getByRole('dialog', { name: 'Operator 14' });
  for (const text of [
    'Plant East',
    'sso.plant-east.example:8443',
    'by itself, next before',
    'Secret Service, GNOME Keyring',
    'Signing out revokes the sign-in and removes it from the keychain.',
  ]) {
    await expect(account).toContainText(text);
  }
  await expect(account.getByRole('button', { name: 'Sign out' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect.poll(() => station.asked('session.signOut')).toEqual([null]);
});

test('a sign-in that is not remembered says until when and why', async ({ station }) => {
  const why = 'The keychain of this computer does not answer.';
  await station.show({
    ...states.bench,
    session: { ...states.signedIn, remembered: 'memory', rememberedNote: why, renewable: false },
  });
  const { page } = station;
  await page.getByRole('button', { name: /^Operator 14/ }).click();
  const account = page.getByRole('dialog', { name: 'Operator 14' });
  await expect(account).toContainText(`Until Muster closes. ${why}`);
  await expect(account).toContainText('then sign in again');
  await expect(account).not.toContainText('keychain.');
});

test('a sign-in that ends under a batch asks once for all devices, and goes on with those it stopped', async ({
  station,
}) => {
  await station.show(states.board);
  const { page } = station;
  await page.keyboard.press('Control+2');
  const error = errorOf('IDENTITY_SESSION_ENDED', {}, 'identity');
  const stopped = [38, 39].map((position) =>
    row({ ...({ position, state: 'failed', at: 'identity', stepState: 'failed' } as const), error }),
  );
  await station.change({
    session: { state: 'signed-out', error },
    rows: Object.fromEntries(stopped.map((one) => [one.deviceId, one])),
  });
  const dialog = page.getByRole('dialog', { name: 'Sign in to go on' });
  await expect(dialog).toHaveCount(1);
  await expect(dialog).toContainText('2 devices stopped for it and 9 devices are not done yet.');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => station.asked('session.signIn')).toEqual([null]);
  await expect(page.getByRole('region', { name: 'Sign in' })).toBeVisible();
  await expect(dialog).toBeHidden();
  await station.change({ session: states.awaiting });
  await station.change({ session: states.signedIn });
  await expect(page.getByRole('grid', { name: 'Devices of the batch' })).toBeVisible();
  await expect
    .poll(() => station.asked('batch.retry'))
    .toEqual([{ deviceIds: stopped.map((one) => one.deviceId) }]);
});

test('going on can be put off, and is not asked for again', async ({ station }) => {
  await station.show(states.board);
  const { page } = station;
  await page.keyboard.press('Control+2');
  await station.change({ session: { state: 'signed-out' } });
  const dialog = page.getByRole('dialog', { name: 'Sign in to go on' });
  await dialog.getByRole('button', { name: 'Not now' }).click();
  await expect(dialog).toBeHidden();
  await station.change({ session: { state: 'signed-out' } });
  await expect(dialog).toBeHidden();
  expect(await station.asked('batch.retry')).toEqual([]);
});

test('nobody signs out under a running batch', async ({ station }) => {
  await station.show(states.board);
  const { page } = station;
  await page.getByRole('button', { name: /^Operator 14/ }).click();
  const account = page.getByRole('dialog', { name: 'Operator 14' });
  await expect(account).toContainText('A batch is running with this sign-in.');
  await expect(account.getByRole('button', { name: 'Sign out' })).toBeDisabled();
});

test('an access token is handed over once, and is in the page no more', async ({ station }) => {
  await station.show(states.signedOut);
  const { page } = station;
  const { form, field, submit } = await openTokenForm(station);
  await expect(field).toHaveAttribute('type', 'password');
  await expect(submit).toBeDisabled();
  await expect(form.getByLabel('Remember it on this computer')).not.toBeChecked();
  const place = () => settled(page, () => submit.boundingBox());
  const before = await place();
  await station.fail('session.signInWithToken', errorOf('IDENTITY_TOKEN_REFUSED', { variable: 'the field' }));
  await field.fill('pat-canary-4711');
  await page.keyboard.press('Enter');
  const alert = form.getByRole('alert');
  await expect(alert).toContainText('IDENTITY_TOKEN_REFUSED');
  await expect(alert).toContainText('The identity provider does not accept the token of the field.');
  await expect(field).toHaveValue('');
  await expect(field).toBeFocused();
  expect(await place(), 'nothing has moved').toEqual(before);
  expect(await page.content()).not.toContain('pat-canary-4711');
  await alert.getByRole('button', { name: 'Copy evidence' }).click();
  expect(JSON.stringify(await station.asked('device.copyEvidence'))).not.toContain('pat-canary-4711');

  await station.answer('session.signInWithToken', null);
  await field.fill(' pat-canary-4712 ');
  await form.getByLabel('Remember it on this computer').check();
  await page.keyboard.press('Control+Enter');
  await expect
    .poll(() => station.asked('session.signInWithToken'))
    .toEqual([
      { token: 'pat-canary-4711', remember: false },
      { token: ' pat-canary-4712 ', remember: true },
    ]);
  await expect(alert).toHaveCount(0);
  await station.change({ session: states.byToken });
  await expect(page.getByRole('grid', { name: 'Devices on the bench' })).toBeVisible();
  await expect(
    page.getByRole('status').filter({ hasText: 'Signed in as muster-admin, Plant East. Not remembered.' }),
  ).toHaveCount(1);
  expect(await page.content()).not.toContain('pat-canary');
});

test('the token is asked for in place of a code, and Escape goes back to one', async ({ station }) => {
  await station.show(states.signIn);
  const { page } = station;
  await page.getByRole('button', { name: 'Use an access token instead' }).click();
  await expect.poll(() => station.asked('session.cancel')).toEqual([null]);
  await expect(page.getByRole('form', { name: 'Sign in with an access token' })).toHaveCount(0);
  await station.change({ session: { state: 'signed-out' } });
  await expect(page.getByLabel('Access token', { exact: true })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('form', { name: 'Sign in with an access token' })).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'Sign in' })).toBeFocused();
  // Nobody was being asked any more: there was nothing to cancel.
  await expect.poll(() => station.asked('session.cancel')).toEqual([null]);
  // A code that is asked for elsewhere ends it too.
  await openTokenForm(station);
  await station.change({ session: { state: 'starting' } });
  await expect(page.getByText('Asking for a code.')).toBeVisible();
  await station.change({ session: { state: 'signed-out' } });
  await expect(page.getByRole('region', { name: 'Sign in' })).toContainText('Your browser opens');
  await expect(page.getByRole('form', { name: 'Sign in with an access token' })).toHaveCount(0);
});

test('a token is not remembered where the profile or the keychain forbids it, and why is said', async ({
  station,
}) => {
  await station.show(states.noTokensKept);
  const policy = await openTokenForm(station);
  await expect(policy.form).toContainText('Not remembered: the profile has no access token kept');
  await expect(policy.form.getByRole('checkbox')).toHaveCount(0);
  const placeOf = (submit: Locator) => settled(station.page, () => submit.boundingBox());
  const without = await placeOf(policy.submit);
  await station.show(states.signedOut);
  const offered = await openTokenForm(station);
  await expect(offered.form.getByRole('checkbox')).toHaveCount(1);
  expect(await placeOf(offered.submit), 'the same place either way').toEqual(without);
  await station.show({ ...states.signedOut, lamps: states.notForgotten.lamps });
  const closed = await openTokenForm(station);
  await expect(closed.form).toContainText('Not remembered: The keychain did not answer.');
});

test('the account of a token says that it is not renewed, and that a sign-out does not revoke it', async ({
  station,
}) => {
  await station.show({ ...states.bench, session: states.byToken });
  const { page } = station;
  await page.getByRole('button', { name: /^muster-admin Plant East signed in by a token/ }).click();
  const account = page.getByRole('dialog', { name: 'muster-admin' });
  for (const text of [
    'when the provider ends the access token',
    'Until Muster closes. The access token was pasted without asking to remember it.',
    'Signing out forgets the access token. It was not issued for Muster, so it is not revoked.',
  ])
    await expect(account).toContainText(text);
});
