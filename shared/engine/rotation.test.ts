import { beforeEach, describe, expect, it } from 'vitest';
import { buildProfile, keyRealm } from '../testing/builders.ts';
import { enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { profileOf, runStation } from '../testing/run-station.ts';
import { keyIdsToRenew } from './desired-state.ts';
import { Fleet } from './fleet.ts';

const DAY_MS = 86_400_000;
let world: FakeWorld;
let device: FakeDevice;

beforeEach(() => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
});

const live = () => world.identity.liveKeys('board-01');
const rotate = (
  rotation: { replacedKeyIds: readonly string[] | undefined } = { replacedKeyIds: undefined },
) => enrollOnce(world, 'board.local', { rotation });
const everMade = () => world.identity.expiries.size;

describe('rotating the key of a device', () => {
  it('replaces a good key, and deletes it once the new one has proven to work', async () => {
    await enrollOnce(world, 'board.local');
    const before = device.keyId;
    const { error, row } = await rotate();
    expect(error).toBeUndefined();
    expect(device.keyId).not.toBe(before);
    expect(live()).toEqual([device.keyId]);
    expect(row.facts).toMatchObject({
      ...{ keyId: device.keyId, keyExpiresAt: world.identity.expiries.get(device.keyId ?? '') },
    });
    expect(world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
  });

  it('keeps the old key while the new one has not proven to work, and makes no third one then', async () => {
    await enrollOnce(world, 'board.local');
    const before = device.keyId ?? '';
    device.reachesNats = false;
    const rotation = { replacedKeyIds: undefined };
    expect((await rotate(rotation)).error?.code).toBe('AGENT_NO_HEARTBEAT');
    expect(live()).toEqual([before, device.keyId]);
    device.reachesNats = true;
    expect((await rotate(rotation)).error).toBeUndefined();
    expect([live(), everMade()]).toEqual([[device.keyId], 2]);
  });

  it.each([2, 3, 4, 5])('does not rotate again after a cut at exchange %i', async (exchange) => {
    await enrollOnce(world, 'board.local');
    const before = device.keyId;
    device.exchanges = 0;
    device.faults.push({ exchange, when: 'after', kind: 'lost' });
    expect((await rotate()).error).toBeUndefined();
    expect(device.keyId).not.toBe(before);
    expect(live()).toEqual([device.keyId]);
    expect(everMade()).toBe(2);
  });

  it('is a batch of one device of the Bench', async () => {
    const station = runStation(world, profileOf(world));
    await station.signIn();
    await station.enroll('board-01');
    const before = device.keyId;
    await station.station.handle('fleet.rotateKeys', { devices: [{ deviceId: 'board-01' }] });
    await world.clock.run(station.station.whenBatchIdle());
    expect(station.shown().rows['board-01']?.state).toBe('enrolled');
    expect(device.keyId).not.toBe(before);
    await expect(
      station.station.handle('fleet.rotateKeys', { devices: [{ deviceId: 'board-02' }] }),
    ).rejects.toEqual(expect.objectContaining({ code: 'STATION_REQUEST_INVALID' }));
  });
});

describe('renewal', () => {
  const profile = (days: number | undefined) => {
    const { identity } = buildProfile();
    return buildProfile({
      identity: { ...identity, ...(days === undefined ? {} : { key_valid_for_days: days }) },
    });
  };
  const key = (days: number) => ({ keyId: `in-${days}`, expiresAt: days * DAY_MS });

  it.each([
    [90, [key(29), key(31)], ['in-29']],
    [30, [key(9), key(11)], ['in-9']],
    [3650, [key(29), key(31)], ['in-29']],
    [undefined, [key(29), key(31)], ['in-29']],
    [90, [{ keyId: 'for-ever', expiresAt: undefined }, key(-1)], []],
  ] as const)('of keys valid for %s days', (days, keys, renewed) => {
    expect(keyIdsToRenew(keys, profile(days), 0)).toEqual(renewed);
  });

  it('happens on an ordinary enrollment, and the keys that have ended go with the old one', async () => {
    await enrollOnce(world, 'board.local', { profile: profile(90) });
    const before = device.keyId ?? '';
    const userId = world.identity.userId('board-01') ?? '';
    const ended = await world.identity.mintKey(userId, world.clock.nowMs() - 1, new AbortController().signal);
    await enrollOnce(world, 'board.local', { profile: profile(90) });
    expect(device.keyId).toBe(before);
    world.identity.expiries.set(before, world.clock.nowMs() + 10 * DAY_MS);
    const { error, log } = await enrollOnce(world, 'board.local', { profile: profile(90) });
    expect(error).toBeUndefined();
    expect(live()).toEqual([device.keyId]);
    expect(live()).not.toContain(ended.keyId);
    expect(log.some(({ text }) => /^key \d+ ends on \d{4}-\d\d-\d\d and is renewed$/.test(text))).toBe(true);
  });
});

describe('taking an id over', () => {
  const other = { hostname: 'old-board', addresses: ['10.0.0.7'] };

  async function withOther() {
    const { userId } = await world.identity.ensureAccount(
      'board-01' as never,
      'new',
      new AbortController().signal,
    );
    const expiresAt = world.clock.nowMs() + 300 * DAY_MS;
    const { keyId } = await world.identity.mintKey(userId, expiresAt, new AbortController().signal);
    const fleet = new Fleet(world.clock, { onHeartbeat: () => undefined, onLink: () => undefined });
    fleet.follow(world.heartbeats, new AbortController().signal).catch(() => undefined);
    world.heartbeats.beat('board-01', keyId, undefined, other);
    return { fleet, keyId };
  }

  it('is offered, and deletes the key of the other board once the new one works', async () => {
    const { fleet, keyId } = await withOther();
    const refused = await enrollOnce(world, 'board.local', { fleet });
    expect(refused.row.error).toMatchObject({ code: 'DEVICE_ID_IN_USE', offer: 'take-over' });
    world.heartbeats.beat('board-01', keyId, undefined, other);
    const { error, log } = await enrollOnce(world, 'board.local', { fleet, takeOver: true });
    expect(error).toBeUndefined();
    expect(live()).toEqual([device.keyId]);
    const texts = log.map(({ text }) => text);
    expect(texts).toContainEqual(expect.stringContaining('takes this id over from old-board at 10.0.0.7'));
    expect(texts).toContainEqual(expect.stringMatching(`key ${keyId} of old-board at 10.0.0.7 deleted`));
  });

  it('says until when the token of the other board can last, once a login has told', async () => {
    const { fleet } = await withOther();
    device.canMakeKeys = true;
    const { log } = await enrollOnce(world, 'board.local', { fleet, takeOver: true });
    const text = log.find(({ text }) => text.includes('is shut out'))?.text ?? '';
    const [, end = ''] = /by (\S+ \S+) UTC at the latest$/.exec(text) ?? [];
    const lasts = Date.parse(`${end.replace(' ', 'T')}:00Z`) - world.clock.nowMs();
    expect(lasts / 3_600_000).toBeGreaterThan(11.9);
    expect(lasts / 3_600_000).toBeLessThanOrEqual(12);
  });

  it('leaves the key of the other board alone while the new one has not proven to work', async () => {
    const { fleet, keyId } = await withOther();
    device.reachesNats = false;
    const { error } = await enrollOnce(world, 'board.local', { fleet, takeOver: true });
    expect(error?.code).toBe('AGENT_NO_HEARTBEAT');
    expect(live()).toContain(keyId);
  });

  it('shuts the other board out also where this one has a good key already', async () => {
    await enrollOnce(world, 'board.local');
    await world.clock.advance(60_000);
    const before = device.keyId;
    const { fleet, keyId } = await withOther();
    const { error } = await enrollOnce(world, 'board.local', { fleet, takeOver: true });
    expect(error).toBeUndefined();
    expect([device.keyId, live()]).toEqual([before, [before]]);
    expect(live()).not.toContain(keyId);
  });
});
