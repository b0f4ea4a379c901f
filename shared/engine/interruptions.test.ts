import { describe, expect, it } from 'vitest';
import { binaryPath, keyPath } from '../device/paths.ts';
import { deviceId, keyRealm } from '../testing/builders.ts';
import { beginEnrollment, enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice, Fault } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { recoverKeys } from './machine-keys.ts';

interface Scene {
  readonly world: FakeWorld;
  readonly device: FakeDevice;
}

function fresh(): Scene {
  const world = createFakePorts();
  return { world, device: world.addDevice('board-01', 'board.local') };
}

/** A device that was enrolled, runs an old binary and lost its key file: nearly everything is to be done again. */
async function enrolledBefore(): Promise<Scene> {
  const scene = fresh();
  await enrollOnce(scene.world, 'board.local');
  scene.device.files.delete(keyPath);
  scene.device.files.set(binaryPath, { content: 'an older agent', rights: '755:0:0' });
  scene.device.exchanges = 0;
  return scene;
}

/** What the next start of the station does first. */
async function recover({ world }: Scene): Promise<void> {
  await world.clock.run(recoverKeys({ ...world.ports(), identity: world.identity, realm: keyRealm }));
}

/** What must hold once a device is through, however it got there. */
function expectConverged({ world, device }: Scene): void {
  const { identity, journal } = world;
  expect(identity.users.size).toBe(1);
  expect(identity.grants.size).toBe(1);
  expect(identity.liveKeys('board-01')).toEqual([device.keyId]);
  expect(journal.unsettledKeyIntents(keyRealm)).toEqual([]);
  expect(device.needsRestart).toBe(false);
  expect(device.openSessions).toBeLessThanOrEqual(1);
}

async function expectConverges(scene: Scene): Promise<void> {
  await recover(scene);
  const { error } = await enrollOnce(scene.world, 'board.local');
  expect(error).toBeUndefined();
  expect(scene.world.identity.liveKeys('board-01')).toEqual([scene.device.keyId]);
  const before = scene.device.snapshot;
  // Later, a station starts anew: what it still finds open must not cost the device its key.
  await scene.world.clock.advance(120_000);
  await recover(scene);
  const again = await enrollOnce(scene.world, 'board.local');
  expect(again.error).toBeUndefined();
  expect(again.steps['key-config']).toBe('already');
  expect(scene.device.snapshot).toEqual(before);
  expectConverged(scene);
}

const cuts: Pick<Fault, 'exchange' | 'when'>[] = [];
for (let exchange = 1; exchange <= 5; exchange += 1) {
  cuts.push({ exchange, when: 'before' }, { exchange, when: 'after' });
}
// Inside the trips: after each of their commands.
for (let fragments = 1; fragments <= 6; fragments += 1) {
  for (const exchange of [2, 3, 4]) cuts.push({ exchange, when: fragments });
}

describe.each([
  ['a fresh device', async () => fresh()],
  ['a device that is given a new key and binary', enrolledBefore],
] as const)('%s', (_name, begin) => {
  it.each(cuts.flatMap((cut) => [{ ...cut, kind: 'lost' } as const, { ...cut, kind: 'reboots' } as const]))(
    'is enrolled in one go though it $kind $when exchange $exchange',
    async (fault) => {
      const scene = await begin();
      scene.device.faults.push(fault);
      const { error, steps, row } = await enrollOnce(scene.world, 'board.local');
      expect(error).toBeUndefined();
      expect(Object.values(steps).filter((state) => !['done', 'already'].includes(state))).toEqual([]);
      expect(row.attempt).toBe(1);
      expectConverged(scene);
      await expectConverges(scene);
    },
  );

  it.each(cuts)('converges when the station dies $when exchange $exchange', async (cut) => {
    const scene = await begin();
    scene.device.faults.push({ ...cut, kind: 'hangs' });
    // Nothing of this station runs any more: the promise is left behind, as a killed process would leave it.
    void beginEnrollment(scene.world, 'board.local');
    await scene.world.clock.advance(5_000);
    scene.device.faults.length = 0;
    await expectConverges(scene);
  });

  it.each([
    ['requireProject', 'before'],
    ['ensureAccount', 'before'],
    ['ensureAccount', 'after'],
    ['listKeys', 'before'],
    ['mintKey', 'before'],
    ['mintKey', 'after'],
  ] as const)('converges when the provider fails at %s, %s the effect', async (call, when) => {
    const scene = await begin();
    // The keys of a user that was made just now are not asked for.
    await scene.world.identity.ensureAccount(deviceId('board-01'), 'unknown', new AbortController().signal);
    const keysBefore = scene.world.identity.liveKeys('board-01');
    scene.world.identity.failNext(call, when);
    const { error } = await enrollOnce(scene.world, 'board.local');
    expect(error?.code).toBe('IDENTITY_UNREACHABLE');
    expect(scene.world.identity.liveKeys('board-01')).toEqual(keysBefore);
    await expectConverges(scene);
  });
});

it('cuts every exchange of a fresh device, the upload among them, so that the table above is no empty one', async () => {
  for (const exchange of [1, 2, 3, 4, 5]) {
    const { world, device } = fresh();
    device.faults.push({ exchange, when: 'before', kind: 'lost' });
    const { error, log } = await enrollOnce(world, 'board.local');
    expect(error).toBeUndefined();
    expect(log.filter((line) => line.text.startsWith('connection lost'))).toHaveLength(1);
  }
});

describe('an agent whose files changed under it', () => {
  it('is restarted by the next run though all files are right by then', async () => {
    const scene = fresh();
    const { world, device } = scene;
    await enrollOnce(world, 'board.local');
    device.files.set(binaryPath, { content: 'an older agent', rights: '755:0:0' });
    device.exchanges = 0;
    // The new binary arrives, and the station dies before the restart.
    device.faults.push({ exchange: 2, when: 'after', kind: 'hangs' });
    void beginEnrollment(world, 'board.local');
    await world.clock.advance(1_000);
    expect(device.restarts).toBe(1);
    device.faults.length = 0;
    const { error, steps } = await enrollOnce(world, 'board.local');
    expect(error).toBeUndefined();
    expect(steps).toMatchObject({ binary: 'already', unit: 'done' });
    expect(device.restarts).toBe(2);
  });
});

describe('a command that fails on the device', () => {
  it('names the step, keeps the evidence and goes on from there the next time', async () => {
    const { world, device } = fresh();
    device.failing.set('loginctl', 'Failed to connect to bus');
    const { error, steps } = await enrollOnce(world, 'board.local');
    expect(error).toMatchObject({ code: 'DEVICE_COMMAND_FAILED', stepId: 'user' });
    expect(error?.evidence).toContain('Failed to connect to bus');
    expect(steps).toMatchObject({ packages: 'done', user: 'failed', binary: 'waiting' });
    device.failing.clear();
    expect((await enrollOnce(world, 'board.local')).steps).toMatchObject({
      ...{ packages: 'already', user: 'done' },
    });
  });

  it('deletes the new key when the device did not take it', async () => {
    const scene = fresh();
    scene.device.failing.set(`cat > ${keyPath}`, 'No space left on device');
    const { error } = await enrollOnce(scene.world, 'board.local');
    expect(error?.code).toBe('DEVICE_DISK_FULL');
    expect(scene.world.identity.liveKeys('board-01')).toEqual([]);
    expect(scene.world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
    scene.device.failing.clear();
    await expectConverges(scene);
  });

  it('keeps the new key when a later command of the same step fails: the device holds it', async () => {
    const scene = await enrolledBefore();
    scene.device.failing.set('write /etc/fleet-agent/config.toml', 'Read-only file system');
    await enrollOnce(scene.world, 'board.local', { labels: { group: 'batch8' } });
    expect(scene.device.keyId).toBeDefined();
    expect(scene.world.identity.liveKeys('board-01')).toContain(scene.device.keyId);
  });

  it('remembers a key that could not be deleted, and deletes it at the next start', async () => {
    const scene = fresh();
    scene.device.failing.set(`cat > ${keyPath}`, 'No space left on device');
    scene.world.identity.failNext('deleteKey', 'before');
    const { log } = await enrollOnce(scene.world, 'board.local');
    expect(log.some((line) => line.text.includes('could not be deleted yet'))).toBe(true);
    expect(scene.world.identity.liveKeys('board-01')).toHaveLength(1);
    const recovery = recoverKeys({
      ...scene.world.ports(),
      identity: scene.world.identity,
      realm: keyRealm,
    });
    expect(await scene.world.clock.run(recovery)).toEqual({ deleted: 1, undecided: 0 });
    expect(scene.world.identity.liveKeys('board-01')).toEqual([]);
    expect(scene.world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
    scene.device.failing.clear();
    await expectConverges(scene);
  });
});

describe('the journal', () => {
  it('that cannot be written stops the run before anything is minted', async () => {
    const { world, device } = fresh();
    await enrollOnce(world, 'board.local');
    device.files.delete(keyPath);
    const minted = world.identity.calls.filter((call) => call === 'mintKey').length;
    world.journal.refusesWrites = true;
    const { error } = await enrollOnce(world, 'board.local');
    expect(error?.code).toBe('STATION_JOURNAL_FAILED');
    expect(world.identity.calls.filter((call) => call === 'mintKey')).toHaveLength(minted);
  });

  it('that fails at the first contact closes the connection again', async () => {
    const { world, device } = fresh();
    world.journal.refusesWrites = true;
    expect((await enrollOnce(world, 'board.local')).error?.code).toBe('STATION_JOURNAL_FAILED');
    expect(device.openSessions).toBe(0);
    expect(device.exchanges).toBe(0);
  });
});
