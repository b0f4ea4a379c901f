import { describe, expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { DecommissionView, EnrollmentRow, Heartbeat } from '#shared/model/station-state.ts';
import { whyNoDecommission, whyNoRotation } from './act-reasons.ts';
import { decommissionSays, leavingOf, partLines } from './decommission-words.ts';

const view = (part: Partial<DecommissionView> = {}): DecommissionView => ({
  ...{ deviceId: 'a', state: 'running', startedAt: 10, findings: [], ...part },
});
const keysGone = { what: 'keys', state: 'deleted', text: '1 key: 371' } as const;

describe('a decommission', () => {
  it('shows what is done, what runs and what waits, in order', () => {
    const lines = partLines(view({ findings: [keysGone] }));
    expect(lines.map(({ what, shape, word }) => [what, shape, word])).toEqual([
      ['keys', 'tick', 'removed'],
      ['account', 'ring', 'now'],
      ['device', 'circle', 'waiting'],
      ['entry', 'circle', 'waiting'],
      ['records', 'circle', 'waiting'],
    ]);
  });

  it('names what is left when it ended before its end', () => {
    const failed = view({ state: 'failed', finishedAt: 20, findings: [keysGone] });
    expect(decommissionSays(failed)).toBe(
      'Left: account and grant, agent on the device, heartbeat entry, journal of this station. The same again goes on with what is left.',
    );
    expect(partLines(failed).map(({ word }) => word)).not.toContain('now');
  });

  it('says that it waits for a sign-in', () => {
    expect(decommissionSays(view({ awaitsSignIn: true }))).toContain('waits for a sign-in');
    expect(decommissionSays(view({ awaitsSignIn: false }))).toContain('is being taken out');
  });
});

describe('a device after its decommission', () => {
  const beat = (receivedAt: number): Heartbeat => ({
    ...{ deviceId: 'a', receivedAt, revision: 1, addresses: [], labels: {} },
  });
  const row = (finishedAt: number): EnrollmentRow => ({
    ...{
      deviceId: 'a',
      position: 1,
      target: 't',
      address: 'a',
      state: 'enrolled',
      attempt: 1,
      roundTrips: 0,
    },
    ...{ steps: stepIds.map((id) => ({ id, state: 'done' })), finishedAt },
  });
  const done = { decommissions: { a: view({ state: 'done', finishedAt: 20 }) }, rows: {}, fleet: {} };

  it('is out, reports on, or is back', () => {
    expect(leavingOf(done, 'a')).toBe('left');
    expect(leavingOf(done, 'b')).toBeUndefined();
    expect(leavingOf({ ...done, rows: { a: row(15) } }, 'a')).toBe('left');
    expect(leavingOf({ ...done, fleet: { a: beat(21) } }, 'a')).toBe('reports');
    expect(leavingOf({ ...done, rows: { a: row(30) }, fleet: { a: beat(31) } }, 'a')).toBeUndefined();
    const keys = { a: { standing: 'registered', others: 0, askedAt: 25 } } as const;
    expect(leavingOf({ ...done, keys, fleet: { a: beat(21) } }, 'a')).toBeUndefined();
  });
});

describe('why an act has to wait', () => {
  const session = {
    ...({ state: 'signed-in', account: 'o', expiresAt: 1, renewable: true } as const),
    ...({ remembered: 'memory', rememberedNote: '' } as const),
  };
  const batch = {
    ...({ batchId: 'b', name: 'batch7', state: 'running', startedAt: 1, concurrency: 8 } as const),
  };
  const waiting: EnrollmentRow = {
    ...{ deviceId: 'a', position: 1, target: 't', address: 'a', state: 'waiting', attempt: 1, roundTrips: 0 },
    ...{ steps: stepIds.map((id) => ({ id, state: 'waiting' })) },
  };
  it('is told', () => {
    expect(whyNoRotation({ session, rows: {} }, ['a'])).toBe('');
    expect(whyNoRotation({ session, rows: {} }, [])).toContain('Choose devices');
    expect(whyNoRotation({ session: { state: 'signed-out' }, rows: {} }, ['a'])).toBe('Nobody is signed in.');
    expect(whyNoRotation({ session, batch, rows: {} }, ['a'])).toContain('batch7 is running');
    expect(whyNoRotation({ session, rows: {}, decommissions: { a: view() } }, ['a'])).toContain('a is being');
    expect(whyNoDecommission({ session, batch, rows: { a: waiting } }, 'a')).toContain(
      'part of batch batch7',
    );
    expect(whyNoDecommission({ session, batch, rows: { a: waiting } }, 'b')).toBe('');
    expect(
      whyNoDecommission({ session, batch: { ...batch, state: 'finished' }, rows: { a: waiting } }, 'a'),
    ).toBe('');
    expect(whyNoDecommission({ session, rows: {}, decommissions: { a: view() } }, 'a')).not.toBe('');
  });
});
