import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { DEFAULT_SUDO_PASSWORD } from './devices/start-rehearsal-devices.ts';
import { type LabFixture, startLabFixture } from './testing/lab-fixture.ts';

const isLinux = process.platform === 'linux';
if (!isLinux) console.warn('SKIPPED: this computer as a target: it is no Linux.');

/** The station enrolls the computer it runs on; here that computer's root is a rehearsal device's folder. */
describe.skipIf(!isLinux)('this computer as the target', () => {
  const real = '/etc/fleet-agent';
  let fixture: LabFixture;
  let wasThere: boolean;

  beforeEach(async () => {
    wasThere = existsSync(real);
    fixture = await startLabFixture([{ name: 'one' }], { deviceMode: 'prefix' });
    const { environment } = device();
    expect(environment?.MUSTER_DEVICE_ROOT).toBe(device().root);
    for (const [name, value] of Object.entries(environment ?? {})) vi.stubEnv(name, value);
    await fixture.restart();
    const { station } = fixture.station;
    for (const { rowId } of fixture.station.state.bench) await station.handle('bench.remove', { rowId });
    await station.handle('bench.add', { deviceId: 'one', target: 'local://' });
    await fixture.station.signIn(unlessItHangs());
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await fixture.stop();
  });

  function device() {
    const [first] = fixture.lab.devices;
    if (first === undefined) throw new Error('The lab has no device.');
    return first;
  }

  it('is enrolled without SSH, and a second run changes nothing', async () => {
    await fixture.station.enrollAll();
    const row = fixture.row('one');
    expect(row.error).toBeUndefined();
    expect(row).toMatchObject({ state: 'enrolled', address: 'this computer', target: 'local://' });
    expect(row.hostKeyFingerprint).toBeUndefined();
    expect(row.roundTrips).toBeLessThanOrEqual(5);
    const binary = path.join(device().root, 'usr/local/bin/fleet-agent');
    const before = await stat(binary);
    expect(before.mode & 0o7777).toBe(0o755);
    expect(await readFile(path.join(device().root, 'etc/fleet-agent/config.toml'), 'utf8')).toContain('one');
    expect(fixture.published()).not.toContain('BEGIN RSA');
    expect(existsSync(real)).toBe(wasThere);

    await fixture.station.enrollAll();
    expect(fixture.row('one')).toMatchObject({ state: 'enrolled', roundTrips: 1 });
    expect((await stat(binary)).mtimeMs).toBe(before.mtimeMs);
  });

  it('asks for the sudo password once, and takes it', async () => {
    await device().setFault('sudo-password', true);
    await fixture.station.enrollAll();
    expect(fixture.row('one').error).toMatchObject({
      code: 'DEVICE_SUDO_PASSWORD_NEEDED',
      secretNeeded: 'sudo-password',
    });
    await fixture.station.station.handle('batch.retry', {
      deviceIds: ['one'],
      sudoPassword: DEFAULT_SUDO_PASSWORD,
    });
    await fixture.station.station.whenBatchIdle();
    expect(fixture.row('one')).toMatchObject({ state: 'enrolled', attempt: 2 });
    expect(fixture.published()).not.toContain(DEFAULT_SUDO_PASSWORD);
  });
});
