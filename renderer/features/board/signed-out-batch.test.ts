import { describe, expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { EnrollmentRow, StationState } from '#shared/model/station-state.ts';
import { emptyStation } from '../../app/empty-station.ts';
import { signedOutBatch } from './signed-out-batch.ts';

function row(
  deviceId: string,
  state: EnrollmentRow['state'],
  code?: 'IDENTITY_SESSION_ENDED' | 'DEVICE_DISK_FULL',
) {
  const error = { title: 't', says: 's', cause: 'c', operatorDoes: 'o', retry: 'after-fix' } as const;
  return {
    ...{ deviceId, position: 1, target: 't', address: 'a', state, attempt: 1, roundTrips: 0 },
    steps: stepIds.map((id) => ({ id, state: 'waiting' as const })),
    ...(code === undefined ? {} : { error: { ...error, code } }),
  };
}

function station(part: Partial<StationState>, rows: readonly EnrollmentRow[]): StationState {
  return {
    ...emptyStation,
    session: { state: 'signed-out' },
    batch: { batchId: 'b', name: 'B', state: 'running', startedAt: 0, concurrency: 2 },
    rows: Object.fromEntries(rows.map((one) => [one.deviceId, one])),
    ...part,
  };
}

describe('a batch without its sign-in', () => {
  const rows = [
    row('a', 'failed', 'IDENTITY_SESSION_ENDED'),
    row('b', 'failed', 'DEVICE_DISK_FULL'),
    row('c', 'waiting'),
    row('d', 'enrolled'),
    row('e', 'awaiting-sign-in'),
  ];
  it('counts who stopped for it, who waits for it and who is open, and nobody else', () => {
    expect(signedOutBatch(station({}, rows))).toEqual({ name: 'B', stopped: 1, awaiting: 1, open: 1 });
  });
  it('asks nothing while somebody is signed in or signing in', () => {
    expect(signedOutBatch(station({ session: { state: 'starting' } }, rows))).toBeUndefined();
  });
  it('of a finished batch asks only for those that stopped for it', () => {
    const batch = { ...(station({}, []).batch ?? never()), state: 'finished' as const };
    expect(signedOutBatch(station({ batch }, rows))).toMatchObject({ stopped: 1, awaiting: 0, open: 0 });
    expect(signedOutBatch(station({ batch }, rows.slice(1)))).toBeUndefined();
  });
  it('does not disturb a batch that is being stopped', () => {
    const batch = { ...(station({}, []).batch ?? never()), state: 'stopping' as const };
    expect(signedOutBatch(station({ batch }, rows))).toBeUndefined();
  });
});

function never(): never {
  throw new Error('The station has no batch.');
}
