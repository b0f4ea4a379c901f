import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledCli, type CliRun, operatorToken, projectRoot, runCli } from '../cli/run-cli.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { stationAddress } from './lan.ts';

const agent = path.join(projectRoot, 'out/agent/fleet-agent-x86_64');
const name = 'cli-acts-01';
const strange = `SHA256:${'A'.repeat(43)}`;

/** A board that was flashed again and has no battery: a new host key on a real sshd, and a clock that is off. */
describe.skipIf(!farmAvailable().ok)('what the command line is allowed with a device', () => {
  const signal = AbortSignal.timeout(1_800_000);
  let fixture: LabFixture;
  let dir: string;
  let token: string;
  let device: FarmDevice;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-cli-acts-'));
    fixture = await startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 });
    await bundledCli();
    token = await operatorToken(fixture.lab.profilePath, dir, signal);
    device = await startFarmDevice({
      ...{ name, suite: 'bookworm', packages: 'installed', conditions: ['clock-off'] },
    });
  }, 600_000);
  afterAll(async () => {
    await device?.stop();
    await fixture?.stop();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  const enroll = (...words: readonly string[]): Promise<CliRun> =>
    runCli(
      [
        ...['enroll', '--device-id', name, '--target', `${device.user}@${device.address}`],
        ...[
          '--ssh-key',
          device.privateKeyFile,
          '--agent-binary',
          agent,
          '--labels',
          'group=batch7,site=farm',
        ],
        ...['--issuer-url', fixture.lab.identity.issuer, '--audience', fixture.lab.identity.projectId],
        ...['--nats-url', fixture.lab.nats.urls.join(','), '--danger-accept-invalid-certs', '--json'],
        ...['--state-dir', path.join(dir, 'state'), ...words],
      ],
      { env: { MUSTER_ADMIN_TOKEN: token }, limitMs: 400_000 },
    );
  const inside = async (command: string): Promise<string> =>
    (await device.exec(command, { limitMs: 120_000 })).stdout.trim();
  const codes = (run: CliRun) => run.events('device-ended').map((ended) => ended.error?.code);

  test('a clock that is off is refused unless it is to be set', async () => {
    const run = await enroll();
    expect(codes(run), run.stderr + run.stdout).toEqual(['DEVICE_CLOCK_OFF']);
    expect(run.status).toBe(1);
  }, 900_000);

  test('a changed host key is refused, also with the fingerprint of another', async () => {
    await inside(
      'rm /etc/ssh/ssh_host_*; ssh-keygen -q -A; systemctl restart ssh; until ss -Hltn sport = :22 | grep -q .; do :; done',
    );
    const actual = (await inside('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')).split(' ')[1];
    for (const words of [[], ['--trust-host-key', strange]]) {
      const run = await enroll('--set-clock', ...words);
      expect(codes(run), run.stderr + run.stdout).toEqual(['DEVICE_HOST_KEY_CHANGED']);
      expect(run.events('device-ended')[0]?.error?.cause).toContain(actual);
      expect(run.events('host-key-trusted')).toEqual([]);
      expect(run.status).toBe(1);
    }
    expect(await inside('test -e /etc/fleet-agent || echo untouched')).toBe('untouched');
  }, 900_000);

  test('with its own fingerprint and --set-clock the device is enrolled', async () => {
    const actual = (await inside('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')).split(' ')[1] ?? '';
    const run = await enroll('--trust-host-key', strange, '--trust-host-key', actual, '--set-clock');
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(codes(run)).toEqual(['DEVICE_HOST_KEY_CHANGED', undefined]);
    const [trusted] = run.events('host-key-trusted');
    expect(trusted).toMatchObject({ deviceId: name, actual });
    expect(trusted?.expected).not.toBe(actual);
    expect(run.events('device-ended').at(-1)).toMatchObject({
      state: 'enrolled',
      hostKeyFingerprint: actual,
    });
    // The stand-in's `date` of the condition against the kernel's clock, which the farm does not change.
    const offset = Number(await inside('echo $(($(date +%s) - $(/bin/date +%s)))'));
    expect(Math.abs(offset)).toBeLessThan(60);
    // It is known from now on.
    const again = await enroll();
    expect(again.status, again.stderr + again.stdout).toBe(0);
    expect(again.events('host-key-trusted')).toEqual([]);
  }, 900_000);
});
