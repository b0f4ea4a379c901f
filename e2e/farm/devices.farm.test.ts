import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from './commands.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { ssh } from './ssh-command.ts';

/** Two devices of different releases, booted side by side, and everything that can happen to them. */
describe.skipIf(!farmAvailable().ok)('devices of the farm', () => {
  let first: FarmDevice;
  let second: FarmDevice;
  beforeAll(async () => {
    [first, second] = await Promise.all([
      startFarmDevice({ name: 'device-12' }),
      startFarmDevice({ name: 'device-13', suite: 'trixie', packages: 'installed' }),
    ]);
  });
  afterAll(async () => {
    await first?.stop();
    await second?.stop();
  });

  const bootId = async (device: FarmDevice) =>
    (await device.exec('cat /proc/sys/kernel/random/boot_id')).stdout.trim();
  const shownKey = (device: FarmDevice) => must('ssh-keyscan', ['-T', '60', '-t', 'ed25519', device.address]);

  test('are of two releases, with and without the container packages, and without Python', async () => {
    const look = '. /etc/os-release; echo $VERSION_ID; command -v podman python3';
    expect((await first.exec(look)).stdout).toBe('12\n');
    expect((await second.exec(look)).stdout).toBe('13\n/usr/bin/podman\n');
    for (const device of [first, second]) {
      expect((await device.exec('systemctl --failed --no-legend')).stdout).toBe('');
    }
  });

  test('answer at IPv4 and IPv6, and by name over mDNS', async () => {
    expect((await ssh(second, 'hostname', { address: second.addressV6 })).stdout).toBe('device-13\n');
    const found = await first.exec('getent ahostsv4 device-13.local | head -n 1');
    expect(found.stdout).toMatch(new RegExp(`^${second.address} `));
  });

  test('come back from a reboot with another boot and the same everything else', async () => {
    const before = await bootId(first);
    await first.exec('echo kept > /root/kept');
    await first.reboot();
    expect(await bootId(first)).not.toBe(before);
    expect((await ssh(first, 'sudo cat /root/kept')).stdout).toBe('kept\n');
    expect(await shownKey(first)).toContain(first.hostKey);
  });

  test('come back by themselves when something on them reboots', async () => {
    const before = await bootId(second);
    await ssh(second, 'sudo systemctl reboot');
    await expect
      .poll(
        async () =>
          (await second.exec('cat /proc/sys/kernel/random/boot_id').catch(() => undefined))?.stdout.trim() ??
          before,
        { timeout: 60_000 },
      )
      .not.toBe(before);
  });

  test('lose power at once and keep what they wrote', async () => {
    await first.exec('systemd-run --quiet sh -c "trap : TERM; sleep 1000"');
    await first.exec('echo written > /root/written');
    await first.powerCut();
    expect((await ssh(first, 'true')).code).toBe(255);
    await first.start();
    expect((await first.exec('cat /root/written')).stdout).toBe('written\n');
  });

  test('are deaf behind a cut link, and connections survive a short one', async () => {
    const open = ssh(first, 'sleep 5; echo survived');
    // By the process's own name: a pattern would also match the shell that looks, and cut the link before the login.
    await expect.poll(async () => (await first.exec('pgrep -x sleep')).code, { timeout: 60_000 }).toBe(0);
    await first.cutLink();
    expect((await ssh(first, 'true', { options: ['-o', 'ConnectTimeout=3'] })).code).toBe(255);
    await first.restoreLink();
    expect(await open).toMatchObject({ code: 0, stdout: 'survived\n' });
  });

  test('show another host key when told to, and their own again with a fresh disk', async () => {
    const own = first.hostKey;
    const changed = await first.changeHostKey();
    expect(changed).not.toBe(own);
    expect(await shownKey(first)).toContain(changed);
    const machineId = (await first.exec('cat /etc/machine-id')).stdout;
    await first.reset();
    expect(await shownKey(first)).toContain(own);
    expect(first.hostKey).toBe(own);
    expect((await first.exec('cat /etc/machine-id; ls /root')).stdout).not.toContain(machineId.trim());
    expect((await first.exec('ls /root')).stdout).toBe('');
  });

  test('answer at a second address as the same device', async () => {
    const more = await first.addAddress();
    expect((await ssh(first, 'hostname', { address: more })).stdout).toBe('device-12\n');
  });
});
