import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { FakeClock, settled } from '../testing/fake-clock.ts';
import { FakeHeartbeats } from '../testing/fake-heartbeats.ts';
import { Fleet } from './fleet.ts';
import { Stopped } from './limits.ts';
import type { HeartbeatLink } from './ports.ts';

let clock: FakeClock;
let bucket: FakeHeartbeats;
let fleet: Fleet;
let links: HeartbeatLink['state'][];
let life: AbortController;

beforeEach(async () => {
  clock = new FakeClock();
  bucket = new FakeHeartbeats(clock);
  links = [];
  fleet = new Fleet(clock, {
    onHeartbeat: () => undefined,
    onLink: (link) => {
      links.push(link.state);
    },
  });
  life = new AbortController();
  void fleet.follow(bucket, life.signal);
  await settled();
});

const never = new AbortController().signal;

function wait(
  afterRevision: number | undefined,
  keyId: string | undefined,
  signal = never,
): Promise<unknown> {
  const expected = {
    ...{ afterRevision, startedAtBefore: undefined, keyId, restarted: false },
    ...{ limitMs: 90_000, limitText: '1:30' },
  };
  return fleet.waitFor('board-01', expected, signal);
}

describe('waiting for the first heartbeat of an enrollment', () => {
  it('takes none that was there before', async () => {
    const old = bucket.beat('board-01', 'k1');
    const waiting = wait(old, 'k1');
    const outcome = clock.run(waiting);
    await expect(outcome).rejects.toMatchObject({
      code: 'AGENT_NO_HEARTBEAT',
      details: { limit: '1:30' },
      stepId: 'heartbeat',
    });
  });

  it('takes none made with another key, and none of another device', async () => {
    const waiting = wait(0, 'k2');
    bucket.beat('board-01', 'k1');
    bucket.beat('board-02', 'k2');
    const right = bucket.beat('board-01', 'k2');
    await expect(waiting).resolves.toMatchObject({ revision: right, keyId: 'k2' });
  });

  it('believes an agent that does not name its key', async () => {
    const waiting = wait(0, 'k2');
    bucket.beat('board-01', undefined);
    await expect(waiting).resolves.toMatchObject({ deviceId: 'board-01' });
  });

  it('takes one that came between the plan and the waiting', async () => {
    bucket.beat('board-01', 'k1');
    await expect(wait(0, 'k1')).resolves.toMatchObject({ revision: 1 });
  });

  it('ends with the reason of the caller that gave up, and leaves no timer behind', async () => {
    const stop = new AbortController();
    const waiting = wait(0, 'k1', stop.signal);
    stop.abort(new Stopped('stopped'));
    await expect(waiting).rejects.toBeInstanceOf(Stopped);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a link that is down', () => {
  const lost = { state: 'lost', code: 'NATS_UNREACHABLE', evidence: 'ECONNREFUSED' } as const;

  it('is the cause after 15 s, not the device after 90 s', async () => {
    const begun = clock.monotonicMs();
    bucket.setLink(lost);
    await expect(clock.run(wait(0, 'k1'))).rejects.toMatchObject({
      ...{ code: 'NATS_UNREACHABLE', evidence: 'ECONNREFUSED' },
    });
    expect(clock.monotonicMs() - begun).toBe(15_000);
  });

  it('is not made to look alive by its own tries to reconnect', async () => {
    const waiting = wait(0, 'k1');
    waiting.catch(() => undefined);
    for (let second = 0; second < 20; second += 2) {
      bucket.setLink(second % 4 === 0 ? lost : { state: 'connecting' });
      await clock.advance(2_000);
    }
    await expect(waiting).rejects.toMatchObject({ code: 'NATS_UNREACHABLE', evidence: 'ECONNREFUSED' });
  });

  it('that comes back in time costs nothing', async () => {
    const waiting = wait(0, 'k1');
    bucket.setLink(lost);
    await clock.advance(14_000);
    bucket.setLink({ state: 'live' });
    await clock.advance(14_000);
    bucket.beat('board-01', 'k1');
    await expect(waiting).resolves.toMatchObject({ keyId: 'k1' });
  });

  it('is shown when the watch itself gives up', async () => {
    bucket.failsFollowWith = new EnrollmentError('NATS_REFUSED');
    await expect(fleet.follow(bucket, never)).rejects.toMatchObject({ code: 'NATS_REFUSED' });
    expect(links.at(-1)).toBe('lost');
    await expect(clock.run(wait(0, 'k1'))).rejects.toMatchObject({ code: 'NATS_REFUSED' });
  });
});

describe('where the heartbeats stand before an enrollment', () => {
  it('is asked from the server, not taken from what was heard so far', async () => {
    bucket.beat('board-01', 'k1');
    bucket.beat('board-02', 'k2');
    expect(await fleet.baseline('board-01', never)).toMatchObject({ afterRevision: 2 });
  });

  it('never lets an old value through that is delivered late', async () => {
    // A link that comes up after the batch began: first the bucket's old values arrive, then the live ones.
    bucket.setLink({ state: 'connecting' });
    bucket.beat('board-01', 'k1');
    const baseline = await fleet.baseline('board-01', never);
    expect(baseline.afterRevision).toBeUndefined();
    const waiting = wait(baseline.afterRevision, undefined);
    bucket.setLink({ state: 'live' });
    await settled();
    const fresh = bucket.beat('board-01', 'k1');
    await expect(waiting).resolves.toMatchObject({ revision: fresh });
  });

  it('tells the process before a restart from the one after it', async () => {
    bucket.beat('board-01', 'k1', 1_000);
    const baseline = await fleet.baseline('board-01', never);
    const expected = { ...baseline, keyId: 'k1', restarted: true, limitMs: 90_000, limitText: '1:30' };
    const waiting = fleet.waitFor('board-01', expected, never);
    bucket.beat('board-01', 'k1', 1_000);
    await settled();
    const fresh = bucket.beat('board-01', 'k1', 2_000);
    await expect(waiting).resolves.toMatchObject({ revision: fresh });
    life.abort();
  });
});
