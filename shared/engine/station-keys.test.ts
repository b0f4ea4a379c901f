import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { profileOf, runStation, type WatchedStation } from '../testing/run-station.ts';
import { StationKeys, viewKey } from './station-keys.ts';

const DAY_MS = 86_400_000;
const key = (keyId: string, days?: number) => ({
  keyId,
  expiresAt: days === undefined ? undefined : days * DAY_MS,
});

describe('which key a device signs in with', () => {
  it.each([
    [
      'the one it was heard with',
      [key('1', 90), key('2', 40)],
      '2',
      { standing: 'registered', keyId: '2', others: 1 },
    ],
    [
      'the only one, where nothing was heard',
      [key('1', 90)],
      undefined,
      { standing: 'registered', keyId: '1' },
    ],
    [
      'none that tells it from the others',
      [key('1', 90), key('2', 40)],
      undefined,
      { standing: 'unsure', others: 2 },
    ],
    [
      'one the provider does not know any more',
      [key('1', 90)],
      '7',
      { standing: 'deleted', keyId: '7', others: 1 },
    ],
    ['none at all', [], undefined, { standing: 'none', others: 0 }],
  ] as const)('is %s', (_name, keys, held, expected) => {
    expect(viewKey(keys, held, 30 * DAY_MS, 0)).toMatchObject(expected);
  });

  it('is told with its end and from when on it is renewed', () => {
    expect(viewKey([key('1', 90)], '1', 30 * DAY_MS, 5)).toEqual({
      ...{ standing: 'registered', keyId: '1', others: 0, askedAt: 5 },
      ...{ expiresAt: 90 * DAY_MS, renewFrom: 60 * DAY_MS },
    });
    expect(viewKey([key('1')], '1', 30 * DAY_MS, 5)).not.toHaveProperty('renewFrom');
  });
});

it('is not told as still asked for by an answer that comes after a failed one', async () => {
  const world = createFakePorts();
  const { identity } = world;
  let answer = (): void => undefined;
  const late = new Promise<undefined>((resolve) => {
    answer = () => resolve(undefined);
  });
  const told: string[] = [];
  const keys = new StationKeys({
    ...{ clock: world.clock, logger: world.logger, profile: profileOf(world) },
    identity: Object.assign(Object.create(identity), {
      requireProject: async () => undefined,
      findMachineUser: async (deviceId: string) => {
        if (deviceId === 'board-02') return await late;
        throw new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the provider' } });
      },
    }),
    ...{ heldKeyId: () => undefined, known: () => undefined },
    show: () => told.push('a key'),
    showLookUp: ({ state }) => told.push(state),
  });
  keys.lookUp(['board-01', 'board-02']);
  await keys.whenIdle();
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual(['running', 'failed']);
});

describe('the keys of the fleet', () => {
  let world: FakeWorld;
  let watched: WatchedStation;
  beforeEach(async () => {
    world = createFakePorts();
    for (const one of ['board-01', 'board-02']) world.addDevice(one, `${one}.local`).canMakeKeys = true;
    watched = runStation(world, profileOf(world));
    await watched.signIn();
  });
  const lookUp = async (...deviceIds: string[]) => {
    await watched.station.handle('fleet.lookUpKeys', { deviceIds });
    await world.clock.run(watched.station.whenKeysLookedUp());
  };

  it.each(['provider', 'device'] as const)(
    'are known of what this station enrolls, born on the %s',
    async (born) => {
      const profile = profileOf(world);
      watched = runStation(world, { ...profile, identity: { ...profile.identity, key_birth: born } });
      await watched.signIn();
      await watched.enroll('board-01');
      const { keyId } = world.devices.get('board-01.local') ?? {};
      expect(watched.shown().keys?.['board-01']).toMatchObject({
        ...{ standing: 'registered', keyId, born, others: 0 },
        expiresAt: world.identity.expiries.get(keyId ?? ''),
      });
      await lookUp('board-01');
      expect(watched.shown().keys?.['board-01']).toMatchObject({ keyId, born });
    },
  );

  it('are asked for once each, and change nothing', async () => {
    await watched.enroll('board-01', 'board-02');
    const changes = world.identity.mutatingCalls;
    const looks = () => world.identity.calls.filter((call) => call === 'findMachineUser').length;
    const before = looks();
    await lookUp('board-01', 'board-01', 'board-02', 'board-77', 'Not an id');
    expect(looks() - before).toBe(3);
    expect(world.identity.mutatingCalls).toBe(changes);
    expect(watched.shown().keyLookUp).toEqual({ state: 'finished', total: 4, done: 4 });
    expect(watched.shown().keys?.['board-77']).toMatchObject({ standing: 'none' });
  });

  it('are told as not asked for when the provider does not answer, and can be asked for again', async () => {
    await watched.enroll('board-01');
    world.identity.failNext('listKeys', 'before');
    await lookUp('board-01');
    expect(watched.shown().keyLookUp).toMatchObject({
      state: 'failed',
      error: { code: 'IDENTITY_UNREACHABLE' },
    });
    await lookUp('board-01');
    expect(watched.shown().keyLookUp?.state).toBe('finished');
  });

  it('are not taken for missing where the project is not seen', async () => {
    world.identity.failNext('requireProject', 'before');
    await lookUp('board-01');
    expect(watched.shown().keys?.['board-01']).toBeUndefined();
    expect(watched.shown().keyLookUp?.state).toBe('failed');
  });

  it('are asked for by nobody who is not signed in', async () => {
    await watched.station.handle('session.signOut', null);
    await expect(
      watched.station.handle('fleet.lookUpKeys', { deviceIds: ['board-01'] }),
    ).rejects.toMatchObject({
      code: 'IDENTITY_NOT_SIGNED_IN',
    });
  });

  it('are gone after a decommission', async () => {
    await watched.enroll('board-01');
    await watched.station.handle('device.decommission', { deviceId: 'board-01' });
    await world.clock.run(watched.station.whenDecommissioned());
    expect(watched.shown().keys?.['board-01']).toMatchObject({ standing: 'none', others: 0 });
  });
});

describe('rotating keys of the fleet', () => {
  it('reaches a device that is not on the Bench where it was found last, and marks the batch', async () => {
    const world = createFakePorts();
    const device = world.addDevice('board-01', 'board.local');
    const first = runStation(world, profileOf(world));
    await first.signIn();
    await first.enroll('board-01');
    const before = device.keyId;

    const later = runStation(world, profileOf(world, { bench: [] }));
    await later.signIn();
    const [known] = await later.station.handle('fleet.targets', { deviceIds: ['board-01'] });
    expect(known).toMatchObject({ deviceId: 'board-01', from: 'last-run' });
    await expect(
      later.station.handle('fleet.rotateKeys', { devices: [{ deviceId: 'board-01' }] }),
    ).rejects.toMatchObject({ code: 'STATION_REQUEST_INVALID' });
    expect(later.shown().bench).toEqual([]);
    await later.station.handle('fleet.rotateKeys', {
      devices: [{ deviceId: 'board-01', target: known?.target }],
    });
    await world.clock.run(later.station.whenBatchIdle());
    expect(later.shown().rows['board-01']?.state).toBe('enrolled');
    expect(later.shown().batch?.rotatesKeys).toBe(true);
    expect(device.keyId).not.toBe(before);
    expect(world.identity.liveKeys('board-01')).toEqual([device.keyId]);
  });
});
