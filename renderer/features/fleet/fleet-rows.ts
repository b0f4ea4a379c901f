import type { Heartbeat, StationState } from '#shared/model/station-state.ts';
import type { GlyphShape } from '../../ui/StateGlyph.tsx';
import { type Leaving, leavingLooks, leavingOf } from '../device/decommission-words.ts';
import { keyLevel, keyNeedsCare } from '../device/key-words.ts';
import { type Liveness, livenessOf, livenessWords, matches } from './heartbeat-age.ts';

export type FleetState = Liveness | Leaving;
export type FleetFilter = 'all' | Liveness | 'key' | 'leaving';
export const fleetOrders = ['stale', 'key', 'id'] as const;
export type FleetOrder = (typeof fleetOrders)[number];

export interface FleetRow {
  readonly deviceId: string;
  readonly state: FleetState;
  /** Its key is near its end, past it, or gone. */
  readonly keyNeedsCare: boolean;
}

export const fleetWords: Readonly<
  Record<FleetState, { readonly word: string; readonly shape: GlyphShape; readonly colour: string }>
> = { ...livenessWords, ...leavingLooks };

const urgency: Readonly<Record<FleetState, number>> = {
  ...{ incomplete: 0, reports: 1, leaving: 2 },
  ...{ offline: 3, late: 4, online: 5, left: 6 },
};

/** Whether a device is leaving the fleet, or has. */
export function isLeaving(state: FleetState): state is Leaving {
  return state in leavingLooks;
}

type Known = Pick<StationState, 'fleet' | 'rows' | 'keys' | 'decommissions'>;

/** Every device that was heard, and every one that was decommissioned since the station started, by id. Pure. */
export function fleetRows(station: Known, now: number): FleetRow[] {
  const { fleet, keys, decommissions } = station;
  const silent = Object.keys(decommissions ?? {}).filter(
    (deviceId) => fleet[deviceId] === undefined && leavingOf(station, deviceId) !== undefined,
  );
  return [...Object.keys(fleet), ...silent]
    .map((deviceId): FleetRow => {
      const state = fleetState(station, deviceId, now);
      const cares = !isLeaving(state) && keyNeedsCare(keyLevel(keys?.[deviceId], now));
      return { deviceId, state, keyNeedsCare: cares };
    })
    .sort((a, b) => compareIds(a.deviceId, b.deviceId));
}

/** What a device of the fleet is now. Pure. */
export function fleetState(station: Known, deviceId: string, now: number): FleetState {
  const heartbeat = station.fleet[deviceId];
  const leaving = leavingOf(station, deviceId);
  return leaving ?? (heartbeat === undefined ? 'offline' : livenessOf(heartbeat, now));
}

/** The ids to show, in the order wished for. Pure. */
export function shownIds(
  rows: readonly FleetRow[],
  { fleet, keys }: Known,
  wish: { readonly filter: FleetFilter; readonly query: string; readonly order: FleetOrder },
): string[] {
  const wanted = rows.filter(
    (row) => passes(row, wish.filter) && holds(row.deviceId, fleet[row.deviceId], wish.query),
  );
  // A stable sort keeps the ids in order within each group.
  if (wish.order === 'stale') wanted.sort((a, b) => urgency[a.state] - urgency[b.state]);
  if (wish.order === 'key') wanted.sort((a, b) => keyEnd(keys?.[a.deviceId]) - keyEnd(keys?.[b.deviceId]));
  return wanted.map((row) => row.deviceId);
}

function passes(row: FleetRow, filter: FleetFilter): boolean {
  if (filter === 'all') return true;
  if (filter === 'key') return row.keyNeedsCare;
  if (filter === 'leaving') return isLeaving(row.state);
  return row.state === filter;
}

function holds(deviceId: string, heartbeat: Heartbeat | undefined, query: string): boolean {
  if (heartbeat !== undefined) return matches(heartbeat, query);
  return deviceId.toLowerCase().includes(query.trim().toLowerCase());
}

/** What does not sign in any more first, then by the end; keys without an end, then what is not known. */
function keyEnd(key: NonNullable<StationState['keys']>[string] | undefined): number {
  if (key === undefined) return Number.MAX_VALUE;
  if (key.standing === 'registered') return key.expiresAt ?? Number.MAX_SAFE_INTEGER;
  return key.standing === 'unsure' ? Number.MAX_VALUE : -1;
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
