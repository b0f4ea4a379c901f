import { beforeEach, describe, expect, it } from 'vitest';
import { buildProfile, deviceId, freshFacts, keyRealm } from '../testing/builders.ts';
import { beginEnrollment, enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { type BoardContext, putOnRecord } from './board-on-record.ts';
import { Boards } from './boards.ts';
import { ALIVE_FOR_MS } from './id-in-use.ts';

let world: FakeWorld;
let first: FakeDevice;
let second: FakeDevice;

beforeEach(() => {
  world = createFakePorts();
  first = Object.assign(world.addDevice('board-01', 'first.local'), { serial: '1001' });
  second = Object.assign(world.addDevice('board-01', 'second.local'), {
    ...{ serial: '1002', hostKey: 'SHA256:second', hostname: 'second' },
  });
});

const onRecord = () => world.journal.boardOf(keyRealm, 'board-01');
const enroll = (address: string, changes: Parameters<typeof enrollOnce>[2] = {}) =>
  enrollOnce(world, address, changes);

/** Its heartbeats end, and have been over for long enough that nobody listens for them. */
async function switchOff(device: FakeDevice): Promise<void> {
  device.reachesNats = false;
  await world.clock.advance(ALIVE_FOR_MS + 1);
}

/** Everything a run for a board could change. */
function everything(device: FakeDevice): unknown {
  const { identity, journal } = world;
  return structuredClone({
    ...{ done: device.done, files: device.snapshot, boards: [...journal.boards], runs: journal.runs },
    identity: [identity.mutatingCalls, [...identity.users], [...identity.keys], [...identity.grants]],
  });
}

describe('an id whose board is switched off', () => {
  beforeEach(async () => {
    expect((await enroll('first.local')).error).toBeUndefined();
    await switchOff(first);
  });

  it('is refused to another board, with nothing made for it and the first one named', async () => {
    const before = everything(second);
    const givenAt = onRecord()?.givenAt ?? 0;
    const { error, steps } = await enroll('second.local');
    expect(error).toMatchObject({
      ...{ code: 'DEVICE_ID_OF_OTHER_BOARD', phase: 'check', stepId: 'identity', subject: 'board-01' },
      details: {
        deviceId: 'board-01',
        other: 'the board at ssh://pi@first.local with serial number 1001',
        day: new Date(givenAt).toISOString().slice(0, 10),
      },
    });
    expect(error?.evidence).toBe(
      [
        `On record since ${new Date(givenAt).toISOString()}, at ssh://pi@first.local: serial number 1001, machine id ${first.machineId}, host key SHA256:first`,
        `This board, at ssh://pi@second.local: serial number 1002, machine id ${second.machineId}, host key SHA256:second`,
      ].join('\n'),
    );
    expect(steps.packages).toBe('waiting');
    expect(everything(second)).toEqual(before);
  });

  it('is taken over when the operator says so: then it is the other one’s, and the first is refused', async () => {
    const since = new Date(onRecord()?.givenAt ?? 0).toISOString().slice(0, 10);
    const { error, log } = await enroll('second.local', { takeOver: true });
    expect(error).toBeUndefined();
    expect(log.map(({ text }) => text)).toContain(
      `the operator takes this id over from the board at ssh://pi@first.local with serial number 1001 since ${since}`,
    );
    expect(onRecord()).toMatchObject({ serial: '1002', hostKey: 'SHA256:second' });
    expect(world.identity.liveKeys('board-01')).toEqual([second.keyId]);
    await switchOff(second);
    first.reachesNats = true;
    const back = await enroll('first.local');
    expect(back.error).toMatchObject({ code: 'DEVICE_ID_OF_OTHER_BOARD', details: { deviceId: 'board-01' } });
    second.reachesNats = true;
    expect((await enroll('second.local')).error).toBeUndefined();
  });

  it.each<[string, Partial<FakeDevice>]>([
    ['its card flashed anew', { machineId: 'beef', hostKey: 'SHA256:anew' }],
    ['the host key kept and the serial number unreadable', { machineId: 'beef', serial: '' }],
    ['the serial number unreadable on the same card', { serial: '', hostKey: 'SHA256:anew' }],
  ])('is still its own with %s, since the day it was given', async (_what, change) => {
    const before = onRecord();
    first.files.clear();
    Object.assign(first, { reachesNats: true }, change);
    world.journal.hostKeys.clear();
    expect((await enroll('first.local')).error).toBeUndefined();
    expect(onRecord()).toEqual({
      ...before,
      ...{ machineId: first.machineId, hostKey: first.hostKey, serial: '1001' },
    });
  });

  it('is refused to a copy of its card in another board', async () => {
    for (const [path, file] of first.files) second.files.set(path, file);
    Object.assign(second, { machineId: first.machineId, hostKey: first.hostKey });
    Object.assign(second.unit, first.unit);
    Object.assign(second.user, first.user);
    second.missing.clear();
    expect((await enroll('second.local')).error?.code).toBe('DEVICE_ID_OF_OTHER_BOARD');
    // Taken over, it gets a key of its own: the other board holds the copied one.
    const copied = second.keyId;
    expect((await enroll('second.local', { takeOver: true })).error).toBeUndefined();
    expect(second.keyId).not.toBe(copied);
    expect(world.identity.liveKeys('board-01')).toEqual([second.keyId]);
  });

  it('is another id in another fleet', async () => {
    const profile = buildProfile();
    const elsewhere = { ...profile, identity: { ...profile.identity, project_id: '371639797157000099' } };
    expect((await enroll('second.local', { profile: elsewhere })).error).toBeUndefined();
    expect(onRecord()).toMatchObject({ serial: '1001' });
  });

  it('passes unwritten where nothing has changed', async () => {
    first.reachesNats = true;
    world.journal.refusesWrites = true;
    expect((await enroll('first.local')).error).toBeUndefined();
  });
});

describe('boards without serial numbers', () => {
  beforeEach(async () => {
    Object.assign(first, { serial: '' });
    Object.assign(second, { serial: '' });
    expect((await enroll('first.local')).error).toBeUndefined();
    await switchOff(first);
  });

  it('are told apart by machine id and host key together', async () => {
    const { error } = await enroll('second.local');
    expect(error).toMatchObject({
      ...{ code: 'DEVICE_ID_OF_OTHER_BOARD' },
      details: { other: 'the board at ssh://pi@first.local' },
    });
  });

  it('are not told apart with one host key', async () => {
    second.hostKey = first.hostKey;
    expect((await enroll('second.local')).error).toBeUndefined();
  });
});

describe('the record', () => {
  it('is written before anything is made for the id, and where it cannot be, nothing is', async () => {
    world.journal.pinHostKey('first.local', { fingerprint: first.hostKey, keyType: undefined });
    world.journal.refusesWrites = true;
    expect((await enroll('first.local')).error?.code).toBe('STATION_JOURNAL_FAILED');
    expect([world.identity.mutatingCalls, first.done]).toEqual([0, []]);
    world.journal.refusesWrites = false;
    world.identity.failNext('ensureAccount', 'before');
    expect((await enroll('first.local')).error?.code).toBe('IDENTITY_UNREACHABLE');
    expect(onRecord()).toMatchObject({ serial: '1001', target: 'ssh://pi@first.local' });
  });

  it('is not written for a board that has not got so far', async () => {
    first.freeKib = 1000;
    expect((await enroll('first.local')).error?.code).toBe('DEVICE_DISK_FULL');
    first.freeKib = 8_000_000;
    world.identity.failNext('requireProject', 'before');
    expect((await enroll('first.local')).error?.code).toBe('IDENTITY_UNREACHABLE');
    const boards = new Boards();
    const facts = freshFacts({ machineId: first.machineId, bootId: undefined });
    boards.claim(deviceId('board-02'), first.hostKey, facts);
    expect((await enroll('first.local', { boards })).error?.code).toBe('DEVICE_SAME_BOARD');
    expect(onRecord()).toBeUndefined();
    expect((await enroll('second.local')).error).toBeUndefined();
  });

  it('keeps what this look does not tell: this computer has no host key', () => {
    const put = (hostKeyFingerprint: string | undefined, facts: Parameters<typeof freshFacts>[0]) =>
      putOnRecord({
        ...{ ports: world.ports(), profile: buildProfile(), deviceId: deviceId('board-01') },
        ...{ target: { kind: 'local' }, session: { hostKeyFingerprint }, look: { facts: freshFacts(facts) } },
      } as unknown as BoardContext);
    put('SHA256:a', { serial: '1001', machineId: 'f00d' });
    const before = onRecord();
    put(undefined, { serial: undefined, machineId: 'f00d' });
    expect(onRecord()).toEqual(before);
    put(undefined, { serial: undefined, machineId: 'beef' });
    expect(onRecord()).toMatchObject({ machineId: 'beef', serial: undefined, hostKey: undefined });
  });
});

describe.each([
  ...[1, 2, 3, 4, 5].flatMap((exchange) => [
    { exchange, when: 'before' as const },
    { exchange, when: 'after' as const },
  ]),
  ...[2, 3, 4].flatMap((exchange) => [1, 3].map((when) => ({ exchange, when }))),
])('after a station died $when exchange $exchange', (cut) => {
  // Nothing is made for the id before the first look is back.
  const isGiven = cut.exchange > 1;

  it('the same board goes on with the id', async () => {
    await dieAt(cut);
    expect(onRecord()?.serial).toBe(isGiven ? '1001' : undefined);
    expect((await enroll('first.local')).error).toBeUndefined();
    expect(world.identity.liveKeys('board-01')).toEqual([first.keyId]);
  });

  it('another board does not get it unasked', async () => {
    await dieAt(cut);
    await switchOff(first);
    const before = everything(second);
    const { error } = await enroll('second.local');
    expect(error?.code).toBe(isGiven ? 'DEVICE_ID_OF_OTHER_BOARD' : undefined);
    if (isGiven) expect(everything(second)).toEqual(before);
    expect((await enroll('second.local', { takeOver: true })).error).toBeUndefined();
    expect(world.identity.liveKeys('board-01')).toEqual([second.keyId]);
  });

  async function dieAt(at: typeof cut): Promise<void> {
    first.faults.push({ ...at, kind: 'hangs' });
    void beginEnrollment(world, 'first.local');
    await world.clock.advance(5_000);
    first.faults.length = 0;
  }
});
