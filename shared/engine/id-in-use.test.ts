import { beforeEach, describe, expect, it } from 'vitest';
import { keyPath } from '../device/paths.ts';
import { beginEnrollment, enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { Fleet } from './fleet.ts';
import { ALIVE_FOR_MS } from './id-in-use.ts';

let world: FakeWorld;
let device: FakeDevice;
let fleet: Fleet;

beforeEach(() => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
  fleet = new Fleet(world.clock, { onHeartbeat: () => undefined, onLink: () => undefined });
});

/** From now on the station listens, as it has for a while when a batch begins. */
function listen(): void {
  fleet.follow(world.heartbeats, new AbortController().signal).catch(() => undefined);
}
const other = { hostname: 'raspberrypi', addresses: ['10.0.0.7'] };
const beatOfOther = () => world.heartbeats.beat('board-01', 'the-key-of-another', undefined, other);
const enroll = () => enrollOnce(world, 'board.local', { fleet });

describe('an id that another board is alive with', () => {
  it('is refused before anything is made, and the other board is named', async () => {
    listen();
    beatOfOther();
    const { error, steps } = await enroll();
    expect(error).toMatchObject({
      ...{ code: 'DEVICE_ID_IN_USE', stepId: 'identity' },
      details: { deviceId: 'board-01', other: 'raspberrypi at 10.0.0.7' },
    });
    expect(steps.packages).toBe('waiting');
    expect(device.done).toEqual([]);
    expect(world.identity.mutatingCalls).toBe(0);
  });

  it('is free again once the other has been silent for a while, whatever its own clock said', async () => {
    listen();
    beatOfOther();
    await world.clock.advance(ALIVE_FOR_MS + 1);
    expect((await enroll()).error).toBeUndefined();
  });

  it('is refused to a board that is enrolled itself, and whose own agent is stopped', async () => {
    await enrollOnce(world, 'board.local');
    device.unit.active = false;
    device.reachesNats = false;
    listen();
    beatOfOther();
    expect((await enroll()).error?.code).toBe('DEVICE_ID_IN_USE');
  });

  it('is refused to a board that runs an agent of its own under another host name', async () => {
    await enrollOnce(world, 'board.local');
    device.reachesNats = false;
    listen();
    beatOfOther();
    expect((await enroll()).error?.code).toBe('DEVICE_ID_IN_USE');
  });
});

describe('heartbeats of before the station began to listen', () => {
  it('that are old say nothing: a board that was flashed anew is enrolled', async () => {
    beatOfOther();
    await world.clock.advance(ALIVE_FOR_MS + 1);
    listen();
    const startedAt = world.clock.monotonicMs();
    expect((await enroll()).error).toBeUndefined();
    expect(world.clock.monotonicMs() - startedAt).toBeLessThan(5_000);
  });

  it('that may be of a live board are listened for; silence lets the board in', async () => {
    beatOfOther();
    listen();
    const { error, log } = await enroll();
    expect(error).toBeUndefined();
    expect(log.some((line) => line.text.startsWith('listening whether'))).toBe(true);
  });

  it('that are followed by another one are of a live board', async () => {
    beatOfOther();
    listen();
    const run = beginEnrollment(world, 'board.local', { fleet });
    await world.clock.advance(10_000);
    beatOfOther();
    expect((await world.clock.run(run)).error?.code).toBe('DEVICE_ID_IN_USE');
    expect(world.identity.mutatingCalls).toBe(0);
    expect(world.clock.monotonicMs()).toBe(10_000);
  });
});

describe('a board’s own heartbeats', () => {
  it('do not count, made with the key it holds', async () => {
    listen();
    await enroll();
    await world.clock.advance(31_000);
    expect((await enroll()).error).toBeUndefined();
  });

  it('do not count while its agent runs on with a key whose file is gone', async () => {
    listen();
    await enroll();
    device.files.delete(keyPath);
    await world.clock.advance(31_000);
    expect((await enroll()).error).toBeUndefined();
    expect(world.identity.liveKeys('board-01')).toEqual([device.keyId]);
  });

  it('do not count where a run was cut off between the new key and the restart, and the board restarted', async () => {
    listen();
    await enroll();
    device.files.delete(keyPath);
    await world.clock.advance(31_000);
    device.exchanges = 0;
    device.faults.push({ exchange: 2, when: 3, kind: 'hangs' });
    void beginEnrollment(world, 'board.local', { fleet });
    await world.clock.advance(2_000);
    device.unit.active = false;
    device.faults.length = 0;
    expect((await enroll()).error).toBeUndefined();
    expect(world.identity.liveKeys('board-01')).toEqual([device.keyId]);
  });
});
