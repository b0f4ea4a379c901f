import { beforeEach, describe, expect, it } from 'vitest';
import { configPath, keyPath } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { stationDeltaSchema, stationStateSchema } from '../model/station-state.ts';
import { deviceId as idOf, keyRealm } from '../testing/builders.ts';
import { settled } from '../testing/fake-clock.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { profileOf, runStation } from '../testing/run-station.ts';

const never = new AbortController().signal;
let world: FakeWorld;

beforeEach(() => {
  world = createFakePorts();
  for (const n of [1, 2, 3]) world.addDevice(`board-${n}`, `board-${n}.local`);
});

describe('a batch, end to end', () => {
  it('turns every row green after one sign-in', async () => {
    const { station, signIn, enroll, shown } = runStation(world);
    await station.start();
    await signIn();
    expect(world.identity.forgotten, 'nothing of an earlier sign-in counts').toBe(1);
    expect(world.openedUrls).toEqual(['https://id.example/device?user_code=BCDF-GHJK']);
    expect(shown().lamps).toMatchObject({ identity: { state: 'ok' }, nats: { state: 'ok' } });
    await enroll('board-1', 'board-2', 'board-3');
    const rows = Object.values(shown().rows);
    expect(rows.map((row) => [row.position, row.state])).toEqual([
      ...[1, 2, 3].map((position) => [position, 'enrolled']),
    ]);
    expect(Object.keys(shown().fleet)).toEqual(['board-1', 'board-2', 'board-3']);
    expect(shown().batch).toMatchObject({ state: 'finished', name: 'batch7', concurrency: 8 });
    expect(shown().bench.map((row) => row.lastState)).toEqual(['enrolled', 'enrolled', 'enrolled']);
  });

  it('shows the same to a window that took a snapshot at the start, in the middle and at the end', async () => {
    const { station, signIn, enroll, shown, deltas } = runStation(world);
    await signIn();
    await enroll('board-1', 'board-2');
    const snapshot = JSON.parse(JSON.stringify(await station.handle('station.snapshot', null)));
    expect(snapshot).toEqual(JSON.parse(JSON.stringify(shown())));
    expect(stationStateSchema.parse(snapshot)).toEqual(snapshot);
    for (const delta of deltas) expect(stationDeltaSchema.safeParse(delta).success).toBe(true);
    expect(deltas.map((delta) => delta.revision)).toEqual(deltas.map((_delta, index) => index + 1));
  });

  it('gives a device that is off its own error and enrolls the others', async () => {
    const profile = profileOf(world);
    world.devices.delete('board-2.local');
    const { signIn, enroll, shown } = runStation(world, profile);
    await signIn();
    await enroll('board-1', 'board-2', 'board-3');
    expect(Object.values(shown().rows).map((row) => row.state)).toEqual(['enrolled', 'failed', 'enrolled']);
    expect(shown().rows['board-2']?.error).toMatchObject({
      ...{ code: 'DEVICE_UNREACHABLE', subject: 'board-2', stepId: 'connect' },
    });
  });

  it('retries with the SSH password that was entered beside the cause', async () => {
    world.sshPasswords.set('board-1.local', 'canary-ssh-password');
    const { station, signIn, enroll, shown } = runStation(world);
    await signIn();
    await enroll('board-1');
    expect(shown().rows['board-1']?.error).toMatchObject({
      ...{ code: 'DEVICE_LOGIN_REFUSED', secretNeeded: 'ssh-password' },
    });
    await station.handle('batch.retry', { deviceIds: ['board-1'], sshPassword: 'canary-ssh-password' });
    await world.clock.run(station.whenBatchIdle());
    expect(shown().rows['board-1']).toMatchObject({ state: 'enrolled', attempt: 2 });
    expect(shown().rows['board-1']?.error).toBeUndefined();
  });

  it('begins with secrets that are known before, and gives a device labels of its own', async () => {
    for (const address of ['a.local', 'b.local']) world.sshPasswords.set(address, 'canary-ssh-password');
    for (const device of world.devices.values()) device.elevation = 'sudo-password';
    const labels = { group: 'batch8', socket: '7' };
    const bench = [...world.devices].map(([target, device]) => ({ device_id: device.deviceId, target }));
    const [first, ...others] = bench;
    const watched = runStation(world, profileOf(world, { bench: [{ ...first, labels }, ...others] }));
    await watched.signIn();
    const rowIds = watched.station.state.bench.map((row) => row.rowId);
    const secrets = { sshPassword: 'canary-ssh-password', sudoPassword: 'canary-sudo-password' };
    await watched.station.handle('batch.start', { rowIds, ...secrets });
    await world.clock.run(watched.station.whenBatchIdle());
    const rows = Object.values(watched.station.state.rows);
    expect(rows.map((row) => [row.state, row.attempt])).toEqual(bench.map(() => ['enrolled', 1]));
    const configs = [...world.devices.values()].map((device) => device.files.get(configPath)?.content ?? '');
    expect(configs[0]).toContain('group = "batch8"');
    expect(configs[0]).toContain('socket = "7"');
    expect(configs[1]).toContain('group = "batch7"');
    expect(configs[1]).not.toContain('socket');
    expect(JSON.stringify(watched.deltas)).not.toContain('canary');
  });

  it('trusts a new host key only as it was shown, and only of the device that showed it', async () => {
    const { station, signIn, enroll, shown } = runStation(world);
    await signIn();
    await enroll('board-1', 'board-2');
    const device = world.devices.get('board-1.local');
    if (device === undefined) throw new Error('no device');
    device.hostKey = 'SHA256:second';
    await enroll('board-1', 'board-2');
    expect(shown().rows['board-1']?.error).toMatchObject({
      ...{ code: 'DEVICE_HOST_KEY_CHANGED', retry: 'never' },
      hostKey: { place: 'board-1.local', expected: 'SHA256:first', actual: 'SHA256:second' },
    });
    const trust = (deviceId: string, fingerprint: string) =>
      station.handle('device.trustNewHostKey', { deviceId, fingerprint });
    const refused = { code: 'STATION_REQUEST_INVALID' };
    await expect(trust('board-1', 'SHA256:third')).rejects.toMatchObject(refused);
    await expect(trust('board-2', 'SHA256:second')).rejects.toMatchObject(refused);
    await expect(trust('nobody', 'SHA256:second')).rejects.toMatchObject(refused);
    expect(world.journal.hostKey('board-1.local')?.fingerprint).toBe('SHA256:first');

    await trust('board-1', 'SHA256:second');
    await world.clock.run(station.whenBatchIdle());
    expect(shown().rows['board-1']).toMatchObject({ state: 'enrolled', attempt: 2 });
    expect(world.journal.hostKey('board-1.local')?.fingerprint).toBe('SHA256:second');
    expect(world.logger.events('warn')).toContain('host-key-replaced');
    await expect(trust('board-1', 'SHA256:second')).rejects.toMatchObject(refused);
  });

  it('can be stopped in the middle and started again to its end', async () => {
    const { station, signIn, enroll, shown, rowIds } = runStation(world);
    world.devices.get('board-1.local')?.faults.push({ exchange: 2, when: 'after', kind: 'hangs' });
    await signIn();
    await station.handle('batch.start', { rowIds: rowIds('board-1', 'board-2') });
    await world.clock.advance(5_000);
    await station.handle('batch.stop', null);
    await world.clock.run(station.whenBatchIdle());
    expect(shown().rows['board-1']?.state).toBe('stopped');
    expect(shown().rows['board-2']?.state).toBe('enrolled');
    await enroll('board-1');
    expect(shown().rows['board-1']?.state).toBe('enrolled');
    // The new batch has other rows; the bench still tells how each device ended.
    expect(shown().rows['board-2']).toBeUndefined();
    expect(shown().bench.map((row) => row.lastState)).toEqual(['enrolled', 'enrolled', undefined]);
  });
});

describe('what is refused', () => {
  it('is a second batch, and signing out, while one runs', async () => {
    const { station, signIn, rowIds } = runStation(world);
    await signIn();
    await station.handle('batch.start', { rowIds: rowIds('board-1') });
    const again = station.handle('batch.start', { rowIds: rowIds('board-2') });
    await expect(again).rejects.toMatchObject({ code: 'STATION_BUSY' });
    await expect(station.handle('session.signOut', null)).rejects.toMatchObject({ code: 'STATION_BUSY' });
    await world.clock.run(station.whenBatchIdle());
    await station.handle('session.signOut', null);
    expect(world.heartbeats.followers).toBe(0);
  });

  it('is a batch that nobody signed in for, without devices, or with a row that is not valid', async () => {
    const { station, signIn, rowIds } = runStation(world);
    const start = (rows: string[]) => station.handle('batch.start', { rowIds: rows });
    await expect(start(rowIds('board-1'))).rejects.toMatchObject({ code: 'IDENTITY_NOT_SIGNED_IN' });
    await signIn();
    await expect(start(['row-99'])).rejects.toMatchObject({ code: 'STATION_REQUEST_INVALID' });
    const { rowId } = await station.handle('bench.add', { deviceId: 'board-1', target: 'other.local' });
    const subject = 'board-1';
    await expect(start([rowId])).rejects.toMatchObject({ code: 'DEVICE_ID_DUPLICATE', subject });
    const wrong = await station.handle('bench.add', { deviceId: 'board-5', target: 'pi@' });
    await expect(start([wrong.rowId])).rejects.toMatchObject({ code: 'DEVICE_TARGET_INVALID' });
    const twice = await station.handle('bench.add', { deviceId: 'board-6', target: 'board-1.local' });
    await expect(start([twice.rowId])).rejects.toMatchObject({ code: 'DEVICE_TARGET_DUPLICATE' });
    await station.handle('bench.rename', { rowId, deviceId: 'Board-4' });
    await expect(start([rowId])).rejects.toMatchObject({ code: 'DEVICE_ID_INVALID' });
    await station.handle('bench.remove', { rowId });
    await start(rowIds('board-1'));
    await world.clock.run(station.whenBatchIdle());
  });

  it('leaves the logs of the last batch readable when a start is refused', async () => {
    const { station, signIn, enroll } = runStation(world);
    await signIn();
    await enroll('board-1');
    const { rowId } = await station.handle('bench.add', { deviceId: '-', target: 'other.local' });
    await expect(station.handle('batch.start', { rowIds: [rowId] })).rejects.toBeDefined();
    expect(await station.handle('device.followLog', { deviceId: 'board-1' })).not.toEqual([]);
  });
});

describe('the log of a device', () => {
  it('comes whole when it is followed, and line by line from then on, for one device at a time', async () => {
    const { station, signIn, rowIds, logLines } = runStation(world);
    await signIn();
    await station.handle('batch.start', { rowIds: rowIds('board-1', 'board-2') });
    await settled();
    const before = await station.handle('device.followLog', { deviceId: 'board-2' });
    await world.clock.run(station.whenBatchIdle());
    const all = await station.handle('device.followLog', { deviceId: 'board-2' });
    expect([...before, ...logLines.flatMap(({ lines }) => lines)]).toEqual(all);
    expect(new Set(logLines.map(({ deviceId }) => deviceId))).toEqual(new Set(['board-2']));
    expect(await station.handle('device.followLog', { deviceId: 'nobody' })).toEqual([]);
  });
});

describe('a station that starts anew', () => {
  it('deletes a key that a device refused as soon as the batch is over, where that failed at first', async () => {
    const station = runStation(world);
    await station.signIn();
    world.devices.get('board-1.local')?.failing.set(`cat > ${keyPath}`, 'Read-only file system');
    world.identity.failNext('deleteKey', 'before');
    await station.enroll('board-1');
    await settled();
    expect(world.identity.calls.filter((call) => call === 'deleteKey')).toHaveLength(2);
    expect(world.identity.liveKeys('board-1')).toEqual([]);
  });

  it('takes up the sign-in, deletes undelivered keys before new work, and says so', async () => {
    const first = runStation(world);
    await first.signIn();
    const device = world.devices.get('board-1.local');
    device?.failing.set(`cat > ${keyPath}`, 'Read-only file system');
    await first.enroll('board-1');
    await leaveKeyBehind('board-1');
    expect(world.identity.liveKeys('board-1')).toHaveLength(1);

    const second = runStation(world);
    await second.station.start();
    await settled();
    expect(second.shown().session).toMatchObject({ state: 'signed-in' });
    expect(world.identity.liveKeys('board-1')).toEqual([]);
    expect(second.shown().notices.map((notice) => notice.text)).toEqual([
      '1 key of an interrupted run never reached a device and was deleted.',
    ]);
    expect(second.shown().bench[0]?.lastState).toBe('failed');
    const id = second.shown().notices[0]?.id ?? '';
    await second.station.handle('station.dismissNotice', { id });
    expect(second.shown().notices).toEqual([]);
  });

  /** Leaves a live key that no device holds, and its entry in the journal. */
  async function leaveKeyBehind(deviceId: string): Promise<void> {
    const { userId } = await world.identity.ensureAccount(idOf(deviceId), 'new', never);
    const intentId = `left-${deviceId}`;
    const createdAt = world.clock.nowMs();
    const expiresAt = createdAt + 1_000_000;
    const intent = { intentId, ...keyRealm, deviceId, userId, keyIdsBefore: [], expiresAt, createdAt };
    world.journal.openKeyIntent(intent);
    const { keyId } = await world.identity.mintKey(userId, expiresAt, never);
    world.journal.settleKeyIntent(intentId, 'minted', keyId);
  }

  it('lets a batch wait for that no longer than half a minute, visibly, and goes on when it has ended', async () => {
    for (const deviceId of ['board-2', 'board-3']) await leaveKeyBehind(deviceId);
    const { station, signIn, rowIds, shown } = runStation(world);
    const { identity } = world;
    const deleteKey = identity.deleteKey.bind(identity);
    let deleting = 0;
    identity.deleteKey = (_userId, _keyId, signal) => {
      deleting += 1;
      return world.clock.sleep(3_600_000, signal).finally(() => {
        deleting -= 1;
      });
    };
    const mintKey = identity.mintKey.bind(identity);
    const deletingAtMint: number[] = [];
    identity.mintKey = (userId, expiresAt, signal) => {
      deletingAtMint.push(deleting);
      return mintKey(userId, expiresAt, signal);
    };
    await signIn();
    await station.handle('batch.start', { rowIds: rowIds('board-1') });
    await settled();
    const row = () => shown().rows['board-1'];
    expect(row()?.steps[0]?.state).toBe('running');
    const log = await station.handle('device.followLog', { deviceId: 'board-1' });
    expect(log).toContainEqual(
      expect.objectContaining({
        ...{ kind: 'note', stepId: 'check' },
        text: 'waiting until keys that never reached a device are deleted',
      }),
    );
    const begunAt = world.clock.nowMs();
    await world.clock.run(station.whenBatchIdle());
    expect(row()?.state).toBe('enrolled');
    expect(world.clock.nowMs() - begunAt).toBeLessThan(35_000);
    // Recovery gave way: the two never work on keys at the same time.
    expect(deletingAtMint).toEqual([0]);
    identity.deleteKey = deleteKey;
    await world.clock.advance(120_000);
    expect(identity.liveKeys('board-2')).toEqual([]);
    await world.clock.run(station.shutDown());
  });

  it('is cut off, and waited for, when the station closes', async () => {
    await leaveKeyBehind('board-2');
    const { station, signIn } = runStation(world);
    let wasClosedBefore: boolean | undefined;
    world.identity.deleteKey = (_userId, _keyId, signal) =>
      world.clock.sleep(3_600_000, signal).finally(() => {
        wasClosedBefore = world.journal.isClosed;
      });
    await signIn();
    await station.shutDown();
    expect(wasClosedBefore).toBe(false);
    expect(world.journal.isClosed).toBe(true);
    expect(world.clock.pendingTimers).toBe(0);
    await expect(station.handle('batch.retry', { deviceIds: ['board-1'] })).rejects.toMatchObject({
      code: 'STATION_REQUEST_INVALID',
    });
  });

  it('deletes what a batch left open when the batch has ended', async () => {
    const { signIn, enroll, shown } = runStation(world);
    await signIn();
    world.identity.failNext('mintKey', 'after');
    world.identity.failNext('deleteKey', 'before');
    await enroll('board-1');
    expect(shown().rows['board-1']?.state).toBe('failed');
    await settled();
    expect(world.identity.liveKeys('board-1')).toEqual([]);
    expect(world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
  });

  it('settles within two minutes of a batch what cannot be judged at once', async () => {
    const { signIn, enroll } = runStation(world);
    const open = () => world.journal.unsettledKeyIntents(keyRealm);
    await signIn();
    world.identity.failNext('mintKey', 'before');
    await enroll('board-1');
    await world.clock.advance(10_000);
    expect(open()).toHaveLength(1);
    await world.clock.advance(110_000);
    expect(open()).toEqual([]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('does not take a key that is just being minted for one left behind, when somebody signs in', async () => {
    const { station, signIn, rowIds, shown } = runStation(world);
    await signIn();
    const { identity } = world;
    const mint = identity.mintKey.bind(identity);
    let answer: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    identity.mintKey = async (userId, expiresAt, signal) => {
      const minted = await mint(userId, expiresAt, signal);
      await gate;
      return minted;
    };
    await station.handle('batch.start', { rowIds: rowIds('board-1') });
    await world.clock.advance(700_000);
    // The sign-in ends in mid-batch, and somebody signs in again while the reply is on its way.
    world.signIn.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    const call = identity.requireProject(new AbortController().signal);
    await expect(call).rejects.toMatchObject({ code: 'IDENTITY_SESSION_ENDED' });
    expect(shown().session.state).toBe('signed-out');
    await signIn();
    await world.clock.advance(10_000);
    answer();
    await world.clock.run(station.whenBatchIdle());
    expect(shown().rows['board-1']?.state).toBe('enrolled');
    expect(identity.liveKeys('board-1')).toEqual([world.devices.get('board-1.local')?.keyId]);
  });
});

it('keeps a remembered sign-in whose provider does not answer, and does not call that fine', async () => {
  const first = runStation(world);
  await first.signIn();
  await world.clock.advance(700_000);
  const issuer = 'https://id.example';
  world.signIn.refreshFailsWith = new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer } });
  const { station, shown } = runStation(world);
  await world.clock.run(station.start());
  expect(shown().session).toMatchObject({ state: 'signed-in' });
  expect(shown().lamps.identity).toMatchObject({ state: 'attention', word: 'not renewed' });
  world.signIn.refreshFailsWith = undefined;
  await world.clock.advance(30_000);
  expect(shown().lamps).toMatchObject({ identity: { state: 'ok' }, nats: { state: 'ok' } });
});

it('never shows a device as enrolled when heartbeats can no longer be followed', async () => {
  world.heartbeats.failsFollowWith = new EnrollmentError('NATS_REFUSED');
  const { signIn, enroll, shown } = runStation(world);
  await signIn();
  expect(shown().lamps.nats).toMatchObject({ state: 'failed', word: 'refused' });
  await enroll('board-1');
  expect(shown().rows['board-1']).toMatchObject({ state: 'failed', error: { code: 'NATS_REFUSED' } });
});

it('closes what it was given when it shuts down, with a batch running', async () => {
  const { station, signIn, rowIds } = runStation(world);
  world.devices.get('board-1.local')?.faults.push({ exchange: 2, when: 'after', kind: 'hangs' });
  await signIn();
  await station.handle('batch.start', { rowIds: rowIds('board-1') });
  await world.clock.advance(1_000);
  await world.clock.run(station.shutDown());
  expect(world.journal.isClosed).toBe(true);
  expect(world.heartbeats.followers).toBe(0);
  expect(world.devices.get('board-1.local')?.openSessions).toBe(0);
});
