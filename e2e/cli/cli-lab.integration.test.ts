import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { addressIn } from './ended-sign-in.ts';
import { bundledCli, type CliOptions, type CliRun, operatorToken, runCli } from './run-cli.ts';

/** The bundle as automation runs it: a process of its own, on the lab, with a token by environment. */
describe('the command line on the lab', () => {
  let fixture: LabFixture;
  let token: string;
  let profile: string;
  let state: string;

  beforeAll(async () => {
    fixture = await startLabFixture([{ name: 'bench-01' }, { name: 'bench-02' }, { name: 'bench-03' }]);
    await bundledCli();
    profile = fixture.lab.profilePath;
    state = path.join(fixture.dir, 'cli-state');
    token = await operatorToken(profile, fixture.dir, unlessItHangs());
  });
  afterAll(async () => {
    await fixture?.stop();
  });

  const cli = (args: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
    runCli([...args, '--profile', profile, '--state-dir', state], {
      ...options,
      env: { MUSTER_ADMIN_TOKEN: token, ...options.env },
    });
  const target = (index: number): string => {
    const device = fixture.lab.devices[index];
    return `ssh://${device?.user}@${device?.host}:${device?.port}`;
  };
  const mutations = () => fixture.lab.identity.inspect().mutations;
  const everythingIn = (folder: string): string =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
      .join('\n');

  test('a dry run says what would change, and changes nothing', async () => {
    const before = JSON.stringify(mutations());
    const run = await cli([
      'enroll',
      '--target',
      target(0),
      '--device-id',
      'bench-01',
      '--dry-run',
      '--json',
    ]);
    expect(run.status, run.stderr + run.stdout).toBe(0);
    const [preview] = run.events('preview');
    expect(preview).toMatchObject({ deviceId: 'bench-01', changes: true, hostKeyIsPinned: false });
    expect(preview?.steps.every((step) => step.state === 'pending')).toBe(true);
    expect(JSON.stringify(mutations())).toBe(before);
    const root = fixture.lab.devices[0]?.root ?? '';
    expect(readdirSync(path.join(root, 'etc'))).not.toContain('fleet-agent');
    expect(existsSync(state)).toBe(false);
  });

  test('a CSV as Excel writes it is enrolled, with labels of its own, and a second time nothing changes', async () => {
    const file = path.join(fixture.dir, 'batch.csv');
    const rows = [
      '\ufeff"Device ID";Target;label.socket',
      `bench-01;${target(0)};"7"`,
      `"bench-02";"${target(1)}";`,
    ];
    await writeFile(file, `${rows.join('\r\n')}\r\n`);
    const run = await cli(['batch', file, '--json', '--labels', 'shift=late']);
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(run.events('summary')).toMatchObject([{ total: 2, enrolled: 2, failed: 0, stopped: 0 }]);
    expect(
      run
        .events('device-ended')
        .map((ended) => [ended.deviceId, ended.state])
        .sort(),
    ).toEqual([
      ['bench-01', 'enrolled'],
      ['bench-02', 'enrolled'],
    ]);
    const steps = run.events('step').filter((step) => step.deviceId === 'bench-01' && step.state === 'done');
    expect(steps.map((step) => step.step)).toEqual([
      ...['check', 'connect', 'identity', 'packages', 'user', 'binary', 'key-config', 'unit', 'heartbeat'],
    ]);
    expect(run.events('end')).toMatchObject([{ exitCode: 0 }]);
    const config = readFileSync(
      path.join(fixture.lab.devices[0]?.root ?? '', 'etc/fleet-agent/config.toml'),
      'utf8',
    );
    expect(config).toContain('socket = "7"');
    expect(config).toContain('shift = "late"');

    const before = JSON.stringify(mutations());
    const again = await cli(['batch', file, '--labels', 'shift=late']);
    expect(again.status, again.stderr).toBe(0);
    expect(again.stdout).toContain('2 of 2 enrolled');
    expect(JSON.stringify(mutations())).toBe(before);
    const dry = await cli(['batch', file, '--labels', 'shift=late', '--dry-run']);
    expect(dry.stdout.match(/nothing to change/g)).toHaveLength(2);
    // The token and no key is anywhere on the station's disk or in what was printed.
    for (const seen of [
      everythingIn(state),
      run.stdout,
      run.stderr,
      again.stdout,
      again.stderr,
      dry.stdout,
    ]) {
      expect(seen).not.toContain(token);
      expect(seen).not.toContain('PRIVATE KEY');
    }
  });

  test('status, devices and doctor tell what is there', async () => {
    const status = await cli(['status', '--json']);
    expect(status.events('run').map((run) => [run.deviceId, run.state])).toEqual([
      ['bench-01', 'enrolled'],
      ['bench-02', 'enrolled'],
    ]);
    const one = await cli(['status', 'bench-02']);
    expect(one.stdout).toContain('last heartbeat');
    expect((await cli(['status', 'nobody'])).status).toBe(1);
    const devices = await cli(['devices', '--json']);
    expect(devices.status, devices.stderr).toBe(0);
    expect(
      devices
        .events('heartbeat')
        .map((beat) => beat.deviceId)
        .sort(),
    ).toEqual(['bench-01', 'bench-02']);
    const table = await cli(['devices']);
    expect(table.stdout).toMatch(/^DEVICE +SEEN/);
    const doctor = await cli(['doctor', '--target', target(0), '--device-id', 'bench-01', '--json']);
    expect(doctor.status, doctor.stdout).toBe(0);
    const [diagnosis] = doctor.events('diagnosis');
    expect(diagnosis?.findings.filter((finding) => finding.state !== 'ok')).toEqual([]);
  });

  test('without a profile the options make one', async () => {
    const { identity, nats, sshPrivateKeyFile } = fixture.lab;
    const run = await runCli(
      [
        ...['enroll', '--target', target(1), '--device-id', 'bench-02', '--labels', 'group=line-1,site=lab'],
        ...['--issuer-url', identity.issuer, '--audience', identity.projectId],
        ...['--nats-url', nats.urls.join(','), '--ssh-key', sshPrivateKeyFile],
        ...[
          '--agent-binary',
          path.join('out', 'agent', 'fleet-agent-x86_64'),
          '--state-dir',
          state,
          '--json',
        ],
      ],
      { env: { HARMONY_ZITADEL_ADMIN_TOKEN: token } },
    );
    expect(run.status, run.stderr + run.stdout).toBe(0);
    expect(run.events('signed-in')).toMatchObject([{ account: 'the token of HARMONY_ZITADEL_ADMIN_TOKEN' }]);
  });

  test('a refused token is told by the name of its variable, and nobody is asked to sign in', async () => {
    const file = path.join(fixture.dir, 'token-file');
    await writeFile(file, 'not-a-token\n');
    const args = [
      'enroll',
      '--target',
      target(2),
      '--device-id',
      'bench-03',
      '--profile',
      profile,
      '--state-dir',
      state,
    ];
    const run = await runCli([...args, '--json'], { env: { MUSTER_ADMIN_TOKEN_FILE: file } });
    expect(run.status).toBe(3);
    const [ended] = run.events('device-ended');
    expect(ended?.error).toMatchObject({ code: 'IDENTITY_TOKEN_REFUSED' });
    expect(ended?.error?.says).toContain('MUSTER_ADMIN_TOKEN_FILE');
    expect(run.events('sign-in')).toEqual([]);
    const dry = await runCli([...args, '--dry-run', '--json'], { env: { MUSTER_ADMIN_TOKEN_FILE: file } });
    expect(dry.status).toBe(3);
    expect(dry.events('error')[0]?.error.code).toBe('IDENTITY_TOKEN_REFUSED');
    const nobody = await runCli([...args, '--no-token-cache', '--json']);
    expect(nobody.status, nobody.stdout).toBe(3);
    expect(nobody.events('error')[0]?.error).toMatchObject({
      code: 'IDENTITY_NOT_SIGNED_IN',
      operatorDoes: expect.stringContaining('MUSTER_ADMIN_TOKEN'),
    });
  });

  test('on a terminal a person signs in by code; the address and a picture of it are printed', async () => {
    const { approveAsLabOperator } = await import('../lab/identity/operator-walk.ts');
    let asked = false;
    const words = ['enroll', '--target', target(1), '--device-id', 'bench-02', '--profile', profile];
    const command = [
      process.execPath,
      'out/cli/muster.cjs',
      ...words,
      '--state-dir',
      state,
      '--no-token-cache',
      '--labels',
      'group=line-1,site=lab',
    ];
    const run = await runCli([command.join(' '), '/dev/null'], {
      command: ['script', '-qefc'],
      env: { TERM: 'xterm' },
      onOutput: ({ text }) => {
        const url = addressIn(text);
        if (url === undefined || asked) return;
        asked = true;
        void approveAsLabOperator({ verificationUriComplete: url, signal: unlessItHangs() });
      },
    });
    expect(run.status, run.stdout).toBe(0);
    expect(asked).toBe(true);
    expect(run.stdout).toMatch(/with code +[A-Z]{4}-?[A-Z]{4}/);
    expect(run.stdout).toContain('█');
    expect(run.stdout).toContain('1 of 1 enrolled');
  });

  test('bad rows are told, all of them, before anything is called', async () => {
    const file = path.join(fixture.dir, 'bad.csv');
    await writeFile(
      file,
      `device_id,target\nBench-9,${target(0)}\nbench-10,http://x\nbench-10,${target(0)}\n`,
    );
    const before = fixture.lab.identity.inspect();
    const run = await cli(['batch', file, '--json']);
    expect(run.status).toBe(4);
    expect(run.events('manifest-problem').map(({ row, column }) => [row, column])).toEqual([
      [2, 'device_id'],
      [3, 'device_id'],
      [4, 'device_id'],
    ]);
    expect(run.events('error')[0]?.error.code).toBe('STATION_MANIFEST_INVALID');
    expect(JSON.stringify(fixture.lab.identity.inspect())).toBe(JSON.stringify(before));
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends a batch in good order, and leaves no key behind', async (name, code) => {
    const liveKeys = () => fixture.lab.identity.inspect().keys.filter((key) => key.live).length;
    const keys = liveKeys();
    let sent = false;
    const run = await cli(['enroll', '--target', target(2), '--device-id', 'bench-03', '--json'], {
      onOutput: ({ text, kill }) => {
        if (sent || !text.includes('"packages"')) return;
        sent = true;
        kill(name);
      },
    });
    expect(run.status, run.stderr + run.stdout).toBe(code);
    expect(run.events('summary')).toMatchObject([{ stopped: 1 }]);
    expect(liveKeys()).toBe(keys);
    expect(readdirSync(path.join(state, 'lock'))).toEqual([]);
  });

  test('two at once on one folder: one of them is told', async () => {
    const second: Promise<CliRun>[] = [];
    const first = await cli(['enroll', '--target', target(2), '--device-id', 'bench-03', '--json'], {
      onOutput: ({ text, kill }) => {
        if (second.length > 0 || !text.includes('"batch-started"')) return;
        // It stands still until the other one has ended, however long that takes.
        kill('SIGSTOP');
        const other = cli(['enroll', '--target', target(1), '--device-id', 'bench-02', '--json']);
        second.push(other.finally(() => kill('SIGCONT')));
      },
    });
    expect(first.status, first.stdout).toBe(0);
    const refused = await second[0];
    expect(refused?.status).toBe(5);
    expect(refused?.events('error')[0]?.error.code).toBe('STATION_FOLDER_IN_USE');
  });
});
