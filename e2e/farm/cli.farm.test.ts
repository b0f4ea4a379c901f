import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliExecutable, packCli } from '../../scripts/pack-cli.mjs';
import { operatorToken, projectRoot, runCli } from '../cli/run-cli.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { sendFile } from './device-terminal.ts';
import { type ConditionName, type FarmDevice, farmAvailable, type Suite, startFarmDevice } from './farm.ts';
import { stationAddress } from './lan.ts';
import { sshArguments } from './ssh-command.ts';

const available = farmAvailable();
const agent = path.join(projectRoot, 'out/agent/fleet-agent-x86_64');
const managedFiles =
  '/usr/local/bin/fleet-agent /etc/fleet-agent/zitadel-key.json /etc/fleet-agent/config.toml /etc/systemd/system/fleet-agent.service';
const labels = 'group=batch7,site=farm';

/** The command line on real Debians: from the station, and as an executable on the device itself. */
describe.skipIf(!available.ok)('the command line and real devices', () => {
  const signal = AbortSignal.timeout(3_000_000);
  const started: FarmDevice[] = [];
  let fixture: LabFixture;
  let dir: string;
  let token: string;

  const start = async (
    name: string,
    suite: Suite,
    packages: 'offered' | 'installed',
    ...conditions: ConditionName[]
  ): Promise<FarmDevice> => {
    const device = await startFarmDevice({ name, suite, packages, conditions });
    started.push(device);
    return device;
  };
  const inside = async (device: FarmDevice, command: string): Promise<string> =>
    (await device.exec(command, { limitMs: 120_000 })).stdout.trim();
  /** Options that name the fleet, without a profile. */
  const fleet = (): string[] => [
    ...['--issuer-url', fixture.lab.identity.issuer, '--audience', fixture.lab.identity.projectId],
    ...['--nats-url', fixture.lab.nats.urls.join(','), '--danger-accept-invalid-certs', '--json'],
  ];
  const fromStation = (device: FarmDevice): string[] => [
    ...[...fleet(), '--state-dir', path.join(dir, 'state')],
    ...['--agent-binary', agent, '--ssh-user', device.user],
  ];
  /** Everything an enrollment could touch, with contents, owners and times; and what runs. */
  const picture = (device: FarmDevice): Promise<string> =>
    inside(
      device,
      `find /etc /usr/local /var/lib/dpkg /var/lib/apt /var/cache/apt /var/lib/systemd/linger /home /root -xdev ! -name '.Xauthority' -printf '%p %U %m %T@ %s\\n' | sort; dpkg-query -W; systemctl is-enabled fleet-agent 2>&1`,
    );
  const stateOf = (device: FarmDevice): Promise<string> =>
    inside(
      device,
      `stat -c '%n %y %i' ${managedFiles}; systemctl show fleet-agent -p MainPID -p NRestarts -p ActiveEnterTimestamp; dpkg-query -W | sha256sum`,
    );

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-cli-farm-'));
    fixture = await startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 });
    await packCli();
    token = await operatorToken(fixture.lab.profilePath, dir, signal);
  }, 600_000);
  afterAll(async () => {
    await Promise.all(started.map((device) => device.stop()));
    await fixture?.stop();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  test('two devices of a CSV are enrolled from the station', async () => {
    const [first, second] = await Promise.all([
      start('cli-csv-01', 'bookworm', 'offered'),
      start('cli-csv-02', 'trixie', 'installed', 'noisy-shell'),
    ]);
    const file = path.join(dir, 'batch.csv');
    await writeFile(
      file,
      `device_id;target;labels\r\ncli-csv-01;ssh://${first.user}@${first.address};\r\n"cli-csv-02";${second.address};"site=east"\r\n`,
    );
    const env = { MUSTER_ADMIN_TOKEN: token, MUSTER_SSH_PASSWORD: first.password };
    const dry = await runCli(['batch', file, '--dry-run', ...fromStation(first)], { env, limitMs: 300_000 });
    const promised = dry
      .events('preview')
      .map(({ steps }) => steps.filter((step) => step.state === 'pending').map((step) => step.id));
    const run = await runCli(['batch', file, '--labels', labels, ...fromStation(first)], {
      env,
      limitMs: 500_000,
    });
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(run.events('summary')).toMatchObject([{ total: 2, enrolled: 2 }]);
    for (const [index, deviceId] of ['cli-csv-01', 'cli-csv-02'].entries()) {
      const done = run
        .events('step')
        .filter((step) => step.deviceId === deviceId && step.state === 'done')
        .map((step) => step.step);
      expect(done.filter((step) => step !== 'check' && step !== 'connect')).toEqual(promised[index]);
    }
    expect(await inside(second, 'systemctl is-active fleet-agent; cat /etc/fleet-agent/config.toml')).toMatch(
      /^active\n[\s\S]*site = "east"/,
    );
  }, 900_000);

  const awkward: [ConditionName, string][] = [
    ['sudo-denied', 'sudo'],
    ['clock-off', 'clock'],
    ['apt-locked', 'apt-lock'],
  ];
  test.each(awkward)(
    'doctor names the problem of a device with %s: %s, and changes nothing',
    async (condition, check) => {
      const device = await start(`cli-${condition}`, 'bookworm', 'offered', condition);
      if (condition === 'apt-locked')
        await device.exec(
          // The unit has started once it holds the lock.
          'echo 3600 > /var/lib/muster-farm/apt-lock-seconds; systemctl restart apt-lock',
        );
      const before = await picture(device);
      const reach = ['--target', `${device.user}@${device.address}`, '--ssh-key', device.privateKeyFile];
      const args = ['doctor', ...reach, ...fromStation(device)];
      const run = await runCli([...args, '--device-id', device.name], {
        ...{ env: { MUSTER_ADMIN_TOKEN: token }, limitMs: 300_000 },
      });
      expect(run.status, run.stderr + run.stdout).toBe(1);
      const [diagnosis] = run.events('diagnosis');
      const problems = diagnosis?.findings.filter((finding) => finding.state === 'problem') ?? [];
      expect(problems.map((finding) => finding.check)).toEqual([check]);
      expect(problems[0]?.operatorDoes).toMatch(/\.$/);
      expect(await picture(device)).toBe(before);
    },
    600_000,
  );

  test.each([['bookworm'], ['trixie']] as const)(
    'the executable enrolls the %s it runs on, and a second time changes nothing',
    async (suite) => {
      const name = `cli-local-${suite}`;
      const device = await start(name, suite, 'installed');
      await sendFile(device, cliExecutable('x64'), '/tmp/muster');
      await sendFile(device, agent, '/tmp/agent');
      const tokenFile = path.join(dir, 'token-file');
      await writeFile(tokenFile, token, { mode: 0o600 });
      await sendFile(device, tokenFile, '/tmp/token');
      const words = ['enroll', '--target', 'local', '--device-id', name, '--labels', labels, ...fleet()];
      const command = `MUSTER_ADMIN_TOKEN=$(cat /tmp/token) /tmp/muster ${words.join(' ')} --agent-binary /tmp/agent`;
      const first = await overSsh(device, command);
      expect(first.code, first.stdout + first.stderr).toBe(0);
      expect(await inside(device, 'systemctl is-enabled fleet-agent; systemctl is-active fleet-agent')).toBe(
        'enabled\nactive',
      );
      expect(await inside(device, `stat -c '%n %U %a' ${managedFiles}`)).toContain(
        '/etc/fleet-agent/zitadel-key.json fleet-agent 640',
      );
      const before = await stateOf(device);
      const mutations = JSON.stringify(fixture.lab.identity.inspect().mutations);
      const second = await overSsh(device, command);
      expect(second.code, second.stdout + second.stderr).toBe(0);
      expect(await stateOf(device)).toBe(before);
      expect(JSON.stringify(fixture.lab.identity.inspect().mutations)).toBe(mutations);
      // The token was in one process and is nowhere else on the device.
      await device.exec('rm /tmp/token');
      expect(
        await inside(
          device,
          `grep -rlF '${token.slice(0, 60)}' /home/pi/.local /etc/fleet-agent /var/log /tmp | head -3`,
        ),
      ).toBe('');
    },
    900_000,
  );
});

/** Runs a command as the person who is logged in on the device: no root, sudo without a password. */
async function overSsh(device: FarmDevice, command: string) {
  const child = spawn('ssh', [...sshArguments(device), command], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 300_000);
  const [code] = await once(child, 'close');
  clearTimeout(limit);
  return { code, stdout, stderr };
}
