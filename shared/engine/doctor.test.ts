import { beforeEach, describe, expect, it } from 'vitest';
import { binaryPath, keyPath } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { Secret } from '../model/secret.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { parseTarget } from '../model/target.ts';
import { buildProfile, deviceId } from '../testing/builders.ts';
import { enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { nonceOf } from '../testing/read-script.ts';
import { diagnose } from './doctor.ts';
import { doctorChecks } from './doctor-checks.ts';
import type { DoctorInput } from './doctor-input.ts';
import type { StationPorts } from './ports.ts';

let world: FakeWorld;
let device: FakeDevice;
let probed: Record<string, string>;
beforeEach(() => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
  probed = { 'reach-issuer': 'connected', 'reach-nats-1': 'connected INFO' };
});

/** The fake device with an answer to the probe. */
function connector(): StationPorts['connector'] {
  const { connector: fake } = world.ports();
  return {
    ...fake,
    connect: async (target, options) => {
      const session = await fake.connect(target, options);
      return {
        ...session,
        run: async (command, run) => {
          if (command.title !== 'Probe the device') return session.run(command, run);
          const nonce = nonceOf(command.script);
          const lines = Object.entries({ ...probed, end: 'ok' }).map(
            ([name, value]) => `@${nonce} ${name} ${value}`,
          );
          return { exitStatus: 0, stdout: `${lines.join('\n')}\n`, stderr: '' };
        },
      };
    },
  };
}

function look(changes: Partial<DoctorInput> = {}) {
  const ports = { ...world.ports(), connector: connector() };
  const profile = buildProfile();
  const target = parseTarget('ssh://pi@board.local');
  if (!target.ok) throw new Error(target.says);
  const tokens = { accessToken: async () => new Secret('canary-token') };
  return world.clock.run(
    diagnose({
      ...{ ports, profile, target: target.target, deviceId: deviceId('board-01'), sudoPassword: undefined },
      ...{ credential: { user: 'pi' }, identity: ports.createIdentityProvider(profile, tokens) },
      knowsFleet: true,
      heartbeatOf: async () => heartbeat(0),
      signal: new AbortController().signal,
      ...changes,
    }),
  );
}

const heartbeat = (ageMs: number): Heartbeat => ({
  ...{ deviceId: 'board-01', receivedAt: world.clock.nowMs() - ageMs, revision: 7 },
  ...{ addresses: [], labels: {} },
});

const of = (diagnosis: Awaited<ReturnType<typeof look>>, state: string) =>
  diagnosis.findings.filter((finding) => finding.state === state).map((finding) => finding.check);

async function enrolled(): Promise<void> {
  await enrollOnce(world, 'board.local');
  probed['unit-state'] = 'active';
  probed['unit-restarts'] = '0';
}

describe('a doctor', () => {
  it('finds nothing wrong with a fresh device and with an enrolled one, and changes nothing', async () => {
    const everything = () =>
      structuredClone([
        ...[device.snapshot, device.done, [...world.journal.hostKeys], [...world.journal.intents]],
        ...[[...world.identity.users], [...world.identity.keys], world.journal.runs],
      ]);
    for (const prepare of [async () => undefined, enrolled]) {
      await prepare();
      const before = everything();
      const diagnosis = await look();
      expect(diagnosis.findings.map((finding) => finding.check)).toEqual(doctorChecks);
      expect(of(diagnosis, 'ok')).toEqual(doctorChecks);
      expect(diagnosis.problems).toBe(0);
      expect(everything()).toEqual(before);
      expect(device.openSessions).toBe(0);
    }
  });

  it('says what an enrollment would say of a device it cannot look into, and that the rest is not known', async () => {
    const table: [Partial<FakeDevice> | 'absent' | 'password', string, string, string[]][] = [
      ['absent', 'connection', 'DEVICE_UNREACHABLE', []],
      [{ hostKey: 'SHA256:other' }, 'host-key', 'DEVICE_HOST_KEY_CHANGED', ['connection']],
      ['password', 'login', 'DEVICE_LOGIN_REFUSED', ['connection']],
      [{ elevation: 'none' }, 'sudo', 'DEVICE_SUDO_REFUSED', ['connection', 'host-key', 'login']],
      [
        { elevation: 'sudo-password' },
        'sudo',
        'DEVICE_SUDO_PASSWORD_NEEDED',
        ['connection', 'host-key', 'login'],
      ],
    ];
    for (const [change, check, code, fine] of table) {
      world = createFakePorts();
      world.journal.hostKeys.set('board.local', { fingerprint: 'SHA256:first', keyType: undefined });
      device = world.addDevice('board-01', 'board.local');
      if (change === 'absent') world.devices.clear();
      else if (change === 'password') world.sshPasswords.set('board.local', 'canary');
      else Object.assign(device, change);
      const diagnosis = await look();
      expect(of(diagnosis, 'problem')).toEqual([check]);
      expect(diagnosis.findings.find((finding) => finding.check === check)?.code).toBe(code);
      expect(of(diagnosis, 'ok')).toEqual(fine);
      const unknown = diagnosis.findings.filter((finding) => finding.state === 'unknown');
      expect(unknown.every((finding) => finding.says.startsWith('Not known: '))).toBe(true);
    }
  });

  const conditions: [string, () => unknown, string[]][] = [
    ['another system', () => Object.assign(device, { osVersion: '11' }), ['system']],
    ['a clock far off', () => Object.assign(device, { clockOffsetSeconds: -4000 }), ['clock']],
    ['no space', () => Object.assign(device, { freeKib: 1000 }), ['space']],
    ['an apt that is busy', () => Object.assign(probed, { 'apt-lock': '812 unattended-upgr' }), ['apt-lock']],
    ['half an installation', () => Object.assign(probed, { 'broken-packages': 'podman' }), ['packages']],
    ['no way to NATS', () => Object.assign(probed, { 'reach-nats-1': 'Connection refused' }), ['nats']],
    ['no way to the issuer', () => Object.assign(probed, { 'reach-issuer': 'Name not known' }), ['identity']],
    [
      'an agent binary that is not there',
      () => world.brokenBinaries.set('agent-aarch64', new EnrollmentError('AGENT_BINARY_NOT_ELF')),
      ['architecture'],
    ],
  ];
  it.each(conditions)('names %s', async (_what, bring, expected) => {
    bring();
    const diagnosis = await look();
    expect(of(diagnosis, 'problem')).toEqual(expected);
    const finding = diagnosis.findings.find((candidate) => candidate.state === 'problem');
    expect(finding?.operatorDoes).toMatch(/^[A-Z`].+\.$/);
  });

  const after: [string, () => unknown, string[]][] = [
    [
      'an agent that does not start',
      () => Object.assign(probed, { 'unit-state': 'failed', journal: 'no key' }),
      ['unit'],
    ],
    [
      'an agent that starts again and again',
      () => Object.assign(probed, { 'unit-restarts': '12' }),
      ['unit'],
    ],
    ['a unit that is not enabled', () => Object.assign(device.unit, { enabled: false }), ['unit']],
    ['a key that was deleted', () => world.identity.keys.clear(), ['key']],
    ['a key of another account', () => world.identity.users.set('device-board-01', '1'), ['key', 'identity']],
    ['no key beside a running agent', () => device.files.delete(keyPath), ['key']],
    ['a grant that was taken away', () => world.identity.grants.clear(), ['identity']],
    [
      'a key others can read',
      () =>
        device.files.set(keyPath, { content: device.files.get(keyPath)?.content ?? '', rights: '644:0:0' }),
      ['key'],
    ],
  ];
  it.each(after)('of an enrolled device names %s', async (_what, bring, expected) => {
    await enrolled();
    bring();
    expect(of(await look(), 'problem')).toEqual(expected);
  });

  it('knows an older agent and a silent one', async () => {
    await enrolled();
    device.files.set(binaryPath, { content: 'old', rights: '755:0:0' });
    const old = await look();
    expect(old.findings.find((finding) => finding.check === 'agent')?.says).toContain('another one');
    for (const heartbeatOf of [async () => undefined, async () => heartbeat(3_600_000)]) {
      probed.journal = 'nats: connection refused';
      const silent = await look({ heartbeatOf });
      expect(of(silent, 'problem')).toEqual(['nats']);
      expect(silent.findings.at(-1)?.says).toContain('The agent says: nats: connection refused');
    }
  });

  it('tells what it cannot know without a sign-in, a device id, a binary or NATS', async () => {
    await enrolled();
    expect(of(await look({ identity: undefined, heartbeatOf: undefined }), 'unknown')).toEqual([
      'key',
      'identity',
      'nats',
    ]);
    const alone = await look({ knowsFleet: false, identity: undefined });
    expect(of(alone, 'unknown')).toEqual(['key', 'identity']);
    expect(of(await look({ deviceId: undefined }), 'unknown')).toEqual(['key', 'nats']);
    const bare = buildProfile({ nats: undefined, agent: { binaries: {} } });
    expect(of(await look({ profile: bare }), 'unknown')).toEqual(['architecture', 'nats']);
  });

  it('ends with its signal', async () => {
    const stop = new AbortController();
    stop.abort(new EnrollmentError('STATION_BUSY'));
    await expect(look({ signal: stop.signal })).rejects.toMatchObject({ code: 'STATION_BUSY' });
  });
});
