import type { StationState } from '#shared/model/station-state.ts';
import { expect, type MockedStation } from './fixtures.ts';
import {
  askDecommission,
  chooseFive,
  goTo,
  openAccount,
  openDrawer,
  openFleet,
  openImport,
  openSetUp,
  openSwitcher,
  openTokenForm,
  putSignInOff,
  refuseImport,
  refuseToken,
  selectFirst,
  selectLeaving,
  showCause,
} from './scene-acts.ts';
import * as acts from './states/acts.ts';
import { clockRows, deviceName, hostKeyRow, mixedRows, passphraseRows } from './states/batch.ts';
import { errorOf } from './states/errors.ts';
import * as profiles from './states/profiles.ts';
import * as setUp from './states/set-up.ts';
import * as states from './states/stations.ts';

export interface Scene {
  readonly name: string;
  readonly state: StationState;
  readonly arrange?: (station: MockedStation) => Promise<void>;
}

/** Every screen in every state that looks its own way. */
export const scenes: readonly Scene[] = [
  { name: 'sign-in', state: states.signIn },
  { name: 'signed-out', state: states.signedOut },
  { name: 'sign-in-failed', state: states.signInFailed },
  {
    name: 'sign-in-no-browser',
    state: { ...states.signIn, session: { ...states.awaiting, browserOpened: false } },
  },
  {
    name: 'sign-in-expired',
    state: states.signIn,
    arrange: (station) => station.change({ session: states.signedOutBy('IDENTITY_CODE_EXPIRED').session }),
  },
  { name: 'sign-in-denied', state: states.signedOutBy('IDENTITY_SIGN_IN_DENIED') },
  { name: 'sign-in-no-answer', state: states.signedOutBy('IDENTITY_UNREACHABLE') },
  { name: 'sign-in-other', state: states.otherSignsIn },
  { name: 'sign-in-not-shared', state: states.notShared },
  { name: 'sign-in-clock-skew', state: states.clockSkew },
  { name: 'sign-out-not-revoked', state: states.notRevoked },
  { name: 'sign-out-not-forgotten', state: states.notForgotten },
  { name: 'sign-in-asking', state: { ...states.signIn, session: { state: 'starting' } } },
  { name: 'sign-in-token', state: states.signedOut, arrange: openTokenForm },
  { name: 'sign-in-token-not-kept', state: states.noTokensKept, arrange: openTokenForm },
  { name: 'sign-in-token-refused', state: states.signedOut, arrange: refuseToken },
  { name: 'account', state: states.bench, arrange: openAccount },
  {
    name: 'account-token',
    state: { ...states.bench, session: states.byToken },
    arrange: ({ page }) => page.getByRole('button', { name: /^muster-admin/ }).click(),
  },
  {
    name: 'account-not-remembered',
    state: {
      ...states.insecure,
      session: {
        ...{ ...states.signedIn, remembered: 'memory', renewable: false },
        rememberedNote: 'The keychain of this computer does not answer.',
      },
    },
    arrange: openAccount,
  },
  {
    name: 'sign-in-to-go-on',
    state: states.board,
    arrange: async (station) => {
      await station.page.keyboard.press('Control+2');
      await station.change({ session: states.signedOutBy('IDENTITY_SESSION_ENDED').session });
      await expect(station.page.getByRole('dialog')).toBeVisible();
    },
  },
  {
    name: 'board-awaiting-sign-in',
    state: states.board,
    arrange: putSignInOff(showCause(({ page }) => page.getByRole('region', { name: 'Waits for a sign-in' }))),
  },
  {
    name: 'drawer-awaiting-sign-in',
    state: states.board,
    arrange: putSignInOff(async (station) => {
      await station.answer('device.followLog', states.log);
      const row = station.page.locator(`#board-${deviceName(43)}`);
      // Rows take their new order until the pointer is among them; only then is a row where it seems to be.
      await expect(async () => {
        await row.click();
        await expect(row).toHaveAttribute('aria-selected', 'true', { timeout: 500 });
      }).toPass();
      await station.page.keyboard.press('Enter');
      await expect(station.page.getByRole('dialog')).toContainText('Waits for a sign-in');
    }),
  },
  {
    name: 'bench-awaiting-sign-in',
    state: states.board,
    arrange: putSignInOff(async ({ page }) => {
      await page.keyboard.press('Control+1');
      await expect(page.getByText('Left the fleet').first()).toBeVisible();
    }),
  },
  { name: 'bench', state: states.bench },
  {
    name: 'bench-this-computer',
    state: {
      ...states.bench,
      bench: [
        { rowId: 'own', deviceId: 'press-07', target: 'local://', address: 'this computer' },
        ...states.bench.bench,
      ],
    },
  },
  { name: 'bench-empty', state: states.quiet },
  { name: 'insecure', state: states.insecure },
  {
    name: 'bench-editing',
    state: states.bench,
    arrange: async ({ page }) => {
      await page.getByTestId('scan').fill('batch7-051');
      await page.getByTestId('scan').press('Enter');
      await page.locator('#bench-r4').dblclick();
      await page.getByTestId('id-editor').fill('batch7_055');
    },
  },
  {
    name: 'add-address',
    state: states.bench,
    arrange: async ({ page }) => {
      await page.getByRole('button', { name: 'Add address' }).click();
      await page.getByLabel('Address', { exact: true }).fill('ssh://pi@10.20.4.180');
      await page.getByLabel('Device id', { exact: true }).fill('Batch7');
    },
  },
  {
    name: 'board',
    state: states.board,
    arrange: async ({ page }) => {
      await page.locator(`#board-${deviceName(27)}`).click();
      await page.mouse.move(5, 500);
    },
  },
  {
    name: 'board-clock',
    state: { ...states.board, rows: { ...mixedRows(), ...clockRows() } },
    arrange: showCause(({ page }) => page.getByRole('button', { name: /^Set the clock/ })),
  },
  {
    name: 'board-passphrase',
    state: { ...states.board, rows: { ...mixedRows(), ...passphraseRows() } },
    arrange: showCause(({ page }) => page.getByLabel('Passphrase of the key')),
  },
  {
    name: 'drawer-host-key',
    state: { ...states.board, rows: { ...mixedRows(), ...hostKeyRow() } },
    arrange: async (station) => {
      await openDrawer(station);
      await station.page.getByRole('button', { name: 'Trust the new key…' }).click();
    },
  },
  { name: 'set-up', state: states.noProfile, arrange: openSetUp({ state: 'idle' }) },
  {
    name: 'set-up-refused',
    state: states.noProfile,
    arrange: async (station) => {
      await openSetUp({ state: 'idle' })(station);
      await station.fail('setup.check', errorOf('IDENTITY_CERTIFICATE_REFUSED', { issuer: setUp.issuer }));
      await station.page.getByLabel('Issuer').fill(setUp.issuer);
      await station.page.getByLabel('Access token of an administrator').fill('pat');
      await station.page.keyboard.press('Enter');
      await expect(station.page.getByRole('alert').filter({ hasText: 'IDENTITY' })).toBeVisible();
    },
  },
  {
    name: 'set-up-names',
    state: states.noProfile,
    arrange: async (station) => {
      await openSetUp(setUp.ready)(station);
      const { page } = station;
      await page.getByRole('button', { name: 'Add a machine user' }).click();
      await expect(page.getByLabel('Name of machine user 1')).toBeFocused();
      await page.keyboard.type('nats-auth');
      await page.getByLabel('Roles of machine user 1').fill('device, callout');
      await page.getByRole('button', { name: 'Add a machine user' }).click();
      await expect(page.getByLabel('Name of machine user 2')).toBeFocused();
      await page.keyboard.type('device-7');
    },
  },
  { name: 'set-up-few-rights', state: states.noProfile, arrange: openSetUp(setUp.fewRights) },
  { name: 'import', state: states.noProfile, arrange: openImport() },
  { name: 'import-refused', state: states.noProfile, arrange: refuseImport },
  { name: 'import-read', state: states.noProfile, arrange: openImport(profiles.older) },
  { name: 'import-several', state: states.insecure, arrange: openImport(profiles.several) },
  { name: 'profiles', state: states.bench, arrange: openSwitcher },
  { name: 'profiles-insecure', state: states.insecure, arrange: openSwitcher },
  {
    name: 'profile-gone',
    state: states.profileGone,
    arrange: async (station) => {
      await station.answer('profile.list', profiles.lastOneGone);
      await station.page.getByRole('button', { name: 'Prepare the bench first' }).click();
      await station.page.getByRole('button', { name: /^Profile none/ }).click();
      await expect(station.page.getByRole('list', { name: 'Profiles' })).toContainText('cannot be opened');
    },
  },
  { name: 'set-up-running', state: states.noProfile, arrange: openSetUp(setUp.running) },
  { name: 'set-up-done', state: states.noProfile, arrange: openSetUp(setUp.done) },
  { name: 'set-up-failed', state: states.noProfile, arrange: openSetUp(setUp.failed) },
  {
    name: 'set-up-failed-token-gone',
    state: states.noProfile,
    arrange: openSetUp({ ...setUp.failed, forgotten: 'unused' }),
  },
  {
    name: 'set-up-token-gone',
    state: states.noProfile,
    arrange: async (station) => {
      await openSetUp({ state: 'idle', forgotten: 'left' })(station);
      await station.page.getByLabel('Issuer').fill(setUp.issuer);
    },
  },
  { name: 'first-run', state: states.noProfile },
  { name: 'board-empty', state: states.quiet, arrange: goTo('Board') },
  { name: 'drawer', state: states.board, arrange: openDrawer },
  {
    name: 'fleet',
    state: states.fleet,
    arrange: async (station) => {
      await goTo('Fleet')(station);
      await station.page.locator('[id="fleet-batch1-000"]').click();
    },
  },
  { name: 'fleet-keys', state: acts.keyed, arrange: chooseFive },
  {
    name: 'fleet-key-order',
    state: acts.keyed,
    arrange: async (station) => {
      await openFleet(station);
      await station.page.getByRole('button', { name: 'Stale first' }).click();
      await station.page.getByRole('menuitemradio', { name: 'Key end first' }).click();
      await station.page.mouse.move(5, 500);
    },
  },
  {
    name: 'rotate-one',
    state: acts.keyed,
    arrange: async (station) => {
      await selectFirst(station);
      await station.page.getByRole('button', { name: 'Rotate key…' }).click();
      await expect(station.page.getByRole('dialog').last()).toContainText('1 device reached');
    },
  },
  {
    name: 'rotate-many',
    state: acts.keyed,
    arrange: async (station) => {
      await chooseFive(station);
      await station.answer('fleet.targets', acts.manyTargets);
      await station.page.getByRole('button', { name: 'Rotate 5 keys…' }).click();
      await expect(station.page.getByRole('dialog')).toContainText('2 stay out');
    },
  },
  { name: 'decommission', state: acts.keyed, arrange: askDecommission },
  {
    name: 'decommission-running',
    state: acts.keyed,
    arrange: async (station) => {
      await askDecommission(station);
      const dialog = station.page.getByRole('dialog').last();
      await dialog.getByLabel(/^Type/).fill(acts.firstDevice);
      await station.page.keyboard.press('Enter');
      await station.change({ decommissions: { [acts.firstDevice]: acts.leavingNow } });
      await expect(dialog.getByTestId('decommission-run')).toBeVisible();
    },
  },
  {
    name: 'decommission-left-partly',
    state: acts.after(acts.leftPartly),
    arrange: async (station) => {
      await selectFirst(station);
      await station.page.getByRole('button', { name: 'Go on…' }).click();
      await expect(station.page.getByRole('dialog').last()).toContainText('Likely cause');
    },
  },
  { name: 'fleet-decommissioned', state: acts.after(acts.leftWhole), arrange: selectLeaving },
  { name: 'fleet-left-partly', state: acts.after(acts.leftPartly), arrange: selectFirst },
  {
    name: 'fleet-still-reports',
    state: acts.reportsOn,
    arrange: selectFirst,
  },
  {
    name: 'drawer-key',
    state: { ...states.board, keys: { [deviceName(27)]: acts.key(12, { born: 'device' }) } },
    arrange: openDrawer,
  },
  {
    name: 'keys',
    state: states.bench,
    arrange: ({ page }) => page.getByRole('button', { name: 'Keys', exact: true }).click(),
  },
];
