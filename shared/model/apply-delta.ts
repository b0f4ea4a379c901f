import type { StationDelta, StationState } from './station-state.ts';

/**
 * The state after a delta. Untouched slices, and untouched rows and heartbeats, stay the same objects,
 * so a view that compares by identity redraws only what changed.
 */
export function applyDelta(state: StationState, delta: StationDelta): StationState {
  const next: StationState = { ...state, revision: delta.revision };
  if (delta.profile !== undefined) next.profile = delta.profile;
  if (delta.lamps !== undefined) next.lamps = delta.lamps;
  if (delta.session !== undefined) next.session = delta.session;
  if (delta.bench !== undefined) next.bench = delta.bench;
  if (delta.notices !== undefined) next.notices = delta.notices;
  if (delta.batch === null) delete next.batch;
  else if (delta.batch !== undefined) next.batch = delta.batch;
  if (delta.resetRows === true) next.rows = { ...delta.rows };
  else if (delta.rows !== undefined) next.rows = { ...state.rows, ...delta.rows };
  if (delta.fleet !== undefined) next.fleet = fleetAfter(state.fleet, delta.fleet);
  if (delta.decommissions !== undefined)
    next.decommissions = { ...state.decommissions, ...delta.decommissions };
  if (delta.keys !== undefined) next.keys = { ...state.keys, ...delta.keys };
  if (delta.keyLookUp !== undefined) next.keyLookUp = delta.keyLookUp;
  return next;
}

function fleetAfter(
  fleet: StationState['fleet'],
  changes: NonNullable<StationDelta['fleet']>,
): StationState['fleet'] {
  const next = { ...fleet };
  for (const [deviceId, heartbeat] of Object.entries(changes)) {
    if (heartbeat === null) delete next[deviceId];
    else next[deviceId] = heartbeat;
  }
  return next;
}

/**
 * Whether a delta can be applied to a state. `next`: yes. `old`: the state holds it already, drop it.
 * `gap`: something between was missed, ask for a snapshot.
 */
export function deltaFit(state: Pick<StationState, 'revision'>, delta: StationDelta): 'next' | 'old' | 'gap' {
  const since = delta.since ?? delta.revision - 1;
  if (since > state.revision) return 'gap';
  return delta.revision > state.revision ? 'next' : 'old';
}

/**
 * The delta that fits no state: a window that gets it asks for a snapshot. Sent when a new engine, which counts
 * its revisions anew, has taken over.
 */
export const takeSnapshot: StationDelta = { revision: Number.MAX_SAFE_INTEGER };
