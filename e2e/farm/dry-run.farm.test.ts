import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledCli, type CliRun, operatorToken, projectRoot, runCli } from '../cli/run-cli.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { type DevicePicture, differences, pictureOf, quieten, settle } from './device-picture.ts';
import { type ConditionName, type FarmDevice, farmAvailable, type Suite, startFarmDevice } from './farm.ts';
import { stationAddress } from './lan.ts';

const agent = path.join(projectRoot, 'out/agent/fleet-agent-x86_64');

/** Whoever only looks leaves a real Debian as it was: every file, every unit, every package. */
describe.skipIf(!farmAvailable().ok)('a dry run and a doctor', () => {
  const signal = AbortSignal.timeout(900_000);
  const started: FarmDevice[] = [];
  let fixture: LabFixture;
  let dir: string;
  let token: string;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-dry-run-'));
    fixture = await startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 90 });
    await bundledCli();
    token = await operatorToken(fixture.lab.profilePath, dir, signal);
  }, 300_000);
  afterAll(async () => {
    await Promise.all(started.map((device) => device.stop()));
    await fixture?.stop();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  const cli = (device: FarmDevice, ...words: readonly string[]): Promise<CliRun> =>
    runCli(
      [
        ...[...words, '--target', `${device.user}@${device.address}`, '--device-id', device.name],
        ...['--ssh-key', device.privateKeyFile, '--agent-binary', agent],
        ...['--issuer-url', fixture.lab.identity.issuer, '--audience', fixture.lab.identity.projectId],
        ...['--nats-url', fixture.lab.nats.urls.join(','), '--danger-accept-invalid-certs', '--json'],
        ...['--state-dir', path.join(dir, 'state')],
      ],
      { env: { MUSTER_ADMIN_TOKEN: token, MUSTER_SUDO_PASSWORD: device.password }, limitMs: 200_000 },
    );
  const mutations = (): string => JSON.stringify(fixture.lab.identity.inspect().mutations);
  /** Compares a device and the provider before and after what only looks; the run has to have seen what it came for. */
  const expectUnchangedBy = async (
    device: FarmDevice,
    look: () => Promise<CliRun>,
    event: 'preview' | 'diagnosis',
  ): Promise<CliRun> => {
    const made = mutations();
    const before: DevicePicture = await pictureOf(device);
    const run = await look();
    expect(run.events(event), run.stderr + run.stdout).toHaveLength(1);
    await settle(device);
    expect(differences(before, await pictureOf(device))).toEqual([]);
    expect(mutations()).toBe(made);
    return run;
  };

  const devices: [string, Suite, ConditionName[]][] = [
    ['dry-run-bookworm', 'bookworm', []],
    ['dry-run-trixie', 'trixie', ['sudo-password']],
  ];
  test.each(devices)(
    'change nothing on %s: neither new, nor enrolled, nor half right',
    async (name, suite, conditions) => {
      const device = await startFarmDevice({ name, suite, packages: 'offered', conditions });
      started.push(device);
      await quieten(device);
      await settle(device);

      const fresh = await expectUnchangedBy(device, () => cli(device, 'enroll', '--dry-run'), 'preview');
      expect(fresh.events('preview')[0]).toMatchObject({ changes: true });
      const seen = await expectUnchangedBy(device, () => cli(device, 'doctor'), 'diagnosis');
      expect(seen.events('diagnosis')[0]?.findings.find(({ check }) => check === 'sudo')?.state).toBe('ok');

      // The picture is worth something only if it sees what an enrollment does.
      const before = await pictureOf(device);
      const enrolled = await cli(device, 'enroll');
      expect(enrolled.status, enrolled.stderr + enrolled.stdout).toBe(0);
      await settle(device);
      const changed = differences(before, await pictureOf(device)).join('\n');
      for (const part of [
        '/usr/local/bin/fleet-agent',
        '/var/lib/dpkg/status',
        'fleet-agent.service',
        '/etc/passwd',
      ])
        expect(changed).toContain(part);

      await device.exec('echo "# by hand" >> /etc/fleet-agent/config.toml');
      const half = await expectUnchangedBy(device, () => cli(device, 'enroll', '--dry-run'), 'preview');
      expect(half.events('preview')[0]).toMatchObject({ changes: true });
      await expectUnchangedBy(device, () => cli(device, 'doctor'), 'diagnosis');
    },
    400_000,
  );
});
