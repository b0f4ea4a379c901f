import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unlessItHangs } from '#shared/testing/patience.ts';
import type { RehearsalDeviceRequest } from './devices/model.ts';
import type { LabOptions } from './lab.ts';
import { type LabFixture, startLabFixture } from './testing/lab-fixture.ts';

/** Each bad device is told with its own error and remedy, and the good one beside it is enrolled all the same. */
describe('what goes wrong on one device stays with that device', () => {
  let fixture: LabFixture | undefined;

  async function enroll(
    devices: readonly RehearsalDeviceRequest[],
    options: Partial<LabOptions> = {},
  ): Promise<LabFixture> {
    fixture = await startLabFixture(devices, options);
    await fixture.station.signIn(unlessItHangs());
    await fixture.station.enrollAll();
    return fixture;
  }

  afterEach(async () => {
    await fixture?.stop();
    fixture = undefined;
  });

  it('unreachable, wrong login, sudo with a password, dead agent: four errors, one enrolled', async () => {
    const { station, row, lab } = await enroll(
      [
        { name: 'good' },
        { name: 'off', faults: ['unreachable'] },
        { name: 'locked', faults: ['wrong-password'] },
        { name: 'asks', faults: ['sudo-password'] },
        { name: 'mute', faults: ['dead-agent'] },
      ],
      // The dead one is waited for, and the good one has to come within it on a busy computer too.
      { heartbeatLimitSeconds: 30 },
    );
    expect(row('good').state).toBe('enrolled');
    expect(row('off').error?.code).toBe('DEVICE_UNREACHABLE');
    expect(row('locked').error).toMatchObject({ code: 'DEVICE_LOGIN_REFUSED', secretNeeded: 'ssh-password' });
    expect(row('asks').error).toMatchObject({
      code: 'DEVICE_SUDO_PASSWORD_NEEDED',
      secretNeeded: 'sudo-password',
    });
    // Whether the second look still sees it running is a matter of milliseconds.
    expect(['AGENT_STOPS', 'AGENT_NO_HEARTBEAT']).toContain(row('mute').error?.code);
    for (const name of ['off', 'locked', 'asks', 'mute']) {
      const { error } = row(name);
      expect(error?.operatorDoes.length).toBeGreaterThan(10);
      expect(`${error?.says}${error?.evidence}`).not.toMatch(/\n\s+at .*\(/);
    }
    // Nothing was minted for a device that could not take a key.
    const users = lab.identity.inspect().users.map((user) => user.userName);
    for (const name of ['off', 'locked', 'asks']) expect(users).not.toContain(`device-${name}`);

    // The operator enters the wrong password first, then the right one, beside the cause.
    await station.station.handle('batch.retry', { deviceIds: ['asks'], sudoPassword: 'not it' });
    await station.station.whenBatchIdle();
    expect(row('asks').error?.code).toBe('DEVICE_SUDO_REFUSED');
    await station.station.handle('batch.retry', { deviceIds: ['asks'], sudoPassword: 'rehearsal' });
    await station.station.whenBatchIdle();
    expect(row('asks')).toMatchObject({ state: 'enrolled', attempt: 3 });
    // The dead agent comes alive and only needs its heartbeat.
    await lab.devices.find((device) => device.name === 'mute')?.setFault('dead-agent', false);
    await station.station.handle('batch.retry', { deviceIds: ['mute'] });
    await station.station.whenBatchIdle();
    expect(row('mute').state).toBe('enrolled');
    expect(fixture?.published()).not.toContain('not it');
  });

  it('a link cut in the middle of the upload leaves no part of the file, and a retry converges', async () => {
    const { station, row, lab } = await enroll([{ name: 'cut', faults: ['link-cut'] }, { name: 'good' }]);
    expect(row('good').state).toBe('enrolled');
    if (row('cut').state === 'failed') {
      expect(row('cut').error?.code).toBe('DEVICE_CONNECTION_LOST');
      await station.station.handle('batch.retry', { deviceIds: ['cut'] });
      await station.station.whenBatchIdle();
    }
    expect(row('cut').state).toBe('enrolled');
    const { keys, users } = lab.identity.inspect();
    const user = users.find((candidate) => candidate.userName === 'device-cut');
    expect(keys.filter((key) => key.live && key.userId === user?.id)).toHaveLength(1);
  });

  it('a changed host key stops the device before anything is sent', async () => {
    const { station, row, lab } = await enroll([{ name: 'swapped' }]);
    expect(row('swapped').state).toBe('enrolled');
    await lab.devices[0]?.setFault('changed-host-key', true);
    await station.enrollAll();
    expect(row('swapped').error).toMatchObject({ code: 'DEVICE_HOST_KEY_CHANGED', retry: 'never' });
  });

  it('a missing binary and one of another architecture are told before any device is touched', async () => {
    fixture = await startLabFixture([{ name: 'one' }]);
    const { profilePath } = fixture.lab;
    const { readFile } = await import('node:fs/promises');
    const profile = await readFile(profilePath, 'utf8');
    const other = profile
      .replace(/^x86_64 = .*$/m, `x86_64 = ${JSON.stringify(path.join(fixture.dir, 'not-there'))}`)
      .replace(/^(aarch64|armv7) = .*\n/gm, '');
    await writeFile(profilePath, other);
    let station = await fixture.restart();
    await station.signIn(unlessItHangs());
    await station.enrollAll();
    expect(fixture.row('one').error?.code).toBe('AGENT_BINARY_MISSING');

    const arm = /^aarch64 = (.*)$/m.exec(profile)?.[1] ?? '';
    await writeFile(profilePath, other.replace(/^x86_64 = .*$/m, `x86_64 = ${arm}`));
    station = await fixture.restart();
    await station.signIn(unlessItHangs());
    await station.enrollAll();
    expect(fixture.row('one').error?.code).toBe('AGENT_BINARY_WRONG_ARCHITECTURE');
    expect(fixture.lab.identity.inspect().users.some((user) => user.userName === 'device-one')).toBe(false);
  });

  it('NATS absent: the device is installed and the cause is NATS, not the device', async () => {
    fixture = await startLabFixture([{ name: 'one' }]);
    await fixture.lab.nats.stop();
    await fixture.station.signIn(unlessItHangs());
    await fixture.station.enrollAll();
    expect(fixture.row('one').error?.code).toBe('NATS_UNREACHABLE');
    expect(fixture.station.state.lamps.nats.state).toBe('failed');
    expect(fixture.row('one').steps.find((step) => step.id === 'unit')?.state).toBe('done');
  });
});
