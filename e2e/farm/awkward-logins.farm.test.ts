import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AwkwardBatch, enrollAwkward } from './awkward-batch.ts';
import { devicePassword } from './base-recipe.ts';
import { farmAvailable } from './farm.ts';

/** How a station gets in, and over what. Each is enrolled and not only logged in to. */
const devices = {
  'as-root': { packages: 'installed', suite: 'trixie', conditions: ['root-login'] },
  'other-port': { packages: 'installed', conditions: ['port-2222'] },
  'over-ipv6': { packages: 'installed', suite: 'trixie', over: 'ipv6' },
  prompted: { packages: 'installed', conditions: ['keyboard-interactive'] },
  'pi-board': { packages: 'installed', conditions: ['raspberry-pi'] },
  flaky: { packages: 'installed', suite: 'trixie', conditions: ['flaky-link'] },
  denied: { packages: 'installed', suite: 'trixie', conditions: ['sudo-denied'] },
} as const;

describe.skipIf(!farmAvailable().ok)('a real Debian, enrolled in one batch,', () => {
  let batch: AwkwardBatch<keyof typeof devices>;

  beforeAll(async () => {
    batch = await enrollAwkward(devices, AbortSignal.timeout(900_000));
  }, 900_000);
  afterAll(() => batch?.stop(), 300_000);

  const retry = async (
    name: keyof typeof devices,
    secret: { readonly sshPassword: string } | { readonly sudoPassword: string },
  ): Promise<void> => {
    const { station } = batch.fixture.station;
    await station.handle('batch.retry', { deviceIds: [name], ...secret });
    await station.whenBatchIdle();
  };

  test('as root, on another port and over IPv6 ends enrolled', async () => {
    await batch.expectEnrolled('as-root');
    expect(batch.row('as-root').target).toMatch(/^ssh:\/\/root@/);
    await batch.expectEnrolled('other-port');
    expect(batch.row('other-port').address).toBe(`${batch.device('other-port').address}:2222`);
    await batch.expectEnrolled('over-ipv6');
    expect(batch.row('over-ipv6').address).toBe(`[${batch.device('over-ipv6').addressV6}]`);
  });

  test('that asks by keyboard-interactive is refused without a password, and enrolled with it', async () => {
    await batch.expectRefused('prompted', 'DEVICE_LOGIN_REFUSED');
    expect(batch.row('prompted').error?.secretNeeded).toBe('ssh-password');
    await retry('prompted', { sshPassword: devicePassword });
    await batch.expectEnrolled('prompted');
  }, 400_000);

  test('with the marks of a Raspberry Pi shows model and serial number', async () => {
    await batch.expectEnrolled('pi-board');
    expect(batch.row('pi-board').facts).toMatchObject({
      model: 'Raspberry Pi 4 Model B Rev 1.5',
      ...{ serial: '10000000a3b4c5d6', architecture: 'x86_64' },
    });
  });

  test('behind a link that loses frames, and all of them for seconds, ends enrolled at the first attempt', async () => {
    await batch.expectEnrolled('flaky');
    expect(batch.row('flaky').attempt).toBe(1);
  });

  test('whose user may not use sudo is refused, whatever password is given', async () => {
    await batch.expectRefused('denied', 'DEVICE_SUDO_PASSWORD_NEEDED');
    await retry('denied', { sudoPassword: devicePassword });
    await batch.expectRefused('denied', 'DEVICE_SUDO_REFUSED');
    expect(batch.row('denied').error?.evidence).toMatch(/sudoers|not allowed/);
    expect(await batch.inside('denied', 'getent passwd fleet-agent; ls -d /etc/fleet-agent')).toBe('');
    expect(batch.fixture.published()).not.toContain(devicePassword);
  }, 400_000);
});
