import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from './commands.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { ssh } from './ssh-command.ts';

const available = farmAvailable();
if (!available.ok) process.stdout.write(`*** SKIPPED: real devices. ${available.reason} ***\n`);

describe.skipIf(!available.ok)('a real device', () => {
  let device: FarmDevice;
  let bootSeconds = 0;
  beforeAll(async () => {
    const startedAt = performance.now();
    device = await startFarmDevice({ name: 'bench-01' });
    bootSeconds = (performance.now() - startedAt) / 1_000;
  });
  afterAll(() => device?.stop());

  test('boots Debian 12 with systemd in seconds', async () => {
    process.stdout.write(`booted in ${bootSeconds.toFixed(1)} s\n`);
    expect((await device.exec('cat /etc/os-release')).stdout).toMatch(/VERSION_ID="12"/);
    expect((await device.exec('systemctl is-system-running')).stdout.trim()).toMatch(/^(running|degraded)$/);
  });

  test('answers SSH with its own host key to a user who may use sudo', async () => {
    expect(await ssh(device, 'id -un; sudo -n id -un; hostname')).toMatchObject({
      code: 0,
      stdout: 'pi\nroot\nbench-01\n',
    });
    const scanned = await must('ssh-keyscan', ['-T', '60', '-t', 'ed25519', device.address]);
    expect(scanned).toContain(device.hostKey);
  });

  test('sees the station and nothing else', async () => {
    expect((await device.exec('ip route')).stdout.trim()).toMatch(/^10\.83\.0\.0\/24 dev eth0/);
    expect((await device.exec('ip route show default')).stdout).toBe('');
    expect(await must('ip', ['route', 'show', 'default'])).toBe('');
  });

  test('offers the container packages without a network', async () => {
    const packages = 'podman systemd-container uidmap slirp4netns dbus-user-session';
    const { code, stdout } = await ssh(
      device,
      `sudo apt-get update -qq && apt-get install --simulate ${packages}`,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Inst podman /m);
    expect((await device.exec('command -v podman')).code).not.toBe(0);
  });

  test('stops cleanly, and a second one of the same name starts afresh', async () => {
    await device.exec('touch /root/was-here');
    await device.stop();
    expect(await must('ip', ['netns', 'list'])).toBe('');
    // Ends with 1 where it finds nothing.
    await expect(must('findmnt', ['--noheadings', '--source', 'muster-device'])).rejects.toThrow(
      'ended with 1:',
    );
    device = await startFarmDevice({ name: 'bench-01' });
    expect((await device.exec('test -e /root/was-here')).code).toBe(1);
    expect((await ssh(device, 'true')).code).toBe(0);
  });
});
