import { describe, expect, test } from 'vitest';
import { takeSnapshot } from '#shared/model/apply-delta.ts';
import { type StationDelta, type StationState, stationStateSchema } from '#shared/model/station-state.ts';
import { StationView } from './station-view.ts';

const lamp = { state: 'ok', word: 'ok' } as const;
const engineNotice = { id: 'notice-1', tone: 'info', at: 1, text: 'from the engine' } as const;
const state: StationState = {
  revision: 7,
  station: { name: 'bench', version: '1.0.0', reachesThisComputer: false },
  lamps: { identity: lamp, nats: lamp, keychain: lamp },
  session: { state: 'signed-out' },
  bench: [],
  rows: {},
  fleet: {},
  notices: [engineNotice],
};
const profile = {
  name: 'Bench',
  issuer: 'https://login.example.com',
  projectId: '1',
  natsUrls: [],
  sshUser: 'pi',
  labels: {},
  concurrency: 8,
  acceptsInvalidCerts: false,
  remembersTokens: true,
};
const awaiting = {
  state: 'awaiting-approval',
  userCode: 'AB',
  verificationUri: 'https://login.example.com/device',
  verificationUriComplete: 'https://login.example.com/device?user_code=AB',
  requestedAt: 0,
  expiresAt: 1,
  intervalSeconds: 5,
} as const;

const batch = { batchId: 'b', name: 'b', startedAt: 1, concurrency: 8 };

function setUp() {
  const sent: StationDelta[] = [];
  return {
    sent,
    view: new StationView({ version: '1.0.0', nowMs: () => 42, send: (delta) => sent.push(delta) }),
  };
}

describe('StationView', () => {
  test('knows the sign-in page only while a sign-in waits for it', () => {
    const { view } = setUp();
    view.onSnapshot({ ...state, profile });
    expect([view.issuer, view.signInAddress]).toEqual([profile.issuer, undefined]);
    view.onDelta({ revision: 8, session: awaiting });
    expect(view.signInAddress).toBe(awaiting.verificationUriComplete);
    view.onDelta({ revision: 9, session: { state: 'signed-out' } });
    expect(view.signInAddress).toBeUndefined();
  });

  test('is busy while a batch or a decommission runs, as the engine tells it', () => {
    const { view } = setUp();
    const leaving = { deviceId: 'board-01', startedAt: 1, findings: [] };
    expect(view.isBusy).toBe(false);
    view.onSnapshot({ ...state, batch: { ...batch, state: 'running' } });
    expect(view.isBusy).toBe(true);
    view.onDelta({ revision: 8, batch: { ...batch, state: 'finished' } });
    expect(view.isBusy).toBe(false);
    view.onDelta({ revision: 9, decommissions: { 'board-01': { ...leaving, state: 'running' } } });
    expect(view.isBusy).toBe(true);
    view.onDelta({
      revision: 10,
      decommissions: { 'board-01': { ...leaving, state: 'failed', finishedAt: 2 } },
    });
    expect(view.isBusy).toBe(false);
    view.onDelta({ revision: 11, decommissions: { 'board-01': { ...leaving, state: 'running' } } });
    // An engine that was started anew knows nothing of it.
    view.onSnapshot(state);
    expect(view.isBusy).toBe(false);
  });

  test('adds its notices to the engine’s, in snapshots and deltas, until they are dismissed', () => {
    const { view, sent } = setUp();
    view.notify({ id: 'main-engine', tone: 'attention', text: 'restarted' });
    expect(sent).toEqual([takeSnapshot]);
    const ours = { id: 'main-engine', tone: 'attention', at: 42, text: 'restarted' };
    expect(view.onSnapshot(state).notices).toEqual([ours, engineNotice]);
    expect(view.onDelta({ revision: 8, notices: [] }).notices).toEqual([ours]);
    expect(view.onDelta({ revision: 8 })).toEqual({ revision: 8 });
    expect(view.dismiss('notice-1')).toBe(false);
    expect(view.dismiss('main-engine')).toBe(true);
    expect(view.onSnapshot(state).notices).toEqual([engineNotice]);
  });

  test('a notice replaces the one with its id', () => {
    const { view } = setUp();
    view.notify({ id: 'main-lab', tone: 'info', text: 'one' });
    view.notify({ id: 'main-lab', tone: 'info', text: 'two' });
    expect(view.onSnapshot(state).notices.map(({ text }) => text)).toEqual(['two', engineNotice.text]);
  });

  test('stands in with a state the contract accepts, and tells the window to look', () => {
    const { view, sent } = setUp();
    expect(view.standIn).toBeUndefined();
    view.standInAs('starting');
    view.notify({ id: 'main-lab', tone: 'info', text: 'starting NATS' });
    expect(stationStateSchema.parse(view.standIn)).toMatchObject({
      session: { state: 'starting' },
      notices: [{ text: 'starting NATS' }],
    });
    view.standInAs('failed');
    expect(stationStateSchema.parse(view.standIn).session).toEqual({ state: 'signed-out' });
    view.standInAs(undefined);
    expect(view.standIn).toBeUndefined();
    expect(sent).toHaveLength(4);
  });

  test('forgets issuer and sign-in when the engine is gone for good', () => {
    const { view } = setUp();
    view.onSnapshot({ ...state, profile, session: awaiting });
    view.standInAs('failed');
    expect([view.issuer, view.signInAddress]).toEqual([undefined, undefined]);
  });
});
