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
