import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RealAgent, startRealAgent } from '#shared/adapters/ssh/testing/real-agent.ts';
import { noSshdReason, type RealSshd, startRealSshd } from '#shared/adapters/ssh/testing/real-sshd.ts';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { defaultAgentFolder } from '../../scripts/build-agent.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { bundledCli, type CliRun, operatorToken, runCli } from './run-cli.ts';

const missing = noSshdReason();
if (missing !== undefined) console.warn(`SKIPPED: the way to a device by options: ${missing}.`);

/**
 * A bench behind a jump host, reached by an alias and a key that only the agent holds, without a profile: OpenSSH's
 * server and agent on the way, a device of the lab at its end.
 */
describe.skipIf(missing !== undefined)('the way to a device, by options alone', () => {
  let fixture: LabFixture;
  let jump: RealSshd;
  let agent: RealAgent;
  let token: string;
  /** Every option of the way, with its value. */
  let way: Readonly<Record<string, readonly string[]>>;

  beforeAll(async () => {
    fixture = await startLabFixture([{ name: 'way-01' }]);
    await bundledCli();
    const { dir, lab } = fixture;
    token = await operatorToken(lab.profilePath, dir, unlessItHangs());
    const keyFile = (await loadProfile(lab.profilePath, unlessItHangs())).ssh.private_key_file ?? '';
    agent = await startRealAgent(dir);
    agent.add(keyFile);
    const publicKey = execFileSync('ssh-keygen', ['-y', '-f', keyFile], { encoding: 'utf8' }).trim();
    jump = await startRealSshd({ authorized: [publicKey] });
    const device = lab.devices[0];
    if (device === undefined) throw new Error('The lab has no device.');
    const config = path.join(dir, 'ssh-config');
    await writeFile(
      config,
      [
        ...['Host bastion', '  HostName 127.0.0.1', `  Port ${jump.port}`, `  User ${jump.user}`],
        ...[
          'Host board-*',
          `  HostName ${device.host}`,
          `  Port ${device.port}`,
          `  User ${device.user}`,
          '',
        ],
      ].join('\n'),
      { mode: 0o600 },
    );
    const known = path.join(dir, 'known-hosts');
    const keys = await Promise.all([scan('127.0.0.1', jump.port), scan(device.host, device.port)]);
    await writeFile(known, keys.join(''));
    way = {
      ...{ '--ssh-config': [config], '--jump': ['bastion'], '--ssh-agent': [] },
      ...{ '--host-keys': ['known'], '--known-hosts': [known] },
    };
  });
  afterAll(async () => {
    await agent?.stop();
    await jump?.stop();
    await fixture?.stop();
  });

  // Not synchronously: the lab's devices answer from this very process.
  const scan = async (host: string, port: number): Promise<string> =>
    (await promisify(execFile)('ssh-keyscan', ['-t', 'ed25519', '-p', String(port), host])).stdout;
  const wayWithout = (...left: readonly string[]): string[] =>
    Object.entries(way)
      .filter(([option]) => !left.includes(option))
      .flatMap(([option, values]) => [option, ...values]);
  const cli = (...words: readonly string[]): Promise<CliRun> => {
    const { identity, nats } = fixture.lab;
    return runCli(
      [
        ...[...words, '--issuer-url', identity.issuer, '--audience', identity.projectId],
        ...['--nats-url', nats.urls.join(','), '--state-dir', path.join(fixture.dir, 'cli-state'), '--json'],
      ],
      { env: { MUSTER_ADMIN_TOKEN: token, SSH_AUTH_SOCK: agent.socket } },
    );
  };
  const agentBinary = ['--agent-binary', path.join(defaultAgentFolder, 'fleet-agent-x86_64')];
  const passed = (): number => jump.log().match(/Accepted publickey/g)?.length ?? 0;

  test('every command that reaches a device goes there', async () => {
    const target = ['--target', 'board-7'];
    const manifest = path.join(fixture.dir, 'way.csv');
    await writeFile(manifest, 'device_id,target\nway-01,board-7\n');
    const commands: readonly (readonly string[])[] = [
      ['enroll', '--device-id', 'way-01', ...target, '--dry-run', ...agentBinary],
      ['enroll', '--device-id', 'way-01', ...target, ...agentBinary],
      ['batch', manifest, ...agentBinary],
      ['rotate', 'way-01', ...target, ...agentBinary],
      ['decommission', 'way-01', ...target, '--yes'],
    ];
    for (const words of commands) {
      const before = passed();
      const run = await cli(...words, ...wayWithout());
      expect(run.status, `${words[0]}: ${run.stderr}${run.stdout}`).toBe(0);
      expect(passed(), words[0]).toBeGreaterThan(before);
    }
    const root = fixture.lab.devices[0]?.root ?? '';
    expect(existsSync(path.join(root, 'etc/fleet-agent'))).toBe(false);
  });

  const findingsOf = async (...words: readonly string[]) => {
    const run = await cli('doctor', '--target', 'board-7', ...words);
    const findings = run.events('diagnosis')[0]?.findings ?? [];
    return {
      states: Object.fromEntries(findings.map(({ check, state }) => [check, state])),
      codes: findings.flatMap(({ code }) => (code === undefined ? [] : [code])),
    };
  };

  test('doctor goes there too', async () => {
    const before = passed();
    const { states } = await findingsOf(...wayWithout());
    expect(states).toMatchObject({ connection: 'ok', 'host-key': 'ok', login: 'ok' });
    expect(passed()).toBe(before + 1);
  });

  test.each([
    ['--ssh-config', 'DEVICE_UNREACHABLE'],
    ['--ssh-agent', 'DEVICE_JUMP_REFUSED'],
    ['--known-hosts', 'DEVICE_HOST_KEY_UNKNOWN'],
  ])('without %s nobody gets there: %s', async (left, code) => {
    const { states, codes } = await findingsOf(...wayWithout(left));
    expect(states.login).not.toBe('ok');
    expect(codes[0]).toBe(code);
  });

  test('without --jump the device is reached past the jump host', async () => {
    const before = passed();
    const { states } = await findingsOf(...wayWithout('--jump'));
    expect(states.login).toBe('ok');
    expect(passed()).toBe(before);
  });

  test('a jump host that is none is a mistake of the command line', async () => {
    const run = await cli('doctor', '--target', 'board-7', '--jump', 'local');
    expect(run.status).toBe(2);
    expect(run.events('usage')[0]?.says).toContain('--jump: ');
    expect((await cli('doctor', '--target', 'board-7', '--host-keys', 'any')).status).toBe(2);
  });
});
