import { beforeEach, describe, expect, it } from 'vitest';
import { binaryPath, configPath, keyPath } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { StepId } from '../model/enrollment.ts';
import { Secret } from '../model/secret.ts';
import { buildProfile, keyRealm } from '../testing/builders.ts';
import { enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { type ExchangeLimits, tripLimits, uploadLimits } from './device-limits.ts';

let world: FakeWorld;
let device: FakeDevice;

beforeEach(() => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
});

describe('a fresh device', () => {
  it('takes all steps, in at most five round trips and one upload', async () => {
    const { error, steps, row } = await enrollOnce(world, 'board.local');
    expect(error).toBeUndefined();
    expect(new Set(Object.values(steps))).toEqual(new Set(['done']));
    expect(row.roundTrips).toBeLessThanOrEqual(5);
    expect(device.exchanges).toBe(row.roundTrips + 1);
    expect(device.uploads).toBe(1);
    expect(device.restarts).toBe(1);
    expect(world.identity.liveKeys('board-01')).toEqual([device.keyId]);
    expect([...world.journal.intents.values()].map((intent) => intent.state)).toEqual(['delivered']);
    expect(device.openSessions).toBe(0);
  });

  it('is given up where nothing moves: upload and trips have a limit for that', async () => {
    const limits = new Map<string, Partial<ExchangeLimits>>();
    const note = ({ title }: { title: string }, options: Partial<ExchangeLimits>) =>
      limits.set(title, { limitMs: options.limitMs ?? 0, quietLimitMs: options.quietLimitMs ?? 0 });
    const open = device.open.bind(device);
    device.open = (user) => {
      const session = open(user);
      return {
        ...session,
        run: (command, options) => {
          note(command, options);
          return session.run(command, options);
        },
        upload: (command, file, options) => {
          note(command, options);
          sizeBytes = file.sizeBytes;
          return session.upload(command, file, options);
        },
      };
    };
    let sizeBytes = 0;
    await enrollOnce(world, 'board.local');
    expect(limits.get(`cat > ${binaryPath}`)).toEqual(uploadLimits(sizeBytes));
    const trips = [...limits].filter(([title]) => /\b(?:packages|key-config|unit)\b/.test(title));
    expect(trips.length).toBeGreaterThanOrEqual(2);
    for (const [title, given] of trips) expect(given).toEqual(tripLimits(title.split(', ') as StepId[]));
  });

  it('mints only after packages, user and binary are in place', async () => {
    let doneAtMint: readonly string[] = [];
    const { identity } = world;
    const mint = identity.mintKey.bind(identity);
    identity.mintKey = (userId, expiresAt, signal) => {
      doneAtMint = [...device.done];
      return mint(userId, expiresAt, signal);
    };
    await enrollOnce(world, 'board.local');
    expect(doneAtMint.some((title) => title.startsWith('apt-get'))).toBe(true);
    expect(doneAtMint.some((title) => title.endsWith(binaryPath))).toBe(true);
    expect(doneAtMint.some((title) => title.includes(keyPath))).toBe(false);
  });

  it('is refused for its system, its clock or its space before anything is touched', async () => {
    const table: [Partial<FakeDevice>, string][] = [
      [{ osVersion: '11' }, 'DEVICE_UNSUPPORTED'],
      [{ machine: 'riscv64' }, 'DEVICE_UNSUPPORTED'],
      [{ clockOffsetSeconds: -4000 }, 'DEVICE_CLOCK_OFF'],
      [{ freeKib: 1000 }, 'DEVICE_DISK_FULL'],
      [{ elevation: 'none' }, 'DEVICE_SUDO_REFUSED'],
    ];
    for (const [change, code] of table) {
      const odd = Object.assign(world.addDevice('board-02', 'odd.local'), change);
      const { error, steps } = await enrollOnce(world, 'odd.local');
      expect(error?.code).toBe(code);
      expect(steps.connect).toBe('failed');
      expect(odd.done).toEqual([]);
    }
    expect(world.identity.calls).toEqual([]);
  });
});

describe('a clock that is off', () => {
  beforeEach(() => {
    device.clockOffsetSeconds = -4000;
  });

  it('is set to the station’s time when the operator asks for it, and the device enrolls', async () => {
    const { error, log, row } = await enrollOnce(world, 'board.local', { setClock: true });
    expect(error).toBeUndefined();
    const set = device.done[0] ?? '';
    expect(Math.abs(Number(/@(\d+)$/.exec(set)?.[1]) * 1000 - world.clock.nowMs())).toBeLessThan(120_000);
    expect(log.filter((line) => line.kind === 'command').map((line) => line.text)).toContain(set);
    expect(Math.abs(row.facts?.clockOffsetSeconds ?? 99)).toBeLessThan(3);
  });

  it('is never set unasked', async () => {
    const { error } = await enrollOnce(world, 'board.local');
    expect(error).toMatchObject({ code: 'DEVICE_CLOCK_OFF' });
    expect(device.done).toEqual([]);
  });

  it('costs no round trip where it is right', async () => {
    device.clockOffsetSeconds = 0;
    const { row } = await enrollOnce(world, 'board.local', { setClock: true });
    expect(row.roundTrips).toBeLessThanOrEqual(5);
    expect(device.done[0]).not.toContain('date');
  });
});

describe('a device that is enrolled already', () => {
  it('changes nothing and asks the provider for nothing new, in at most three round trips', async () => {
    await enrollOnce(world, 'board.local');
    const before = device.snapshot;
    const mutating = world.identity.mutatingCalls;
    const { error, steps, row } = await enrollOnce(world, 'board.local');
    expect(error).toBeUndefined();
    expect(steps).toEqual({
      ...{ check: 'done', connect: 'done', identity: 'already', packages: 'already', user: 'already' },
      ...{ binary: 'already', 'key-config': 'already', unit: 'already', heartbeat: 'done' },
    });
    expect(row.roundTrips).toBeLessThanOrEqual(3);
    expect(device.snapshot).toEqual(before);
    expect(device.restarts).toBe(1);
    expect(world.identity.mutatingCalls).toBe(mutating);
  });

  it('gets another config and a restart, and keeps its key, when a label changes', async () => {
    await enrollOnce(world, 'board.local');
    const keyId = device.keyId;
    const { steps } = await enrollOnce(world, 'board.local', { labels: { group: 'batch8' } });
    expect(steps['key-config']).toBe('done');
    expect(device.files.get(configPath)?.content).toContain('batch8');
    expect(device.keyId).toBe(keyId);
    expect(device.restarts).toBe(2);
  });

  it('gets a new key when its own no longer logs in, and loses the old ones after the heartbeat', async () => {
    await enrollOnce(world, 'board.local');
    device.files.delete(keyPath);
    const old = world.identity.liveKeys('board-01');
    const { error } = await enrollOnce(world, 'board.local');
    expect(error).toBeUndefined();
    expect(world.identity.liveKeys('board-01')).toEqual([device.keyId]);
    expect(old).not.toContain(device.keyId);
  });

  it('keeps its old keys while the new one has not proven to work', async () => {
    await enrollOnce(world, 'board.local');
    const old = device.keyId;
    device.files.delete(keyPath);
    device.reachesNats = false;
    const { error } = await enrollOnce(world, 'board.local');
    expect(error?.code).toBe('AGENT_NO_HEARTBEAT');
    expect(world.identity.liveKeys('board-01')).toEqual([old, device.keyId]);
    device.reachesNats = true;
    expect((await enrollOnce(world, 'board.local')).error).toBeUndefined();
    expect(world.identity.liveKeys('board-01')).toEqual([device.keyId]);
    expect(world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
  });
});

describe('what is told', () => {
  it('shows the agent’s own last words when no heartbeat comes', async () => {
    device.reachesNats = false;
    const { error, steps, log } = await enrollOnce(world, 'board.local');
    expect(error?.code).toBe('AGENT_NO_HEARTBEAT');
    expect(error?.evidence).toContain('nats: connection refused');
    expect(error?.details.likely).toContain('nats: connection refused');
    expect(log.some((line) => line.text.includes('nats: connection refused'))).toBe(true);
    expect(steps).toMatchObject({ unit: 'done', heartbeat: 'failed' });
  });

  it('never calls a device enrolled whose heartbeat could not be heard', async () => {
    world.heartbeats.setLink({ state: 'lost', code: 'NATS_REFUSED', evidence: 'authorization violation' });
    const { error, steps } = await enrollOnce(world, 'board.local');
    expect(error).toMatchObject({ code: 'NATS_REFUSED', evidence: 'authorization violation' });
    expect(steps.heartbeat).toBe('failed');
  });

  it('says that the heartbeat was not checked where the profile names no NATS', async () => {
    const profile = buildProfile({ nats: undefined });
    const { error, steps, row } = await enrollOnce(world, 'board.local', { profile, fleet: undefined });
    expect(error).toBeUndefined();
    expect(steps.heartbeat).toBe('skipped');
    expect(row.steps.at(-1)?.note).toContain('not checked');
  });

  it('stops at a changed host key before the device is looked at', async () => {
    await enrollOnce(world, 'board.local');
    device.hostKey = 'SHA256:second';
    const exchanges = device.exchanges;
    const { error } = await enrollOnce(world, 'board.local');
    expect(error).toMatchObject({
      code: 'DEVICE_HOST_KEY_CHANGED',
      details: { expected: 'SHA256:first', actual: 'SHA256:second' },
    });
    expect(device.exchanges).toBe(exchanges);
  });

  it('asks for the sudo password, and goes on once it has it', async () => {
    device.elevation = 'sudo-password';
    const first = await enrollOnce(world, 'board.local');
    expect(first.error?.code).toBe('DEVICE_SUDO_PASSWORD_NEEDED');
    const wrong = await enrollOnce(world, 'board.local', { sudoPassword: new Secret('wrong') });
    expect(wrong.error?.code).toBe('DEVICE_SUDO_REFUSED');
    const right = await enrollOnce(world, 'board.local', { sudoPassword: new Secret(device.sudoPassword) });
    expect(right.error).toBeUndefined();
    expect(right.row.roundTrips).toBeLessThanOrEqual(5);
  });
});

describe('agent binaries', () => {
  const broken = (code: 'AGENT_BINARY_MISSING' | 'AGENT_BINARY_WRONG_ARCHITECTURE'): EnrollmentError =>
    new EnrollmentError(code, { details: { path: 'agent-aarch64', architecture: 'aarch64' } });

  it.each(['AGENT_BINARY_MISSING', 'AGENT_BINARY_WRONG_ARCHITECTURE'] as const)(
    '%s is told before the device or the provider is changed',
    async (code) => {
      world.brokenBinaries.set('agent-aarch64', broken(code));
      const { error } = await enrollOnce(world, 'board.local');
      expect(error?.code).toBe(code);
      expect(device.done).toEqual([]);
      expect(world.identity.mutatingCalls).toBe(0);
    },
  );

  it('does not stop a device for a broken binary of another architecture', async () => {
    world.brokenBinaries.set('agent-x86_64', broken('AGENT_BINARY_MISSING'));
    expect((await enrollOnce(world, 'board.local')).error).toBeUndefined();
  });

  it('is told in the check step when no binary at all is there, before the device is reached', async () => {
    for (const path of ['agent-x86_64', 'agent-aarch64', 'agent-armv7'])
      world.brokenBinaries.set(path, broken('AGENT_BINARY_MISSING'));
    const { error, steps } = await enrollOnce(world, 'board.local');
    expect(error?.code).toBe('AGENT_BINARY_MISSING');
    expect(steps).toMatchObject({ check: 'failed', connect: 'waiting' });
    expect(device.exchanges).toBe(0);
  });
});
