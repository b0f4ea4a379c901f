import type { Heartbeat } from '#shared/model/station-state.ts';
import type { GlyphShape } from '../../ui/StateGlyph.tsx';

/** An agent publishes every ten seconds; the limits allow for three and for twelve missed ones. */
export const EXPECTED_EVERY_MS = 10_000;
export const LATE_AFTER_MS = 30_000;
export const OFFLINE_AFTER_MS = 120_000;

export type Liveness = 'online' | 'late' | 'offline';

/** Whether a device is alive, from the age of its newest heartbeat. */
export function livenessOf(heartbeat: Heartbeat, now: number): Liveness {
  const age = now - heartbeat.receivedAt;
  if (age > OFFLINE_AFTER_MS) return 'offline';
  return age > LATE_AFTER_MS ? 'late' : 'online';
}

export const livenessWords: Readonly<
  Record<Liveness, { readonly word: string; readonly shape: GlyphShape; readonly colour: string }>
> = {
  offline: { word: 'Offline', shape: 'octagon', colour: 'text-fail-fg' },
  late: { word: 'Late', shape: 'clock', colour: 'text-attn-fg' },
  online: { word: 'Online', shape: 'dot', colour: 'text-ink-2' },
};

export interface FleetRow {
  readonly deviceId: string;
  readonly liveness: Liveness;
}

const urgency: Readonly<Record<Liveness, number>> = { offline: 0, late: 1, online: 2 };

/** Devices with what they are now: offline first, then late, then online; by id within each. */
export function fleetRows(fleet: Readonly<Record<string, Heartbeat>>, now: number): FleetRow[] {
  return Object.values(fleet)
    .map((heartbeat) => ({ deviceId: heartbeat.deviceId, liveness: livenessOf(heartbeat, now) }))
    .sort((a, b) => urgency[a.liveness] - urgency[b.liveness] || compareIds(a.deviceId, b.deviceId));
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a device's id, host name, labels, agent or address holds the text. */
export function matches(heartbeat: Heartbeat, query: string): boolean {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return true;
  const labels = Object.entries(heartbeat.labels).map(([name, value]) => `${name}=${value}`);
  return [
    heartbeat.deviceId,
    heartbeat.hostname ?? '',
    heartbeat.agentVersion ?? '',
    ...heartbeat.addresses,
    ...labels,
  ].some((text) => text.toLowerCase().includes(wanted));
}
