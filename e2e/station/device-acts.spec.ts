import { expect, launchStation, snapshot, test } from './fixtures.ts';
import { signIn, startLabBehind } from './lab-behind.ts';
import { picture } from './pictures.ts';

test('an enrolled device gets a new key and then leaves the fleet, both in the window', async () => {
  const behind = await startLabBehind([{ name: 'one' }, { name: 'two' }]);
  const { lab } = behind;
  const station = await launchStation({ args: [`--profile=${lab.profilePath}`] });
  const { app, page } = station;
  const user = () => lab.identity.inspect().users.find((one) => one.userName === 'device-one' && one.live);
  const liveKeys = () => {
    const { keys } = lab.identity.inspect();
    return keys.filter((key) => key.live && key.userId === user()?.id).map((key) => key.id);
  };
  const stateOf = async (deviceId: string) => (await snapshot(page)).rows[deviceId]?.state;
  const heard = async () => (await snapshot(page)).fleet.one;
  try {
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect(page.getByText('2 devices on the bench')).toBeVisible();
    await signIn(app, page);
    await page.getByRole('button', { name: 'Enroll batch (2)' }).click();
    await expect.poll(() => stateOf('one')).toBe('enrolled');
    await expect.poll(() => stateOf('two')).toBe('enrolled');
    await expect.poll(liveKeys).toEqual([expect.any(String)]);
    const [before = ''] = liveKeys();

    // The end of the key stands in the table, from the enrollment; the provider is asked for the exact words.
    await page.getByRole('navigation').getByRole('button', { name: 'Fleet' }).click();
    const fleet = page.getByRole('grid', { name: 'Fleet' });
    await expect(fleet.locator('[id="fleet-one"] [data-key-level]')).toContainText(
      /in \d+ (days|months|years)/,
    );
    await fleet.locator('[id="fleet-one"]').click();
    const key = page.getByRole('region', { name: 'Machine key' });
    await expect(key).toContainText(/Ends in \d+/);

    // Rotated from the panel: the provider has one live key, another one, and the agent reports with it.
    const panel = page.getByRole('complementary', { name: 'Device' });
    await panel.getByRole('button', { name: 'Rotate key…' }).click();
    const question = page.getByRole('dialog', { name: 'New key for one' });
    await expect(question).toContainText('1 device reached');
    expect(liveKeys()).toEqual([before]);
    await picture(page, 'rotate-lab-dark');
    await question.getByRole('button', { name: 'Rotate the key' }).click();
    await expect(page.getByRole('grid', { name: 'Devices of the batch' })).toBeVisible();
    await expect.poll(async () => (await snapshot(page)).batch?.rotatesKeys).toBe(true);
    await expect.poll(() => stateOf('one')).toBe('enrolled');
    await expect.poll(liveKeys).toEqual([expect.any(String)]);
    const [after = ''] = liveKeys();
    expect(after).not.toBe(before);
    await expect.poll(async () => (await heard())?.keyId).toBe(after);
    const revision = (await heard())?.revision ?? 0;
    await expect.poll(async () => (await heard())?.revision).toBeGreaterThan(revision);
    await expect
      .poll(async () => (await snapshot(page)).keys?.one)
      .toMatchObject({ standing: 'registered', keyId: after });

    // Decommissioned from the device screen, after its id was typed.
    const board = page.getByRole('grid', { name: 'Devices of the batch' });
    await board.locator('[id="board-one"]').dblclick();
    const drawer = page.getByRole('dialog').first();
    await drawer.getByRole('button', { name: 'Decommission…' }).click();
    const ask = page.getByRole('dialog', { name: 'Decommission one' });
    await expect(ask.getByLabel('Address of the device')).toHaveValue(/^ssh:\/\//);
    const decommission = ask.getByRole('button', { name: 'Decommission the device' });
    await ask.getByLabel(/^Type/).fill('two');
    await expect(decommission).toBeDisabled();
    expect(user()).toBeDefined();
    await ask.getByLabel(/^Type/).fill('one');
    await decommission.click();
    await expect(ask).toContainText('one is out of the fleet.');
    await picture(page, 'decommission-lab-dark');
    expect([user(), liveKeys()]).toEqual([undefined, []]);
    const { grants } = lab.identity.inspect();
    expect(grants.filter((grant) => grant.live)).toHaveLength(1);
    expect(
      (await snapshot(page)).decommissions?.one?.findings.map(({ what, state }) => `${what} ${state}`),
    ).toEqual(['keys deleted', 'account deleted', 'device deleted', 'entry deleted', 'records gone']);
    await ask.getByRole('button', { name: 'Close' }).click();
    await expect(ask).toBeHidden();
    await expect(drawer.getByRole('region', { name: 'Machine key' })).toContainText('Decommissioned');
    await page.keyboard.press('Escape');

    // The fleet tells it as such, and the other device goes on.
    await page.getByRole('navigation').getByRole('button', { name: 'Fleet' }).click();
    await expect(fleet.locator('[id="fleet-one"]')).toContainText('Decommissioned');
    await expect(fleet.locator('[id="fleet-two"]')).toContainText('Online');
    await picture(page, 'fleet-decommissioned-lab-dark');
  } finally {
    await station.close();
    await behind.stop();
  }
});
