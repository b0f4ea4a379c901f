import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { buildProfile, keyRealm } from '../testing/builders.ts';
import { enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';

/** Of a profile without NATS: no heartbeat ever tells that a key works. */
const withoutNats = { profile: buildProfile({ nats: undefined }), fleet: undefined };
let world: FakeWorld;
let device: FakeDevice;

beforeEach(async () => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
});

const enroll = () => enrollOnce(world, 'board.local', withoutNats);
const rotate = () =>
  enrollOnce(world, 'board.local', { ...withoutNats, rotation: { replacedKeyIds: undefined } });
const live = () => world.identity.liveKeys('board-01');
const open = () => world.journal.unsettledKeyIntents(keyRealm);
const logins = () => world.identity.calls.filter((call) => call === 'provesLogin' || call === 'logsIn');
const unreachable = new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'x' } });

it('costs a new device no call', async () => {
  await enroll();
  expect(logins()).toEqual([]);
  expect(open()).toEqual([]);
});

describe.each([
  ['minted', false, ['logsIn']],
  ['born on the device', true, ['provesLogin', 'provesLogin']],
] as const)('a key that is %s', (_origin, canMakeKeys, expected) => {
  beforeEach(async () => {
    device.canMakeKeys = canMakeKeys;
    await enroll();
  });

  it('has proven to work by its login: the keys it replaces go', async () => {
    const before = device.keyId;
    const { error, log, steps } = await rotate();
    expect(error).toBeUndefined();
    expect(steps.heartbeat).toBe('skipped');
    expect(device.keyId).not.toBe(before);
    expect(live()).toEqual([device.keyId]);
    expect(open()).toEqual([]);
    expect(logins()).toEqual(expected);
    expect(log.map(({ text }) => text)).toContain('1 older keys deleted');
  });

  it('that is on the device though the run was cut off then is proven by the next run, where the device can sign', async () => {
    const before = device.keyId ?? '';
    world.identity.failNext('deleteKey', 'before', unreachable);
    expect((await rotate()).error).toBeUndefined();
    expect(live()).toEqual([before, device.keyId]);
    expect(open()).toHaveLength(1);
    const { error, log } = await enroll();
    expect(error).toBeUndefined();
    if (canMakeKeys) {
      expect(live()).toEqual([device.keyId]);
      expect(open()).toEqual([]);
    } else {
      expect(live()).toEqual([before, device.keyId]);
      expect(open()).toHaveLength(1);
      expect(log.map(({ text }) => text)).toContain(
        `older keys stay: no heartbeat and no login has proven key ${device.keyId}`,
      );
    }
  });
});

describe('a minted key that has not proven to work', () => {
  beforeEach(async () => {
    await enroll();
  });

  it.each(['is refused', 'cannot be tried'])(
    'because it %s leaves the older one alive and remembered',
    async (how) => {
      const before = device.keyId ?? '';
      if (how === 'is refused') world.identity.refusesAllLogins = true;
      else world.identity.failNext('logsIn', 'before', unreachable);
      const { error } = await rotate();
      expect(error).toBeUndefined();
      expect(live()).toEqual([before, device.keyId]);
      expect(open()).toMatchObject([{ state: 'delivering', keyId: device.keyId, keyIdsBefore: [before] }]);
    },
  );

  it('is retired with the next one that has', async () => {
    world.identity.refusesAllLogins = true;
    await rotate();
    world.identity.refusesAllLogins = false;
    expect((await rotate()).error).toBeUndefined();
    expect(live()).toEqual([device.keyId]);
  });
});

it('a login proves nothing while heartbeats are expected: whoever reports must be seen to', async () => {
  device.canMakeKeys = true;
  await enrollOnce(world, 'board.local');
  const before = device.keyId ?? '';
  device.reachesNats = false;
  const { error } = await enrollOnce(world, 'board.local', { rotation: { replacedKeyIds: undefined } });
  expect(error?.code).toBe('AGENT_NO_HEARTBEAT');
  expect(logins()).toContain('provesLogin');
  expect(live()).toEqual([before, device.keyId]);
});
