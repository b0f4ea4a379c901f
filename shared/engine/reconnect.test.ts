import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { keyPath } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { Secret } from '../model/secret.ts';
import { keyRealm } from '../testing/builders.ts';
import { beginEnrollment, enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice, Fault } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { runStation } from '../testing/run-station.ts';
import { Stopped } from './limits.ts';
import { OWN_SCRIPT_LIMIT_MS } from './look-when-free.ts';
import { MOST_LOSSES, RECONNECT_LIMIT_MS } from './reconnect.ts';

let world: FakeWorld;
let device: FakeDevice;

beforeEach(() => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
});

const enroll = (changes = {}) => enrollOnce(world, 'board.local', changes);
const loseAt = (exchange: number, kind: Fault['kind'] = 'lost', when: Fault['when'] = 'after') =>
  device.faults.push({ exchange, kind, when });

describe('a connection that is lost', () => {
  it('is told on the board and in the log, with the seconds to the next try', async () => {
    const { signIn, enroll: enrollAll, deltas, shown } = runStation(world);
    await signIn();
    loseAt(2, 'reboots', 2);
    await enrollAll('board-01');
    expect(shown().rows['board-01']).toMatchObject({ state: 'enrolled', attempt: 1 });
    const progress = deltas.flatMap((delta) =>
      (delta.rows?.['board-01']?.steps ?? [])
        .filter((step) => step.state === 'running')
        .map((step) => `${step.id}: ${step.progress?.text ?? ''}`),
    );
    expect(progress).toContain('user: connection lost, trying again in 2 s');
    expect(progress).toContain('user: connection lost, trying again in 8 s');
    expect(progress).toContain('user: connecting again');
    // What was shown while it was away goes with it.
    expect(progress.at(progress.lastIndexOf('user: connected again') + 1)).toBe('user: ');
  });

  it('is taken up by a look and a plan: the device has restarted, and nothing is done twice', async () => {
    loseAt(2, 'reboots', 2);
    const { error, log, steps } = await enroll();
    expect(error).toBeUndefined();
    const text = log.map((line) => line.text);
    expect(text).toContain('the device has restarted: another boot id');
    expect(text).toContain('connected again, looking at the device anew');
    expect(steps).toMatchObject({ packages: 'done', user: 'done', binary: 'done', heartbeat: 'done' });
    expect(device.done.filter((title) => title.startsWith('apt-get'))).toHaveLength(1);
    expect(device.done.filter((title) => title.startsWith('useradd'))).toHaveLength(1);
    expect(world.identity.calls.filter((call) => call === 'ensureAccount')).toHaveLength(1);
  });

  it('between two steps is shown in the connect step', async () => {
    // The second look, after all steps but the heartbeat are done.
    loseAt(5, 'lost', 'before');
    const { error, log, steps } = await enroll();
    expect(error).toBeUndefined();
    expect(steps.connect).toBe('done');
    const lost = log.filter((line) => line.text.startsWith('connection lost'));
    expect(lost.map((line) => line.stepId)).toEqual(['connect']);
  });

  it('does not spare a device that never answered: it is told at once', async () => {
    device.awayUntil = 60_000;
    const { error } = await enroll();
    expect(error?.code).toBe('DEVICE_UNREACHABLE');
    expect(world.clock.monotonicMs()).toBe(0);
  });
});

describe('the limits', () => {
  it('end the waiting for a device that stays away, and tell all that happened', async () => {
    device.rebootMs = 60 * 60_000;
    loseAt(3, 'reboots');
    const { error, steps } = await enroll();
    expect(error).toMatchObject({ code: 'DEVICE_CONNECTION_LOST', details: { address: 'board.local' } });
    expect(error?.evidence).toContain('binary: ');
    expect(error?.evidence).toContain('DEVICE_UNREACHABLE');
    expect(error?.evidence).toContain('not back after 3:00');
    expect(steps).toMatchObject({ user: 'done', binary: 'failed', 'key-config': 'waiting' });
    const waited = world.clock.monotonicMs();
    expect(waited).toBeGreaterThan(RECONNECT_LIMIT_MS - 15_000);
    expect(waited).toBeLessThan(RECONNECT_LIMIT_MS + 15_000);
    expect(device.openSessions).toBe(0);
  });

  it('count the time of all losses together', async () => {
    device.rebootMs = 100_000;
    loseAt(2, 'reboots');
    loseAt(4, 'reboots');
    const { error } = await enroll();
    expect(error?.code).toBe('DEVICE_CONNECTION_LOST');
    expect(error?.evidence).toContain('the device has restarted');
    expect(world.clock.monotonicMs()).toBeLessThan(RECONNECT_LIMIT_MS + 15_000);
  });

  it('end with a device that is lost again and again', async () => {
    for (let exchange = 1; exchange <= 20; exchange += 1) loseAt(exchange, 'lost', 'before');
    const { error } = await enroll();
    expect(error?.code).toBe('DEVICE_CONNECTION_LOST');
    expect(error?.evidence).toContain(`lost ${MOST_LOSSES + 1} times`);
    expect(device.exchanges).toBe(MOST_LOSSES + 1);
  });

  it('give way to the operator, who stops the batch while a device is away', async () => {
    device.rebootMs = 60 * 60_000;
    loseAt(3, 'reboots');
    const stop = new AbortController();
    const run = beginEnrollment(world, 'board.local', { signal: stop.signal });
    await world.clock.advance(20_000);
    stop.abort(new Stopped('the batch was stopped'));
    const before = world.clock.monotonicMs();
    const { error } = await world.clock.run(run);
    expect(error?.evidence).toContain('Stopped');
    expect(world.clock.monotonicMs()).toBe(before);
    expect(device.openSessions).toBe(0);
  });
});

describe('what comes back', () => {
  it.each([
    ['', false],
    [', also one that was pinned meanwhile,', true],
  ])('with another host key%s is another device: nothing is sent to it', async (_what, isPinned) => {
    loseAt(2, 'reboots');
    const run = beginEnrollment(world, 'board.local');
    await world.clock.advance(10_000);
    device.hostKey = 'SHA256:second';
    const pin = { fingerprint: device.hostKey, keyType: 'ssh-ed25519' };
    if (isPinned) world.journal.pinHostKey('board.local', pin);
    const exchanges = device.exchanges;
    const { error } = await world.clock.run(run);
    expect(error?.code).toBe(isPinned ? 'DEVICE_NOT_THE_SAME' : 'DEVICE_HOST_KEY_CHANGED');
    expect(error?.evidence).toContain('broke off');
    expect(device.exchanges).toBe(exchanges);
  });

  it('with another machine id is another board of the same image: nothing is changed on it', async () => {
    loseAt(2, 'reboots');
    const run = beginEnrollment(world, 'board.local');
    await world.clock.advance(10_000);
    device.machineId = 'beef';
    const done = device.done.length;
    const { error } = await world.clock.run(run);
    expect(error?.code).toBe('DEVICE_NOT_THE_SAME');
    expect(device.done).toHaveLength(done);
  });

  it('may refuse the login while it starts, but not for long', async () => {
    loseAt(2, 'reboots');
    world.sshPasswords.set('board.local', 'canary-ssh-password');
    const credential = { user: 'pi', password: new Secret('canary-ssh-password') };
    const run = beginEnrollment(world, 'board.local', { credential });
    await world.clock.advance(10_000);
    world.sshPasswords.set('board.local', 'nobody may log in yet');
    await world.clock.advance(45_000);
    world.sshPasswords.set('board.local', 'canary-ssh-password');
    expect((await world.clock.run(run)).error).toBeUndefined();

    device.exchanges = 0;
    device.files.delete(keyPath);
    device.faults.length = 0;
    loseAt(1);
    const again = beginEnrollment(world, 'board.local', { credential });
    await world.clock.advance(500);
    world.sshPasswords.set('board.local', 'another one for good');
    const { error } = await world.clock.run(again);
    expect(error?.code).toBe('DEVICE_LOGIN_REFUSED');
    expect(error?.evidence?.match(/DEVICE_LOGIN_REFUSED/g)).toHaveLength(5);
  });
});

describe('a device that is going down', () => {
  it('ends our script before the connection: that is a loss, no failure', async () => {
    device.isGoingDown = true;
    device.failing.set('useradd', 'Terminated');
    const run = beginEnrollment(world, 'board.local');
    await world.clock.advance(100);
    device.failing.clear();
    device.reboot();
    const { error, steps } = await world.clock.run(run);
    expect(error).toBeUndefined();
    expect(steps.user).toBe('done');
  });

  it('is told from one that stays up: there a command that fails has failed', async () => {
    device.failing.set('useradd', 'useradd: cannot lock /etc/passwd');
    const { error } = await enroll();
    expect(error?.code).toBe('DEVICE_COMMAND_FAILED');
  });
});

describe('a device that is being changed', () => {
  it('by another station is left alone, and the other is named', async () => {
    device.heldBy = 'beef Line 2';
    const { error } = await enroll();
    expect(error).toMatchObject({ code: 'DEVICE_BUSY', details: { holder: 'Line 2' }, stepId: 'connect' });
    expect(device.done).toEqual([]);
    expect(world.identity.calls).toEqual([]);
  });

  it('by another station that came between look and script: nothing is done, the new key is deleted', async () => {
    const { identity } = world;
    const mint = identity.mintKey.bind(identity);
    identity.mintKey = (...call) => {
      device.heldBy = 'beef Line 2';
      return mint(...call);
    };
    const { error } = await enroll();
    expect(error).toMatchObject({ code: 'DEVICE_BUSY', stepId: 'key-config' });
    expect(identity.liveKeys('board-01')).toEqual([]);
    expect(world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
    expect(device.keyId).toBeUndefined();
  });

  it('by our own script of before the loss is waited for, and then looked at', async () => {
    loseAt(2, 'lost', 1);
    device.heldBy = undefined;
    const run = beginEnrollment(world, 'board.local');
    await world.clock.advance(100);
    device.heldBy = 'this-station Line 1';
    await world.clock.advance(200_000);
    // apt was at it all the while, and is through now.
    device.user.exists = true;
    device.heldBy = undefined;
    const { error, log } = await world.clock.run(run);
    expect(error).toBeUndefined();
    expect(log.some((line) => line.text === 'what was cut off still finishes on the device')).toBe(true);
    expect(device.done.filter((title) => title.startsWith('useradd'))).toEqual([]);
  });

  it('by our own script without end is given up in the end', async () => {
    device.heldBy = 'this-station Line 1';
    const { error } = await enroll();
    expect(error?.code).toBe('DEVICE_BUSY');
    expect(world.clock.monotonicMs()).toBeGreaterThan(OWN_SCRIPT_LIMIT_MS);
  });
});

describe('another station that gives the device a key meanwhile', () => {
  /** Another station gets in between our mint and our script, so many times. */
  function overtake(times: number): void {
    const { identity } = world;
    const mint = identity.mintKey.bind(identity);
    let left = times;
    identity.mintKey = (...call) => {
      left -= 1;
      if (left >= 0) device.epoch += 1;
      return mint(...call);
    };
  }

  it('once: our key is deleted, the device is looked at again and enrolled', async () => {
    overtake(1);
    const { error, log } = await enroll();
    expect(error).toBeUndefined();
    expect(world.identity.calls.filter((call) => call === 'mintKey')).toHaveLength(2);
    expect(world.identity.liveKeys('board-01')).toEqual([device.keyId]);
    expect(log.some((line) => line.text === 'The new key was deleted again.')).toBe(true);
    expect(device.epoch).toBe(2);
  });

  it('twice: the enrollment ends, and nothing of it is left', async () => {
    overtake(2);
    const { error } = await enroll();
    expect(error?.code).toBe('DEVICE_ENROLLED_ELSEWHERE');
    expect(world.identity.liveKeys('board-01')).toEqual([]);
    expect(world.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
    expect(device.keyId).toBeUndefined();
  });

  it('never, where the device is right already: the epoch stays as it is', async () => {
    await enroll();
    expect(device.epoch).toBe(1);
    await enroll();
    expect(device.epoch).toBe(1);
  });
});

describe('any losses, in any order', () => {
  const loss = fc.record({
    exchange: fc.integer({ min: 1, max: 12 }),
    when: fc.oneof(fc.constantFrom('before', 'after'), fc.integer({ min: 1, max: 6 })),
    kind: fc.constantFrom('lost', 'reboots'),
  }) as fc.Arbitrary<Fault>;

  it('end enrolled or with a typed error, and the next run converges with exactly one key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(loss, { maxLength: 8 }), fc.nat(60), async (losses, rebootSeconds) => {
        const own = createFakePorts();
        const board = own.addDevice('board-01', 'board.local');
        board.rebootMs = rebootSeconds * 1000;
        board.faults.push(...losses);
        const { error } = await enrollOnce(own, 'board.local');
        if (error !== undefined) {
          expect(error).toBeInstanceOf(EnrollmentError);
          expect(error.code).toBe('DEVICE_CONNECTION_LOST');
          board.faults.length = 0;
          await own.clock.advance(120_000);
          expect((await enrollOnce(own, 'board.local')).error).toBeUndefined();
        }
        expect(own.identity.liveKeys('board-01')).toEqual([board.keyId]);
        expect([own.identity.users.size, own.identity.grants.size]).toEqual([1, 1]);
        expect(own.journal.unsettledKeyIntents(keyRealm)).toEqual([]);
        expect([board.needsRestart, board.openSessions]).toEqual([false, 0]);
        board.faults.length = 0;
        const before = board.snapshot;
        expect((await enrollOnce(own, 'board.local')).error).toBeUndefined();
        expect(board.snapshot).toEqual(before);
      }),
      { numRuns: 80 },
    );
  });
});
