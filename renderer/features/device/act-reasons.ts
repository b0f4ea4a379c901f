import type { StationState } from '#shared/model/station-state.ts';

type Known = Pick<StationState, 'session' | 'batch' | 'rows' | 'decommissions'>;

/** Why no key can be rotated now; empty where one can. Pure. */
export function whyNoRotation(station: Known, deviceIds: readonly string[]): string {
  const { session, batch, decommissions } = station;
  if (deviceIds.length === 0) return 'Choose devices first.';
  if (session.state !== 'signed-in') return 'Nobody is signed in.';
  if (batch !== undefined && batch.state !== 'finished')
    return `Batch ${batch.name} is running. One station runs one batch at a time.`;
  const leaving = deviceIds.find((deviceId) => decommissions?.[deviceId]?.state === 'running');
  return leaving === undefined ? '' : `${leaving} is being decommissioned.`;
}

/** Why a device cannot be decommissioned now; empty where it can. Pure. */
export function whyNoDecommission(station: Known, deviceId: string): string {
  const { session, batch, rows, decommissions } = station;
  if (session.state !== 'signed-in') return 'Nobody is signed in.';
  if (decommissions?.[deviceId]?.state === 'running') return 'It is being decommissioned.';
  const state = batch !== undefined && batch.state !== 'finished' ? rows[deviceId]?.state : undefined;
  const isHeld = state !== undefined && !['enrolled', 'failed', 'stopped'].includes(state);
  return isHeld ? `It is part of batch ${batch?.name ?? ''}, which is running.` : '';
}
