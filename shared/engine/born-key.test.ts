import { beforeEach, describe, expect, it } from 'vitest';
import { keyPath } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { keyRealm } from '../testing/builders.ts';
import { enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { KEY_CANARY } from '../testing/fake-identity-provider.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { recoverKeys } from './machine-keys.ts';

let world: FakeWorld;
let device: FakeDevice;

beforeEach(() => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
  device.canMakeKeys = true;
});

const calls = () => world.identity.calls.filter((call) => /mint|register|proves|logsIn|delete/i.test(call));
const live = () => world.identity.liveKeys('board-01');
/** One live key, which the device holds, and nothing left open once a search can be believed. */
async function expectConverged(): Promise<void> {
  expect(live()).toEqual([device.keyId]);
  await world.clock.advance(120_000);
  await world.clock.run(recoverKeys({ ...world.ports(), identity: world.identity, realm: keyRealm }));
  expect(world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
  expect(live()).toEqual([device.keyId]);
  expect(device.waitingPairs).toEqual([]);
}

it('a device makes its own key, proves it, and the station never sees it', async () => {
  const { error, log } = await enrollOnce(world, 'board.local');
  expect(error).toBeUndefined();
  expect(calls()).toEqual(['registerKey', 'provesLogin']);
  expect(device.births).toBe(1);
  await expectConverged();
  expect(device.files.get(keyPath)?.content).toContain(KEY_CANARY);
  const seen = JSON.stringify([log, world.journal]);
  expect(seen).not.toContain(KEY_CANARY);
  expect(seen).not.toContain('QUJD');
  expect(log.map((line) => line.text)).toContainEqual(expect.stringContaining('never left it'));
});

it('a second run finds it right and makes nothing', async () => {
  await enrollOnce(world, 'board.local');
  const before = device.snapshot;
  const made = calls().length;
  expect((await enrollOnce(world, 'board.local')).error).toBeUndefined();
  expect(device.snapshot).toEqual(before);
  expect(calls()).toHaveLength(made);
});

describe('a minted key is given instead', () => {
  it.each([
    ['where the provider takes no public keys', 'refused', ['registerKey', 'mintKey']],
    [
      ...(['where a registered key does not log in', 'keys-that-fail'] as const),
      ['registerKey', 'provesLogin', 'deleteKey', 'mintKey', 'logsIn'],
    ],
  ] as const)('%s', async (_what, publicKeys, expected) => {
    world.identity.publicKeys = publicKeys;
    const { error } = await enrollOnce(world, 'board.local');
    expect(error).toBeUndefined();
    expect(calls()).toEqual(expected);
    expect(device.births).toBe(0);
    await expectConverged();
  });

  it('where the device signs with another pair than the registered one, which tells nothing on the provider', async () => {
    device.openssl.signsWrongly = true;
    const { error, log } = await enrollOnce(world, 'board.local');
    expect(error).toBeUndefined();
    expect(calls()).toEqual(['registerKey', 'provesLogin', 'deleteKey', 'mintKey']);
    expect(log.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('signs nothing with its own key'),
    );
    await expectConverged();
  });

  it('and the log says so once registered keys are known to be refused', async () => {
    world.identity.publicKeys = 'keys-that-fail';
    world.identity.turnsOffBy = 'logsIn';
    const { log } = await enrollOnce(world, 'board.local');
    expect(log.map(({ kind, text }) => `${kind}: ${text}`)).toContain(
      'problem: registered keys are refused and minted ones are not: from now on keys are minted',
    );
    expect(world.logger.entries.map(({ event }) => event)).toContain('registered-keys-do-not-log-in');
    const other = world.addDevice('board-02', 'other.local');
    other.canMakeKeys = true;
    expect((await enrollOnce(world, 'other.local')).error).toBeUndefined();
    expect(other.births).toBe(0);
    expect(calls().filter((call) => call === 'registerKey')).toHaveLength(1);
  });

  it('where the minted key is refused as well, registered keys are not given up', async () => {
    world.identity.publicKeys = 'keys-that-fail';
    world.identity.refusesAllLogins = true;
    const { log } = await enrollOnce(world, 'board.local');
    expect(log.map(({ text }) => text)).toContain(
      'the minted key is refused as well: registered keys are not what is wrong',
    );
    expect(world.identity.takesPublicKeys).toBe(true);
  });

  it('where the device has no openssl, or makes none with it', async () => {
    device.canMakeKeys = false;
    expect((await enrollOnce(world, 'board.local')).error).toBeUndefined();
    expect(calls()).toEqual(['mintKey']);
    await expectConverged();
  });
});

describe('a key of its own that takes the place of a working one', () => {
  beforeEach(async () => {
    await enrollOnce(world, 'board.local');
    // Somebody has deleted the key at the provider.
    world.identity.keys.get(world.identity.userId('board-01') ?? '')?.clear();
  });

  it('is proven before the old file is touched', async () => {
    const old = device.files.get(keyPath)?.content;
    world.identity.failNext('provesLogin', 'before');
    expect((await enrollOnce(world, 'board.local')).error?.code).toBe('IDENTITY_UNREACHABLE');
    expect(device.files.get(keyPath)?.content).toBe(old);
    expect(live()).toEqual([]);
    expect((await enrollOnce(world, 'board.local')).error).toBeUndefined();
    await expectConverged();
  });
});

describe('cut off', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'in exchange %i, before and after its effect, it converges',
    async (exchange) => {
      for (const when of ['before', 'after'] as const) {
        world = createFakePorts();
        device = world.addDevice('board-01', 'board.local');
        device.canMakeKeys = true;
        device.faults.push({ exchange, when, kind: 'lost' });
        expect((await enrollOnce(world, 'board.local')).error).toBeUndefined();
        await expectConverged();
      }
    },
  );

  it.each([
    ['registerKey', 'before'],
    ['registerKey', 'after'],
    ['provesLogin', 'before'],
    ['provesLogin', 'after'],
  ] as const)(
    'at %s, %s the effect, it leaves no live key and the next run converges',
    async (call, when) => {
      world.identity.failNext(
        call,
        when,
        new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'x' } }),
      );
      expect((await enrollOnce(world, 'board.local')).error?.code).toBe('IDENTITY_UNREACHABLE');
      expect(live()).toEqual([]);
      expect((await enrollOnce(world, 'board.local')).error).toBeUndefined();
      await expectConverged();
    },
  );
});
