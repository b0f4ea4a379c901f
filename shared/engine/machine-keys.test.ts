import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { deviceId, freshFacts, keyRealm } from '../testing/builders.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import {
  type MachineKeysContext,
  mintKey,
  recoverKeys,
  retireOldKeys,
  settleEarlierIntents,
} from './machine-keys.ts';

const never = new AbortController().signal;

let world: FakeWorld;
let context: MachineKeysContext;
let userId: string;

beforeEach(async () => {
  world = createFakePorts();
  context = { ...world.ports(), identity: world.identity, realm: keyRealm };
  ({ userId } = await world.identity.ensureAccount(deviceId('board-01'), 'new', never));
});

const open = () => world.journal.unsettledKeyIntents(keyRealm);
const live = () => world.identity.liveKeys('board-01');
const mint = (before: readonly string[] = []) =>
  world.clock.run(mintKey(context, 'board-01', userId, before, never));
const recover = () => world.clock.run(recoverKeys(context));

function holding(keyId: string) {
  return freshFacts({ key: { keyId, userId, protectedRight: true } });
}

describe('minting', () => {
  it('writes the intent before the call and the key’s id after it', async () => {
    const pending = await mint(['k0']);
    expect(open()).toEqual([
      {
        ...{ intentId: pending.intentId, ...keyRealm, deviceId: 'board-01', userId },
        ...{ keyIdsBefore: ['k0'], keyId: pending.key.keyId, state: 'minted' },
        createdAt: world.clock.nowMs(),
        expiresAt: world.identity.expiries.get(pending.key.keyId),
      },
    ]);
  });

  it('asks for a different expiry every time, within a day of what the profile says', async () => {
    let chance = 0;
    const { random } = context;
    const fraction = (): number => {
      chance += 0.25;
      return chance;
    };
    const uuid = (): string => random.uuid();
    context = { ...context, keyValidForDays: 30, random: { uuid, fraction, hex: (n) => random.hex(n) } };
    const [a, b] = [await mint(), await mint()];
    const days = (keyId: string) =>
      ((world.identity.expiries.get(keyId) ?? 0) - world.clock.nowMs()) / 86_400_000;
    expect(days(a.key.keyId)).not.toBe(days(b.key.keyId));
    for (const { key: minted } of [a, b]) {
      expect(days(minted.keyId)).toBeGreaterThan(28.9);
      expect(days(minted.keyId)).toBeLessThanOrEqual(30);
    }
  });

  it('never takes the key of another station for the one of its own lost reply', async () => {
    world.identity.failNext('mintKey', 'before');
    await expect(mint()).rejects.toBeDefined();
    // Meanwhile another station enrolls the device; this one knows nothing of that.
    const others = await world.identity.mintKey(userId, 1_900_000_000_000, never);
    await world.clock.advance(61_000);
    await recover();
    expect(live()).toEqual([others.keyId]);
    expect(open()).toEqual([]);
  });

  it('does not call the provider when the intent cannot be written', async () => {
    world.journal.refusesWrites = true;
    await expect(mint()).rejects.toMatchObject({ code: 'STATION_JOURNAL_FAILED' });
    expect(world.identity.calls).not.toContain('mintKey');
  });

  it('deletes the key of a lost reply at once, and leaves those that were there', async () => {
    const { key: minted } = await mint();
    world.identity.failNext('mintKey', 'after');
    await expect(mint([minted.keyId])).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE' });
    expect(live()).toEqual([minted.keyId]);
  });

  it('looks again for a key that a search does not show yet', async () => {
    const { identity, clock } = world;
    const list = identity.listKeys.bind(identity);
    identity.listKeys = async (user, signal) => (clock.monotonicMs() < 1_000 ? [] : list(user, signal));
    identity.failNext('mintKey', 'after');
    await expect(mint()).rejects.toBeDefined();
    expect(live()).toEqual([]);
    expect(open()).toEqual([]);
  });

  it.each([
    'IDENTITY_ROLE_MISSING',
    'IDENTITY_SESSION_ENDED',
    'IDENTITY_SIGN_IN_NOT_ACCEPTED',
    'IDENTITY_PAUSED',
  ] as const)('searches for nothing after %s: no key was made', async (code) => {
    world.identity.failNext('mintKey', 'before', new EnrollmentError(code));
    await expect(mint()).rejects.toMatchObject({ code });
    expect(world.identity.calls).not.toContain('listKeys');
    expect(open()).toEqual([]);
  });

  it('never lets a search for an older lost key take the newer key for it', async () => {
    world.identity.failNext('mintKey', 'before');
    await expect(mint()).rejects.toBeDefined();
    expect(open()).toHaveLength(1);
    const { key: minted, intentId } = await mint();
    world.journal.settleKeyIntent(intentId, 'delivered', minted.keyId);
    await world.clock.advance(120_000);
    await recover();
    expect(live()).toEqual([minted.keyId]);
    expect(open()).toEqual([]);
  });
});

describe('the next start', () => {
  it('deletes what was minted and never sent', async () => {
    await mint();
    expect(await recover()).toEqual({ deleted: 1, undecided: 0 });
    expect(live()).toEqual([]);
    expect(open()).toEqual([]);
  });

  it('leaves a key alone that may have reached its device', async () => {
    const { intentId, key: minted } = await mint();
    world.journal.settleKeyIntent(intentId, 'delivering', minted.keyId);
    expect(await recover()).toEqual({ deleted: 0, undecided: 1 });
    expect(live()).toEqual([minted.keyId]);
  });

  it('tries again what the provider did not answer to, and harms nothing by it', async () => {
    await mint();
    world.identity.failNext('deleteKey', 'after');
    await recover();
    expect(open()).toHaveLength(1);
    await recover();
    expect([live(), open()]).toEqual([[], []]);
  });

  it('does not touch what belongs to another provider', async () => {
    await mint();
    const realm = { ...keyRealm, issuer: 'https://other.example' };
    await world.clock.run(recoverKeys({ ...context, realm }));
    expect(live()).toHaveLength(1);
  });

  it('does not touch what belongs to another project of its provider, whose keys it may not see', async () => {
    await mint();
    await world.clock.advance(120_000);
    const realm = { ...keyRealm, projectId: '371639797157000002' };
    const elsewhere = { ...context, realm };
    expect(await world.clock.run(recoverKeys(elsewhere))).toEqual({ deleted: 0, undecided: 0 });
    const theirs = await settleEarlierIntents(elsewhere, 'board-01', freshFacts(), userId);
    expect(theirs).toEqual({ intents: [], replaced: [] });
    expect([live().length, open().length]).toEqual([1, 1]);
    expect(await recover()).toEqual({ deleted: 1, undecided: 0 });
    expect([live(), open()]).toEqual([[], []]);
  });

  it('settles what was written before projects were noted', async () => {
    const { intentId } = await mint();
    const [intent] = open();
    if (intent === undefined) throw new Error('The intent is open.');
    world.journal.intents.set(intentId, { ...intent, projectId: undefined });
    expect(await recover()).toEqual({ deleted: 1, undecided: 0 });
    expect([live(), open()]).toEqual([[], []]);
  });

  it('settles nothing for an operator who does not see the project: keys look deleted from there', async () => {
    await mint();
    await world.clock.advance(120_000);
    const { identity } = world;
    const refused = new EnrollmentError('IDENTITY_PROJECT_NOT_VISIBLE', {
      details: { projectId: '1', visible: 'none' },
    });
    identity.failNext('requireProject', 'before', refused);
    expect(await recover()).toEqual({ deleted: 0, undecided: 0 });
    expect([live().length, open().length]).toEqual([1, 1]);
    expect(identity.calls).not.toContain('deleteKey');
    expect(world.logger.events('warn')).toEqual(['undelivered-keys-not-looked-for']);
  });
});

describe('a device that tells which key it holds', () => {
  it('settles the intent of that key and deletes all others', async () => {
    const lost = await mint();
    world.journal.settleKeyIntent(lost.intentId, 'delivering', lost.key.keyId);
    const held = await mint([lost.key.keyId]);
    world.journal.settleKeyIntent(held.intentId, 'delivering', held.key.keyId);
    const unretired = await settleEarlierIntents(context, 'board-01', holding(held.key.keyId), userId);
    expect(live()).toEqual([held.key.keyId]);
    // It replaced a key, so its entry stays open until the heartbeat.
    expect(unretired.intents.map((intent) => intent.intentId)).toEqual([held.intentId]);
  });

  it('leaves the intents of other devices alone', async () => {
    await mint();
    await settleEarlierIntents(context, 'board-02', freshFacts(), userId);
    expect(live()).toHaveLength(1);
  });

  it('never loses the key it holds to a search, not even one this station did not mint', async () => {
    world.identity.failNext('mintKey', 'before');
    await expect(mint()).rejects.toBeDefined();
    const others = await world.identity.mintKey(userId, 1_900_000_000_000, never);
    await world.clock.run(settleEarlierIntents(context, 'board-01', holding(others.keyId), userId));
    expect(live()).toEqual([others.keyId]);
  });
});

describe('retiring old keys', () => {
  it('goes by the list of before, never by "all but mine"', async () => {
    const old = await mint();
    const mine = await mint([old.key.keyId]);
    const others = await world.identity.mintKey(userId, 1_900_000_000_000, never);
    const intent = { ...mine, userId };
    expect(await retireOldKeys(context, intent, mine.key.keyId, never)).toBe(1);
    expect(live()).toEqual([mine.key.keyId, others.keyId]);
  });

  it('keeps the intent open while one could not be deleted', async () => {
    const old = await mint();
    const mine = await mint([old.key.keyId]);
    world.identity.failNext('deleteKey', 'before');
    await retireOldKeys(context, { ...mine, userId }, mine.key.keyId, never);
    expect(open().map((intent) => intent.intentId)).toContain(mine.intentId);
    expect(world.logger.events('warn')).toEqual(['old-key-not-deleted']);
  });
});
