import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'smol-toml';
import type { LabFixture } from '../lab/testing/lab-fixture.ts';
import type { FarmDevice } from './farm.ts';

export interface BenchRowOfFarm {
  readonly deviceId: string;
  readonly device: FarmDevice;
  /** Another address of the device than its first one. */
  readonly address?: string;
}

/**
 * Restarts the station of a lab with these devices on its bench, and signs in. The farm makes a key for every device
 * and a profile names one, so all of them are told to accept that one.
 */
export async function putOnBench(
  fixture: LabFixture,
  rows: readonly BenchRowOfFarm[],
  options: { readonly concurrency?: number; readonly signal: AbortSignal },
): Promise<void> {
  const first = rows[0]?.device;
  if (first === undefined) throw new Error('A bench without a device.');
  const key = await readFile(`${first.privateKeyFile}.pub`, 'utf8');
  await Promise.all(rows.map(({ device }) => device.exec(`echo '${key}' >> /home/pi/.ssh/authorized_keys`)));
  const profile = parse(await readFile(fixture.lab.profilePath, 'utf8'));
  const bench = rows.map(({ deviceId, device, address = device.address }) => ({
    device_id: deviceId,
    target: `ssh://pi@${address}`,
  }));
  const ssh = { user: 'pi', private_key_file: first.privateKeyFile };
  const batch = { concurrency: options.concurrency ?? rows.length };
  await writeFile(fixture.lab.profilePath, stringify({ ...profile, ssh, batch, bench }));
  await fixture.restart();
  await fixture.station.signIn(options.signal);
}

/** The log of a device's newest attempt, for what is said when an assertion fails and for what must stand in it. */
export async function logOf(fixture: LabFixture, deviceId: string): Promise<string> {
  const lines = await fixture.station.station.handle('device.followLog', { deviceId });
  return lines
    .map((line) => `${(line.offsetMs / 1000).toFixed(1)} ${line.stepId ?? ''} ${line.text}`)
    .join('\n');
}
