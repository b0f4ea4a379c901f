import { rmSync } from 'node:fs';
import { expect, freshFolder, launchStation, snapshot, test } from './fixtures.ts';
import { signIn, startLabBehind } from './lab-behind.ts';

test('a restarted station goes on with its sign-in out of the keychain', async () => {
  const behind = await startLabBehind([{ name: 'one' }]);
  const userDataDir = freshFolder('station');
  const args = [`--profile=${behind.lab.profilePath}`];
  const first = await launchStation({ args, userDataDir });
  try {
    await signIn(first.app, first.page);
    const before = await snapshot(first.page);
    expect(before.session).toMatchObject({ state: 'signed-in', remembered: 'keychain' });
    await first.close();
    const codes = (): number =>
      behind.lab.identity
        .inspect()
        .requests.filter((request) => request.path.includes('device_authorization')).length;
    const codesBefore = codes();
    const second = await launchStation({ args, userDataDir });
    try {
      await expect.poll(async () => (await snapshot(second.page)).session.state).toBe('signed-in');
      expect(codes()).toBe(codesBefore);
    } finally {
      await second.close();
    }
  } finally {
    await behind.stop();
    rmSync(userDataDir, { recursive: true, force: true });
  }
});

test('a computer without a keychain says so before anybody signs in', async () => {
  const behind = await startLabBehind([{ name: 'one' }]);
  const station = await launchStation({
    args: [`--profile=${behind.lab.profilePath}`],
    env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' },
  });
  try {
    await expect
      .poll(async () => (await snapshot(station.page)).lamps.keychain)
      .toMatchObject({ state: 'attention', word: 'not available' });
    await expect(station.page.getByText('System keychain is open')).toHaveCount(0);
  } finally {
    await station.close();
    await behind.stop();
  }
});
