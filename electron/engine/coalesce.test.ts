import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyDelta, deltaFit } from '#shared/model/apply-delta.ts';
import type { LogLine, StationDelta, StationState } from '#shared/model/station-state.ts';
import { Coalescer, mergeDeltas } from './coalesce.ts';

const lamp = { state: 'ok', word: 'ok' } as const;
const start: StationState = {
  revision: 0,
  station: { name: 'bench', version: '0.0.0', reachesThisComputer: false },
  lamps: { identity: lamp, nats: lamp, keychain: lamp },
  session: { state: 'signed-out' },
  bench: [],
  batch: { batchId: 'b0', name: 'first', state: 'running', startedAt: 0, concurrency: 8 },
  rows: { 'dev-0': { deviceId: 'dev-0', roundTrips: 0 } as StationState['rows'][string] },
  fleet: {},
  notices: [],
};

/** Values only need an identity of their own; shapes are the schema's business. */
const key = fc.constantFrom('dev-0', 'dev-1', 'dev-2', '__proto__', 'constructor');
const mark = fc.nat(1000);
const record = fc
  .array(fc.tuple(key, mark))
  .map((entries) => Object.fromEntries(entries.map(([name, value]) => [name, { deviceId: name, value }])));
const slices = fc.record(
  {
    lamps: mark.map((value) => ({ identity: { ...lamp, detail: `${value}` }, nats: lamp, keychain: lamp })),
    session: fc.constantFrom({ state: 'signed-out' }, { state: 'starting' }),
    bench: fc.array(
      mark.map((value) => ({ rowId: `${value}` })),
      { maxLength: 2 },
    ),
    batch: fc.option(mark.map((value) => ({ batchId: `${value}` }))),
    resetRows: fc.constant(true),
    rows: record,
    fleet: record,
    notices: fc.array(
      mark.map((value) => ({ id: `${value}` })),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const deltas = fc
  .array(slices, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((slice, index) => ({ ...slice, revision: index + 1 }) as unknown as StationDelta));

function applyAll(list: readonly StationDelta[]): StationState {
  return list.reduce(applyDelta, start);
}

describe('mergeDeltas', () => {
  test('has the effect of its parts in order, wherever the cuts are', () => {
    fc.assert(
      fc.property(deltas, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (list, cuts) => {
        const merged: StationDelta[] = [];
        for (const [index, delta] of list.entries()) {
          const last = merged.at(-1);
          if (last === undefined || cuts[index]) merged.push(delta);
          else merged[merged.length - 1] = mergeDeltas(last, delta);
        }
        expect(applyAll(merged)).toEqual(applyAll(list));
      }),
      { numRuns: 2000 },
    );
  });

  test('brings a window forward that took its snapshot between the parts', () => {
    fc.assert(
      fc.property(deltas, fc.nat(8), (list, at) => {
        const snapshot = applyAll(list.slice(0, at));
        const merged = list.reduce(mergeDeltas);
        const after = deltaFit(snapshot, merged) === 'next' ? applyDelta(snapshot, merged) : snapshot;
        expect(after).toEqual(applyAll(list));
      }),
      { numRuns: 1000 },
    );
  });

  test('names the revision it builds on', () => {
    const merged = [5, 6, 7].map((revision): StationDelta => ({ revision })).reduce(mergeDeltas);
    expect(merged).toEqual({ revision: 7, since: 4 });
    expect(deltaFit({ revision: 3 }, merged)).toBe('gap');
    expect(deltaFit({ revision: 4 }, merged)).toBe('next');
    expect(deltaFit({ revision: 7 }, merged)).toBe('old');
  });

  test('keeps an older value where the newer slice is there but undefined', () => {
    const newer = { revision: 2, session: undefined } as unknown as StationDelta;
    expect(mergeDeltas({ revision: 1, session: { state: 'starting' } }, newer).session).toEqual({
      state: 'starting',
    });
  });
});

describe('Coalescer', () => {
  function setUp() {
    const timers: (() => void)[] = [];
    const sent: StationDelta[] = [];
    const logs: [string, readonly LogLine[]][] = [];
    const coalescer = new Coalescer({
      intervalMs: 16,
      after: (_ms, callback) => {
        timers.push(callback);
        return () => timers.splice(timers.indexOf(callback), 1);
      },
      sendDelta: (delta) => sent.push(delta),
      sendLog: (deviceId, lines) => logs.push([deviceId, lines]),
    });
    return { coalescer, timers, sent, logs, tick: () => timers.shift()?.() };
  }

  test('sends one delta per interval, however many changes there were', () => {
    const { coalescer, sent, timers, tick } = setUp();
    for (let revision = 1; revision <= 500; revision++) coalescer.addDelta({ revision, fleet: {} });
    expect(sent).toHaveLength(0);
    expect(timers).toHaveLength(1);
    tick();
    expect(sent).toEqual([{ revision: 500, since: 0, fleet: {} }]);
    coalescer.addDelta({ revision: 501 });
    tick();
    expect(sent[1]).toEqual({ revision: 501 });
  });

  test('keeps log lines in order and apart by device', () => {
    const { coalescer, logs, tick } = setUp();
    const line = (text: string): LogLine => ({ offsetMs: 0, kind: 'output', text });
    coalescer.addLog('dev-1', [line('a')]);
    coalescer.addLog('dev-2', [line('x')]);
    coalescer.addLog('dev-1', [line('b'), line('c')]);
    tick();
    expect(logs).toEqual([
      ['dev-1', [line('a'), line('b'), line('c')]],
      ['dev-2', [line('x')]],
    ]);
  });

  test('flush sends at once and leaves no timer', () => {
    const { coalescer, sent, timers } = setUp();
    coalescer.addDelta({ revision: 1 });
    coalescer.flush();
    expect(sent).toHaveLength(1);
    expect(timers).toHaveLength(0);
  });
});
