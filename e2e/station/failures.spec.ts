import { expect, launchStation, snapshot, test } from './fixtures.ts';
import { signIn, startLabBehind } from './lab-behind.ts';
import { picture } from './pictures.ts';

test('each bad device is explained with its remedy, and a password entered beside the cause repairs it', async () => {
  const behind = await startLabBehind([
    { name: 'good-1' },
    { name: 'asks-1', faults: ['sudo-password'] },
    { name: 'asks-2', faults: ['sudo-password'] },
    { name: 'off', faults: ['unreachable'] },
    { name: 'good-2' },
  ]);
  const station = await launchStation({ args: [`--profile=${behind.lab.profilePath}`] });
  const { app, page } = station;
  try {
    await page.emulateMedia({ colorScheme: 'light' });
    await expect(page.getByText('5 devices on the bench')).toBeVisible();
    await signIn(app, page);
    await page.getByRole('button', { name: 'Enroll batch (5)' }).click();
    const states = async (): Promise<Record<string, string>> =>
      Object.fromEntries(Object.values((await snapshot(page)).rows).map((row) => [row.deviceId, row.state]));
    await expect.poll(states).toEqual({
      'good-1': 'enrolled',
      'good-2': 'enrolled',
      'asks-1': 'failed',
      'asks-2': 'failed',
      off: 'failed',
    });

    const needs = page.getByRole('complementary', { name: 'What needs you' });
    await expect(needs.getByRole('region', { name: 'sudo asks for a password' })).toContainText('asks-1');
    await expect(needs.getByRole('region', { name: 'Device does not answer' })).toContainText(
      'Check its power and cable',
    );
    await picture(page, 'board-failures-light');
    // No stack trace and no object dump reaches the screen.
    await expect(page.locator('body')).not.toContainText(/\bat .+\.(ts|js):\d+|\[object/);

    // The drawer of a failed device: sentence, remedy, code, steps, and the log with the exact commands.
    await page
      .getByRole('grid', { name: 'Devices of the batch' })
      .getByText('off', { exact: true })
      .dblclick();
    const drawer = page.getByRole('dialog');
    await expect(drawer).toContainText('DEVICE_UNREACHABLE');
    await expect(drawer.getByRole('region', { name: 'Log' })).toContainText('ssh ssh://pi@127.0.0.1');
    await picture(page, 'drawer-light');
    await page.keyboard.press('Escape');
    await expect(drawer).toBeHidden();

    const sudo = needs.getByRole('region', { name: 'sudo asks for a password' });
    await sudo.getByRole('textbox').or(sudo.locator('input[type=password]')).first().fill('rehearsal');
    await sudo.getByRole('button', { name: 'Retry 2' }).click();
    await expect.poll(states).toMatchObject({ 'asks-1': 'enrolled', 'asks-2': 'enrolled', off: 'failed' });
    // The password is gone from the page and was never in what the engine published.
    expect((await page.content()).includes('rehearsal')).toBe(false);
    expect(JSON.stringify(await snapshot(page)).includes('rehearsal')).toBe(false);
    await picture(page, 'board-repaired-light');
  } finally {
    await station.close();
    await behind.stop();
  }
});
