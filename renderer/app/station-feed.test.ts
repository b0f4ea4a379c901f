import { describe, expect, it } from 'vitest';
import type { StationDelta, StationState } from '#shared/model/station-state.ts';
import { emptyStation } from './empty-station.ts';
import type { ShownError } from './failures.ts';
import { feedStation } from './station-feed.ts';

/** An engine that answers snapshots on demand, and a screen whose frames are painted by hand. */
function startedFeed(first: StationState) {
  let engine = first;
  let listener: (delta: StationDelta) => void = () => {};
  let paint: (() => void) | undefined;
  let answerFails: ShownError | undefined;
  const shown: StationState[] = [];
  const failures: ShownError[] = [];
  let snapshots = 0;
  const stop = feedStation({
    snapshot: async () => {
      snapshots += 1;
      await Promise.resolve();
      return answerFails === undefined ? { ok: true, value: engine } : { ok: false, error: answerFails };
    },
    onDelta: (given) => {
      listener = given;
      return () => {
        listener = () => {};
      };
    },
    nextFrame: (given) => {
      paint = given;
    },
    show: (state) => shown.push(state),
    fail: (error) => failures.push(error),
  });
  return {
    shown,
    failures,
    stop,
    snapshots: () => snapshots,
    send: (delta: StationDelta) => listener(delta),
    setEngine: (state: StationState) => {
      engine = state;
    },
    failWith: (error: ShownError | undefined) => {
      answerFails = error;
    },
    frame: () => {
      const due = paint;
      paint = undefined;
      due?.();
    },
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

const engineLost: ShownError = {
  code: 'STATION_ENGINE_LOST',
  title: 't',
  says: 's',
  cause: 'c',
  operatorDoes: 'd',
  retry: 'now',
};

const at = (revision: number): StationState => ({ ...emptyStation, revision });

describe('the feed of the window', () => {
  it('shows the snapshot, then all deltas of a frame at once', async () => {
    const feed = startedFeed(at(4));
    await feed.settled();
    feed.send({ revision: 5, notices: [{ id: 'a', tone: 'info', at: 1, text: 'one' }] });
    feed.send({ revision: 6, notices: [{ id: 'b', tone: 'info', at: 2, text: 'two' }] });
    expect(feed.shown).toHaveLength(1);
    feed.frame();
    expect(feed.shown).toHaveLength(2);
    expect(feed.shown[1]).toMatchObject({ revision: 6, notices: [{ text: 'two' }] });
  });

  it('asks for a new snapshot when a revision was missed, and goes on from there', async () => {
    const feed = startedFeed(at(4));
    await feed.settled();
    feed.setEngine(at(9));
    feed.send({ revision: 8 });
    feed.frame();
    await feed.settled();
    expect(feed.snapshots()).toBe(2);
    feed.send({ revision: 10 });
    feed.frame();
    expect(feed.shown.at(-1)?.revision).toBe(10);
  });

  it('drops deltas that the snapshot holds already', async () => {
    const feed = startedFeed(at(7));
    feed.send({ revision: 6 });
    feed.send({ revision: 7 });
    await feed.settled();
    feed.frame();
    expect(feed.shown.map((state) => state.revision)).toEqual([7]);
    expect(feed.snapshots()).toBe(1);
  });

  it('keeps deltas that arrive while the snapshot is asked for', async () => {
    const feed = startedFeed(at(7));
    feed.send({ revision: 8 });
    feed.frame();
    await feed.settled();
    feed.frame();
    expect(feed.shown.at(-1)?.revision).toBe(8);
  });

  it('keeps untouched rows the same object, so that only changed rows are drawn again', async () => {
    const feed = startedFeed({ ...at(1), fleet: { a: heartbeat('a'), b: heartbeat('b') } });
    await feed.settled();
    feed.send({ revision: 2, fleet: { b: heartbeat('b') } });
    feed.frame();
    expect(feed.shown[1]?.fleet.a).toBe(feed.shown[0]?.fleet.a);
    expect(feed.shown[1]?.fleet.b).not.toBe(feed.shown[0]?.fleet.b);
  });

  it('asks again at the first sign of life when the first snapshot failed', async () => {
    const feed = startedFeed(at(1));
    feed.failWith(engineLost);
    await feed.settled();
    feed.failWith(undefined);
    feed.send({ revision: 2 });
    feed.frame();
    await feed.settled();
    expect(feed.shown.map((state) => state.revision)).toEqual([1]);
  });

  it('says so when the station does not answer', async () => {
    const feed = startedFeed(at(1));
    await feed.settled();
    feed.failWith(engineLost);
    feed.send({ revision: 99 });
    feed.frame();
    await feed.settled();
    expect(feed.failures.map((error) => error.code)).toEqual(['STATION_ENGINE_LOST']);
  });
});

function heartbeat(deviceId: string) {
  return { deviceId, receivedAt: 1, revision: 1, addresses: [], labels: {} };
}
