import type { Locator } from '@playwright/test';
import type { ImportView } from '#shared/model/import-view.ts';
import type { SetUpView } from '#shared/model/set-up-view.ts';
import { expect, type MockedStation } from './fixtures.ts';
import * as acts from './states/acts.ts';
import { deviceName, heldRows } from './states/batch.ts';
import { errorOf } from './states/errors.ts';
import * as profiles from './states/profiles.ts';
import * as states from './states/stations.ts';

export const goTo = (screen: string) => async (station: MockedStation) => {
  await station.page.getByRole('navigation').getByRole('button', { name: screen }).click();
};

/** Brings a part of the panel into sight, which is a drawer in a narrow window. */
export const showCause =
  (part: (station: MockedStation) => Locator) =>
  async (station: MockedStation): Promise<void> => {
    const panel = station.page.getByRole('button', { name: /^What needs you \d/ });
    if (await panel.isVisible()) await panel.click();
    await part(station).scrollIntoViewIfNeeded();
  };

export async function openDrawer(station: MockedStation): Promise<void> {
  await station.answer('device.followLog', states.log);
  await station.page.locator(`#board-${deviceName(27)}`).dblclick();
  await expect(station.page.getByRole('dialog')).toBeVisible();
}

export const openSetUp = (view: SetUpView) => async (station: MockedStation) => {
  await station.answer('setup.view', view);
  await station.page.getByRole('navigation').getByRole('button', { name: 'Set-up' }).click();
  await expect(station.page.getByRole('region', { name: 'Set-up' })).toBeVisible();
};

export const openImport =
  (view?: ImportView) =>
  async (station: MockedStation): Promise<void> => {
    await openSetUp({ state: 'idle' })(station);
    await station.answer('import.chooseFile', view ?? null);
    await station.page.getByRole('tab', { name: 'Import a client config' }).click();
    if (view === undefined) return;
    await station.page.getByRole('button', { name: 'Choose the file…' }).click();
    await expect(station.page.getByText('was read. Nothing is written yet.')).toBeVisible();
  };

export async function refuseImport(station: MockedStation): Promise<void> {
  await openImport()(station);
  const problem = 'apps.station: Invalid input: expected string, received number.';
  const details = { path: 'client-config.json', problem };
  await station.fail('import.chooseFile', errorOf('STATION_CLIENT_CONFIG_INVALID', details));
  await station.page.getByRole('button', { name: 'Choose the file…' }).click();
  await expect(station.page.getByRole('alert').filter({ hasText: 'STATION_CLIENT' })).toBeVisible();
}

export async function openSwitcher(station: MockedStation): Promise<void> {
  await station.answer('profile.list', profiles.withOneGone);
  await station.page.getByRole('button', { name: /^Profile fleet-prod/ }).click();
  await expect(station.page.getByRole('list', { name: 'Profiles' })).toContainText('cannot be opened');
}

/** The sign-in has ended, and the operator has put the question off. */
export const putSignInOff =
  (then: (station: MockedStation) => Promise<void>) =>
  async (station: MockedStation): Promise<void> => {
    await station.page.keyboard.press('Control+2');
    await station.change({
      session: states.signedOutBy('IDENTITY_SESSION_ENDED').session,
      bench: states.bench.bench.map((one, place) => ({
        ...one,
        ...(place < 3 ? ({ lastState: 'awaiting-sign-in' } as const) : {}),
        ...(place === 3 ? ({ lastState: 'decommissioned' } as const) : {}),
      })),
      rows: heldRows(),
    });
    await station.page.getByRole('button', { name: 'Not now' }).click();
    await then(station);
  };

export async function openTokenForm({ page }: MockedStation): Promise<void> {
  await page.getByRole('button', { name: 'Use an access token instead' }).click();
  await expect(page.getByLabel('Access token', { exact: true })).toBeFocused();
}

export async function refuseToken(station: MockedStation): Promise<void> {
  await openTokenForm(station);
  await station.fail(
    'session.signInWithToken',
    errorOf('IDENTITY_ROLE_MISSING', { action: 'enroll devices' }),
  );
  await station.page.getByLabel('Access token', { exact: true }).fill('pat');
  await station.page.keyboard.press('Enter');
  await expect(station.page.getByRole('form').getByRole('alert')).toContainText('IDENTITY_ROLE_MISSING');
}

export async function openAccount({ page }: MockedStation): Promise<void> {
  await page.getByRole('button', { name: /^Operator 14/ }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
}

export async function openFleet(station: MockedStation): Promise<void> {
  await station.answer('fleet.targets', acts.targets);
  await goTo('Fleet')(station);
}

export async function selectFirst(station: MockedStation): Promise<void> {
  await openFleet(station);
  await station.page.locator(`[id="fleet-${acts.firstDevice}"]`).click();
}

export async function selectLeaving(station: MockedStation): Promise<void> {
  await openFleet(station);
  await station.page.getByRole('tab', { name: /^Leaving/ }).click();
  await station.page.locator(`[id="fleet-${acts.firstDevice}"]`).click();
}

export async function chooseFive(station: MockedStation): Promise<void> {
  await openFleet(station);
  const { page } = station;
  await page.getByRole('grid', { name: 'Fleet' }).focus();
  await page.keyboard.press('Home');
  for (let row = 0; row < 4; row += 1) await page.keyboard.press('Shift+ArrowDown');
}

export async function askDecommission(station: MockedStation): Promise<void> {
  await selectFirst(station);
  await station.page.getByRole('button', { name: 'Decommission…' }).click();
  await expect(station.page.getByRole('dialog').last().getByLabel('Address of the device')).toHaveValue(
    'ssh://pi@10.20.4.0',
  );
}
