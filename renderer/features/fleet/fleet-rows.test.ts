import { expect, it } from 'vitest';
import type { DecommissionView, Heartbeat, MachineKeyView } from '#shared/model/station-state.ts';
import { fleetRows, shownIds } from './fleet-rows.ts';

const DAY = 86_400_000;
const now = 400 * DAY;
const beat = (deviceId: string, ageMs: number): Heartbeat => ({
  ...{ deviceId, receivedAt: now - ageMs, revision: 1, addresses: ['10.0.0.9'], labels: { line: '3' } },
});
const key = (days: number): MachineKeyView => ({
  ...({ standing: 'registered', keyId: '1', others: 0, askedAt: now } as const),
  ...{ expiresAt: now + days * DAY, renewFrom: now + (days - 30) * DAY },
});
const decommission = (deviceId: string, state: DecommissionView['state']): DecommissionView => ({
  ...{ deviceId, state, startedAt: now - 5000, findings: [] },
  ...(state === 'running' ? {} : { finishedAt: now - 4000 }),
});
const station = {
  fleet: {
    a: beat('a', 300_000),
    b: beat('b', 0),
    c: beat('c', 250_000),
    d: beat('d', 40_000),
    e: beat('e', 0),
    f: beat('f', 6000),
  },
  rows: {},
  keys: { a: key(80), b: key(12), c: key(-3), d: { standing: 'deleted', others: 1, askedAt: now } as const },
  decommissions: {
    e: decommission('e', 'done'),
    f: decommission('f', 'running'),
    g: decommission('g', 'done'),
  },
};
const ids = (
  filter: Parameters<typeof shownIds>[2]['filter'],
  order: Parameters<typeof shownIds>[2]['order'] = 'stale',
  query = '',
) => shownIds(fleetRows(station, now), station, { filter, order, query });

it('puts what needs somebody first, and what has left last', () => {
  expect(ids('all')).toEqual(['e', 'f', 'a', 'c', 'd', 'b', 'g']);
  const states = Object.fromEntries(fleetRows(station, now).map((row) => [row.deviceId, row.state]));
  expect(states).toEqual({
    ...{ a: 'offline', b: 'online', c: 'offline', d: 'late', e: 'reports', f: 'leaving', g: 'left' },
  });
});

it('orders by the end of the key: gone first, unknown last', () => {
  expect(ids('all', 'key')).toEqual(['d', 'c', 'b', 'a', 'e', 'f', 'g']);
  expect(ids('all', 'id')).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

it('filters by liveness, by key and by leaving', () => {
  expect(ids('online')).toEqual(['b']);
  expect(ids('key', 'id')).toEqual(['b', 'c', 'd']);
  expect(ids('leaving', 'id')).toEqual(['e', 'f', 'g']);
  expect(ids('all', 'id', 'line=3')).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(ids('all', 'id', 'G')).toEqual(['g']);
});
