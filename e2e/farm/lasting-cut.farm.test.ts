import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectEnrolled } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { stationAddress } from './lan.ts';

/**
 * In this time nothing of ours may run any more on a device whose link was cut, apt finishing apart. It takes 40 s at
 * most where the computer has nothing else to do; without our doing it would take the hours of TCP.
 */
const GONE_WITHIN_MS = 150_000;
const temporaryFile = "find /usr/local/bin -name '.fleet-agent.new.*' -size +10k";

/** Gives the lab's agent binaries 4 MB of comment that do not compress: on a slow link they take a while. */
async function growBinaries({ lab, dir }: LabFixture): Promise<void> {
  const profile = parse(await readFile(lab.profilePath, 'utf8')) as {
    agent: { binaries: Record<string, string> };
  };
  const comment = `\n// ${randomBytes(3_000_000).toString('base64')}\n`;
  const binaries: Record<string, string> = {};
  for (const [architecture, file] of Object.entries(profile.agent.binaries)) {
    binaries[architecture] = path.join(dir, `grown-${architecture}`);
    await writeFile(binaries[architecture], Buffer.concat([await readFile(file), Buffer.from(comment)]));
  }
  await writeFile(lab.profilePath, stringify({ ...profile, agent: { ...profile.agent, binaries } }));
}

describe.skipIf(!farmAvailable().ok)('a link that is cut in the middle of the upload and stays cut', () => {
  const signal = AbortSignal.timeout(1_500_000);
  let fixture: LabFixture;
  let device: FarmDevice;

  beforeAll(async () => {
    [fixture, device] = await Promise.all([
      startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 }),
      startFarmDevice({ name: 'far-away', packages: 'installed', conditions: ['slow-link'] }),
    ]);
    await growBinaries(fixture);
    await putOnBench(fixture, [{ deviceId: 'far-away', device }], { signal });
  }, 600_000);
  afterAll(async () => {
    await fixture?.stop();
    await device?.stop();
  });

  const inside = async (command: string) => (await device.exec(command)).stdout.trim();

  test('leaves nothing of ours on the device after a minute, and the enrollment goes on when it is back', async () => {
    const ended = fixture.station.enrollAll();
    await expect
      .poll(() => inside(temporaryFile), { timeout: 240_000, interval: 20 })
      .toMatch(/fleet-agent\.new/);
    await device.cutLink();
    expect(
      // Between two parts nothing but the script itself is at work.
      await inside('pgrep -l "^sudo$"; flock -n /run/fleet-agent.lock true || echo locked'),
    ).toMatch(/sudo[\s\S]*locked/);
    await expect
      .poll(
        () =>
          inside(
            'pgrep -l "^(gzip|dd|head|sleep|sudo|flock)$"; pgrep -af "[h]ead -c"; find /usr/local/bin -name ".*"; flock -n /run/fleet-agent.lock true || echo locked',
          ),
        { timeout: GONE_WITHIN_MS, interval: 500 },
      )
      .toBe('');
    await fixture.station.until(
      ({ rows }) =>
        rows['far-away']?.steps.some((step) => step.progress?.text.startsWith('connection lost') === true) ===
        true,
      signal,
    );
    await device.restoreLink();
    await ended;
    const log = await logOf(fixture, 'far-away');
    expect(fixture.row('far-away').state, log).toBe('enrolled');
    expect(log).toContain('connected again, looking at the device anew');
    expect(log).not.toContain('the device has restarted');
    await expectEnrolled(device, 'far-away', fixture.lab);
  }, 900_000);
});
