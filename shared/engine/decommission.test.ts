import { describe, expect, it } from 'vitest';
import { keyPath } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import { keyRealm } from '../testing/builders.ts';
import { settled } from '../testing/fake-clock.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { profileOf, runStation, type WatchedStation } from '../testing/run-station.ts';

const ADDRESS = 'board-01.local';
const TARGET = `ssh://pi@${ADDRESS}`;
const request = { deviceId: 'board-01', target: TARGET };

/** A station with one enrolled device. */
async function enrolled(isAttended = false): Promise<{ world: FakeWorld; station: WatchedStation }> {
  const world = createFakePorts();
  world.addDevice('board-01', ADDRESS);
  const station = runStation(world, profileOf(world), isAttended);
  await station.signIn();
  await station.enroll('board-01');
  expect(station.shown().rows['board-01']?.state).toBe('enrolled');
  return { world, station };
}

async function decommission(
  { world, station }: { world: FakeWorld; station: WatchedStation },
  changes: Partial<typeof request & { keepAgent: boolean; removeUser: boolean }> = {},
) {
  await station.station.handle('device.decommission', { ...request, ...changes });
  await world.clock.run(station.station.whenDecommissioned());
  const view = station.shown().decommissions?.['board-01'];
  return {
    view,
    states: Object.fromEntries((view?.findings ?? []).map(({ what, state }) => [what, state])),
  };
}

function deviceOf(world: FakeWorld) {
  const device = world.devices.get(ADDRESS);
  if (device === undefined) throw new Error('no device');
  return device;
}

describe('decommissioning a device', () => {
  it('takes keys, account, agent and entry away, in this order', async () => {
    const one = await enrolled();
    const device = deviceOf(one.world);
    const { view, states } = await decommission(one);
    expect(view?.state).toBe('done');
    expect(view?.findings.map(({ what }) => what)).toEqual(['keys', 'account', 'device', 'entry', 'records']);
    expect(states).toEqual({
      ...{ keys: 'deleted', account: 'deleted', device: 'deleted', entry: 'deleted', records: 'gone' },
    });
    expect(one.world.identity.userId('board-01')).toBeUndefined();
    expect([...one.world.identity.keys.values()].flatMap((keys) => [...keys])).toEqual([]);
    expect([...device.files.keys(), device.unit.active, device.unit.enabled]).toEqual([false, false]);
    expect(device.user.exists).toBe(true);
    expect(one.world.heartbeats.has('board-01')).toBe(false);
    expect(one.station.shown().fleet['board-01']).toBeUndefined();
    expect(one.world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
    expect(device.openSessions).toBe(0);
  });

  it('gives the id free for another board as soon as the account is gone', async () => {
    const one = await enrolled();
    const boardOf = () => one.world.journal.boardOf(keyRealm, 'board-01');
    expect(boardOf()).toMatchObject({ target: TARGET });
    one.world.identity.failNext('deleteMachineUser', 'before');
    expect((await decommission(one)).view?.state).toBe('failed');
    expect(boardOf()).toBeDefined();
    deviceOf(one.world).awayUntil = Number.POSITIVE_INFINITY;
    expect((await decommission(one)).states).toMatchObject({ account: 'deleted', device: 'failed' });
    expect(boardOf()).toBeUndefined();
    // As a run leaves it that is killed directly after the account is gone.
    const onRecord = { serial: '1', machineId: undefined, hostKey: undefined, target: TARGET, givenAt: 1 };
    one.world.journal.giveId(keyRealm, 'board-01', onRecord);
    expect((await decommission(one)).states.account).toBe('gone');
    expect(boardOf()).toBeUndefined();
  });

  it('says of a second time that all is gone', async () => {
    const one = await enrolled();
    await decommission(one);
    const { view, states } = await decommission(one);
    expect(view?.state).toBe('done');
    expect(new Set(Object.values(states))).toEqual(new Set(['gone']));
  });

  it('leaves the device alone without a target, and when told to', async () => {
    for (const changes of [{ target: undefined as unknown as string }, { keepAgent: true }]) {
      const one = await enrolled();
      const { states } = await decommission(one, changes);
      expect(states.device).toBe('kept');
      expect(deviceOf(one.world).files.has(keyPath)).toBe(true);
      expect(one.world.identity.userId('board-01')).toBeUndefined();
    }
  });

  it('removes the user account only when asked', async () => {
    const one = await enrolled();
    await decommission(one, { removeUser: true });
    expect(deviceOf(one.world).user.exists).toBe(false);
  });

  it('leaves no credential where the device does not answer, and is finished by the same again', async () => {
    const one = await enrolled();
    const device = deviceOf(one.world);
    device.awayUntil = Number.POSITIVE_INFINITY;
    const first = await decommission(one);
    expect(first.view?.state).toBe('failed');
    expect(first.states).toMatchObject({
      keys: 'deleted',
      account: 'deleted',
      device: 'failed',
      entry: 'deleted',
    });
    expect(first.view?.findings.find(({ what }) => what === 'device')?.error?.code).toBe(
      'DEVICE_UNREACHABLE',
    );
    device.awayUntil = 0;
    const second = await decommission(one);
    expect(second.view?.state).toBe('done');
    expect(second.states).toMatchObject({ keys: 'gone', account: 'gone', device: 'deleted' });
  });

  it('touches no device while a key may still log in', async () => {
    const one = await enrolled();
    one.world.identity.failNext('deleteKey', 'before');
    const { view } = await decommission(one);
    expect(view).toMatchObject({ state: 'failed', error: { code: 'IDENTITY_UNREACHABLE' }, findings: [] });
    expect(deviceOf(one.world).files.has(keyPath)).toBe(true);
    expect(one.world.heartbeats.has('board-01')).toBe(true);
  });

  it('is finished by the recovery of the next start when the station ends in the middle', async () => {
    const one = await enrolled();
    const [keyId = ''] = one.world.identity.liveKeys('board-01');
    one.world.identity.failNext('deleteKey', 'before');
    await decommission(one);
    expect(one.world.identity.isLive(keyId)).toBe(true);
    const next = runStation(one.world, profileOf(one.world));
    await next.signIn();
    await one.world.clock.run(settled());
    expect(one.world.identity.isLive(keyId)).toBe(false);
  });

  it('changes nothing on a device that has another id', async () => {
    const one = await enrolled();
    const other = one.world.addDevice('board-02', 'board-02.local');
    const config = deviceOf(one.world).files.get('/etc/fleet-agent/config.toml');
    const content = config?.content.replace('"board-01"', '"board-02"') ?? '';
    other.files.set('/etc/fleet-agent/config.toml', { content, rights: '644:0:0' });
    other.unit.active = true;
    const { view } = await decommission(one, { target: 'ssh://pi@board-02.local' });
    const finding = view?.findings.find(({ what }) => what === 'device');
    expect(finding?.error?.code).toBe('DEVICE_HAS_OTHER_ID');
    expect(finding?.text).toContain('board-02');
    expect([other.files.size, other.unit.active]).toEqual([1, true]);
  });

  it('reports an entry that may not be deleted and goes on', async () => {
    const one = await enrolled();
    one.world.heartbeats.removalFailsWith = new EnrollmentError('NATS_REFUSED', { details: { urls: 'x' } });
    const { view, states } = await decommission(one);
    expect([view?.state, states.entry, states.records]).toEqual(['failed', 'failed', 'gone']);
  });

  it('settles what runs of the device left open', async () => {
    const one = await enrolled();
    const userId = one.world.identity.userId('board-01') ?? '';
    one.world.journal.openKeyIntent({
      ...{ intentId: 'left', ...keyRealm, deviceId: 'board-01', userId },
      ...{ keyIdsBefore: ['k0'], expiresAt: 1, createdAt: 1 },
    });
    one.world.journal.settleKeyIntent('left', 'delivering', 'k1');
    const { states } = await decommission(one);
    expect(states.records).toBe('deleted');
    expect(one.world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
  });

  it('leaves open what belongs to another project of its provider', async () => {
    const one = await enrolled();
    const realm = { ...keyRealm, projectId: '371639797157000002' };
    one.world.journal.openKeyIntent({
      ...{ intentId: 'elsewhere', ...realm, deviceId: 'board-01', userId: 'another' },
      ...{ keyIdsBefore: [], expiresAt: 1, createdAt: 1 },
    });
    const { states } = await decommission(one);
    expect(states.records).toBe('gone');
    expect(one.world.journal.unsettledKeyIntents(realm)).toHaveLength(1);
  });

  it('tells of a key of another account that it does not delete', async () => {
    const one = await enrolled();
    one.world.journal.openKeyIntent({
      ...{ intentId: 'theirs', ...keyRealm, deviceId: 'board-01', userId: 'another' },
      ...{ keyIdsBefore: [], expiresAt: 1, createdAt: 1 },
    });
    one.world.journal.settleKeyIntent('theirs', 'delivering', 'k9');
    const { view, states } = await decommission(one);
    expect(states.records).toBe('kept');
    expect(JSON.stringify(view)).toContain('key k9 of account another stays');
    expect(one.world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
  });

  it('is refused for a device of the running batch, and the batch for a device on its way out', async () => {
    const { world, station } = await enrolled();
    const busy = expect.objectContaining({ code: 'STATION_BUSY' });
    await station.station.handle('batch.start', { rowIds: station.rowIds('board-01') });
    await expect(station.station.handle('device.decommission', request)).rejects.toEqual(busy);
    await world.clock.run(station.station.whenBatchIdle());
    await station.station.handle('device.decommission', request);
    await expect(
      station.station.handle('batch.start', { rowIds: station.rowIds('board-01') }),
    ).rejects.toEqual(busy);
    await expect(station.station.handle('device.decommission', request)).rejects.toEqual(busy);
    await world.clock.run(station.station.whenDecommissioned());
  });

  it('refuses what is no device id and no target', async () => {
    const { station } = await enrolled();
    for (const [changes, code] of [
      [{ deviceId: 'No Id' }, 'DEVICE_ID_INVALID'],
      [{ target: 'ssh://' }, 'DEVICE_TARGET_INVALID'],
    ] as const)
      await expect(station.station.handle('device.decommission', { ...request, ...changes })).rejects.toEqual(
        expect.objectContaining({ code }),
      );
  });
});

describe('a device that has left the fleet, afterwards', () => {
  const lastStates = (station: WatchedStation) => station.shown().bench.map((row) => row.lastState);
  const newest = (world: FakeWorld) => world.journal.latestRuns().at(-1);

  it('is on record and on the bench as decommissioned, though its row still says how it was enrolled', async () => {
    const one = await enrolled();
    await decommission(one);
    expect(newest(one.world)).toMatchObject({
      deviceId: 'board-01',
      state: 'decommissioned',
      target: TARGET,
    });
    expect(newest(one.world)?.finishedAt).toBeDefined();
    expect(one.station.shown().rows['board-01']?.state).toBe('enrolled');
    expect(lastStates(one.station)).toEqual(['decommissioned']);
  });

  it('is it also where the device could not be reached, with the reason', async () => {
    const one = await enrolled();
    deviceOf(one.world).awayUntil = Number.POSITIVE_INFINITY;
    await decommission(one);
    expect(newest(one.world)).toMatchObject({ state: 'decommissioned', errorCode: 'DEVICE_UNREACHABLE' });
  });

  it('is it not where its account is still there', async () => {
    const one = await enrolled();
    one.world.identity.deleteMachineUser = () => Promise.reject(new EnrollmentError('IDENTITY_UNREACHABLE'));
    await decommission(one);
    expect(newest(one.world)?.state).toBe('enrolled');
    expect(lastStates(one.station)).toEqual(['enrolled']);
  });

  it('is told as such when it reports after a new start, and as enrolled once it is that again', async () => {
    const { world, station } = await enrolled();
    await decommission({ world, station });
    await station.station.shutDown();
    const next = runStation(world, profileOf(world));
    expect(next.station.state.bench.map((row) => row.lastState)).toEqual(['decommissioned']);
    await next.signIn();
    expect(next.shown().decommissions).toBeUndefined();
    world.heartbeats.beat('board-01', 'old-key');
    await settled();
    expect(next.shown().decommissions?.['board-01']).toMatchObject({ state: 'done', findings: [] });
    await world.heartbeats.removeEntry('board-01');
    await next.enroll('board-01');
    expect(lastStates(next)).toEqual(['enrolled']);
  });
});

describe('a sign-in that ends in the middle of it', () => {
  /** The provider refuses the token as soon as the machine user is looked for, and renews nothing. */
  async function endedOnTheWay(isAttended: boolean) {
    const one = await enrolled(isAttended);
    const { world, station } = one;
    const { identity, signIn } = world;
    const { tokens: beneath } = identity;
    let last: Secret | undefined;
    let isEnded = false;
    identity.tokens = {
      accessToken: async (signal) => {
        last = await beneath?.accessToken(signal, isEnded ? last : undefined);
        isEnded = false;
        return last as Secret;
      },
    };
    const find = identity.findMachineUser.bind(identity);
    identity.findMachineUser = async (...asked) => {
      identity.findMachineUser = find;
      isEnded = true;
      signIn.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
      return find(...asked);
    };
    await station.station.handle('device.decommission', request);
    await world.clock.advance(60_000);
    return { ...one, view: () => station.shown().decommissions?.['board-01'] };
  }

  it('is waited for, told as such, and all is done after the next one', async () => {
    const { world, station, view } = await endedOnTheWay(true);
    expect(view()).toMatchObject({ state: 'running', awaitsSignIn: true, findings: [] });
    expect(station.shown().notices.filter(({ text }) => text.includes('Sign in again'))).toHaveLength(1);
    world.signIn.refreshFailsWith = undefined;
    await station.signIn();
    await world.clock.run(station.station.whenDecommissioned());
    expect(view()?.state).toBe('done');
    expect(view()?.awaitsSignIn ?? false).toBe(false);
    expect(world.identity.userId('board-01')).toBeUndefined();
  });

  it('can be stopped while it waits, and the same again does all', async () => {
    const { world, station, view } = await endedOnTheWay(true);
    await station.station.handle('device.stopDecommission', { deviceId: 'board-02' });
    await settled();
    expect(view()?.state).toBe('running');
    await station.station.handle('device.stopDecommission', { deviceId: 'board-01' });
    await settled();
    expect(view()).toMatchObject({ state: 'failed', findings: [] });
    expect(view()?.error).toBeUndefined();
    expect(world.identity.userId('board-01')).toBeDefined();

    world.signIn.refreshFailsWith = undefined;
    await station.signIn();
    await station.station.handle('device.decommission', request);
    await world.clock.run(station.station.whenDecommissioned());
    expect(view()?.state).toBe('done');
    expect(world.identity.userId('board-01')).toBeUndefined();
  });

  it('ends it after the limit, where nobody signs in', async () => {
    const { world, station, view } = await endedOnTheWay(true);
    await world.clock.run(station.station.whenDecommissioned());
    expect(view()).toMatchObject({ state: 'failed', error: { code: 'IDENTITY_SESSION_ENDED' } });
    expect(world.identity.userId('board-01')).toBeDefined();
  });

  it('ends it at once where nobody is there to sign in', async () => {
    const { view } = await endedOnTheWay(false);
    expect(view()).toMatchObject({ state: 'failed', error: { code: 'IDENTITY_SESSION_ENDED' } });
  });

  it('is cut off like anything else while it waits', async () => {
    const { station, view } = await endedOnTheWay(true);
    await station.station.shutDown();
    expect(view()).toMatchObject({ state: 'failed' });
    expect(view()?.error).toBeUndefined();
  });
});
