import { beforeEach, describe, expect, it } from 'vitest';
import { keyPath } from '../device/paths.ts';
import { buildProfile, deviceId, keyRealm } from '../testing/builders.ts';
import { beginEnrollment, enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { recoverKeys } from './machine-keys.ts';

let world: FakeWorld;
let device: FakeDevice;
let oldKey: string | undefined;

/** A board that is enrolled as board-01 and is now to be board-02. */
beforeEach(async () => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
  device.serial = '10000000abcdef01';
  await enrollOnce(world, 'board.local');
  oldKey = device.keyId;
  device.exchanges = 0;
  await world.clock.advance(5_000);
  device.deviceId = 'board-02';
});

const as = { deviceId: deviceId('board-02') };
const enroll = (changes = {}) => enrollOnce(world, 'board.local', { ...as, ...changes });
const keysOf = (id: string) => world.identity.liveKeys(id);
const fail = (says: string): never => {
  throw new Error(says);
};
/** The board that was enrolled, for longer than anybody is taken for alive. */
async function switchOff(): Promise<void> {
  device.reachesNats = false;
  device.unit.active = false;
  await world.clock.advance(10 * 60_000);
}
const open = () => world.journal.unsettledKeyIntents(keyRealm);
const notes = (log: readonly { readonly text: string }[]) =>
  log.map((line) => line.text).filter((text) => text.startsWith(`key ${oldKey} of`));

function expectSettled(): void {
  expect(keysOf('board-01')).toEqual([]);
  expect(keysOf('board-02')).toEqual([device.keyId]);
  expect(open()).toEqual([]);
}

it('is deleted too where the search does not show it yet: another station gave it a moment ago', async () => {
  device.deviceId = 'board-01';
  world.identity.unlisted.add(oldKey ?? '');
  expect((await enrollOnce(world, 'board.local', { deviceId: deviceId('board-01') })).error).toBeUndefined();
  expect(device.keyId).not.toBe(oldKey);
  expect(keysOf('board-01')).toEqual([device.keyId]);
  expect(open()).toEqual([]);
});

describe('the key of another machine user', () => {
  it('is deleted once the new one has proven to work, and the log tells', async () => {
    const { error, log } = await enroll();
    expect(error).toBeUndefined();
    expect(notes(log)).toEqual([expect.stringMatching(/which the device held before, deleted$/)]);
    expectSettled();
  });

  it('stays while the new one has not proven to work, and goes with the next run', async () => {
    device.reachesNats = false;
    expect((await enroll()).error?.code).toBe('AGENT_NO_HEARTBEAT');
    expect(keysOf('board-01')).toEqual([oldKey]);
    expect(open()).toMatchObject([{ userId: world.identity.userId('board-01'), keyId: oldKey }]);
    // A run that finds the new key in place proves nothing by that.
    await world.clock.advance(60_000);
    expect((await enroll()).error?.code).toBe('AGENT_NO_HEARTBEAT');
    expect(keysOf('board-01')).toEqual([oldKey]);
    device.reachesNats = true;
    await world.clock.advance(60_000);
    expect((await enroll()).error).toBeUndefined();
    expectSettled();
  });

  it('stays with whoever still signs in with it: the card was a copy', async () => {
    const run = beginEnrollment(world, 'board.local', as);
    await world.clock.advance(30_000);
    world.heartbeats.beat('board-01', oldKey);
    const { error, log } = await world.clock.run(run);
    expect(error).toBeUndefined();
    expect(keysOf('board-01')).toEqual([oldKey]);
    expect(notes(log)).toEqual([expect.stringContaining('stays: board-01 signs in with it')]);
    expect(open()).toEqual([]);
  });

  it('stays where it is that of a board whose card was copied, though that board has been off for long', async () => {
    const copy = world.addDevice('board-03', 'copy.local');
    copy.serial = '10000000abcdef03';
    copy.files.set(keyPath, device.files.get(keyPath) ?? fail('no key file'));
    await switchOff();
    const { error, log } = await enrollOnce(world, 'copy.local', { deviceId: deviceId('board-03') });
    expect(error).toBeUndefined();
    expect(copy.keyId).not.toBe(oldKey);
    expect(keysOf('board-01')).toEqual([oldKey]);
    expect(notes(log)).toEqual([
      expect.stringContaining('stays: this station did not give it to this board'),
    ]);
    expect(open()).toEqual([]);
  });

  it('stays where a board names one that is no device of the fleet at all', async () => {
    world.identity.users.set('auth-callout', '777');
    const { keyId } = await world.identity.mintKey('777', 1_900_000_000_000, new AbortController().signal);
    const hostile = world.addDevice('board-03', 'hostile.local');
    const content = JSON.stringify({ type: 'serviceaccount', keyId, key: 'x', userId: '777' });
    hostile.files.set(keyPath, { content, rights: '640:999:999' });
    // It may claim to be the board of another id, too.
    hostile.serial = device.serial;
    expect(
      (await enrollOnce(world, 'hostile.local', { deviceId: deviceId('board-03') })).error,
    ).toBeUndefined();
    expect(world.identity.isLive(keyId)).toBe(true);
    expect(open()).toEqual([]);
  });

  it('stays where a board says the serial number of another one: its host key tells', async () => {
    const hostile = world.addDevice('board-03', 'hostile.local');
    hostile.files.set(keyPath, device.files.get(keyPath) ?? fail('no key file'));
    hostile.serial = device.serial;
    hostile.hostKey = 'SHA256:hostile';
    await switchOff();
    const { error, log } = await enrollOnce(world, 'hostile.local', { deviceId: deviceId('board-03') });
    expect(error).toBeUndefined();
    expect(keysOf('board-01')).toEqual([oldKey]);
    expect(notes(log)).toEqual([
      expect.stringContaining('stays: this station did not give it to this board'),
    ]);
  });

  it('stays where the board has no serial number to be known by', async () => {
    // So it is on record: as one of all boards that show zeros.
    device.serial = '0000000000000000';
    device.deviceId = 'board-01';
    expect(
      (await enrollOnce(world, 'board.local', { deviceId: deviceId('board-01') })).error,
    ).toBeUndefined();
    expect(world.journal.boardOf(keyRealm, 'board-01')?.serial).toBe(device.serial);
    device.deviceId = 'board-02';
    const { error, log } = await enroll();
    expect(error).toBeUndefined();
    expect(keysOf('board-01')).toEqual([oldKey]);
    expect(notes(log)).toEqual([
      expect.stringContaining('stays: this station did not give it to this board'),
    ]);
    expect(open()).toEqual([]);
  });

  it('is left alone where no heartbeat can prove anything', async () => {
    const profile = buildProfile({ nats: undefined });
    const { error, log } = await enroll({ profile, fleet: undefined });
    expect(error).toBeUndefined();
    expect(keysOf('board-01')).toEqual([oldKey]);
    expect(notes(log)).toEqual([expect.stringContaining('is left alone')]);
    expect(open()).toEqual([]);
  });

  it('that cannot be deleted now is remembered', async () => {
    world.identity.failNext('deleteKey', 'before');
    const { error, log } = await enroll();
    expect(error).toBeUndefined();
    expect(notes(log)).toEqual([expect.stringContaining('could not be deleted yet')]);
    expect(open()).toHaveLength(1);
    expect((await enroll()).error).toBeUndefined();
    expectSettled();
  });

  it('is never deleted by the recovery at a start: only a look can tell who holds it', async () => {
    device.exchanges = 0;
    device.faults.push({ exchange: 2, when: 'before', kind: 'hangs' });
    void beginEnrollment(world, 'board.local', as);
    await world.clock.advance(120_000);
    await world.clock.run(recoverKeys({ ...world.ports(), identity: world.identity, realm: keyRealm }));
    expect(device.keyId).toBe(oldKey);
    expect(keysOf('board-01')).toEqual([oldKey]);
  });
});

describe('a station that dies', () => {
  const cuts = [1, 2, 3].flatMap((exchange) =>
    (['before', 'after', 1, 2, 3, 4] as const).map((when) => ({ exchange, when })),
  );
  it.each(cuts)('$when exchange $exchange leaves no key without a holder or an entry', async (cut) => {
    device.faults.push({ ...cut, kind: 'hangs' });
    void beginEnrollment(world, 'board.local', as);
    await world.clock.advance(5_000);
    device.faults.length = 0;
    const known = [device.keyId, ...open().map((intent) => intent.keyId)];
    for (const keyId of [...keysOf('board-01'), ...keysOf('board-02')]) expect(known).toContain(keyId);
    await world.clock.run(recoverKeys({ ...world.ports(), identity: world.identity, realm: keyRealm }));
    expect((await enroll()).error).toBeUndefined();
    expectSettled();
  });
});
