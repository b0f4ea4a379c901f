import type { Output } from '../contract/ipc.ts';
import { toErrorView } from '../errors/enrollment-error.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { formatTarget, parseTarget } from '../model/target.ts';
import { type BenchRow, checkBench } from './bench.ts';

type KnownTarget = Output<'fleet.targets'>[number];

/** Where the station has met devices before. */
export interface Whereabouts {
  readonly benchRows: readonly BenchRow[];
  /** Target of the newest enrollment, as it was written then. */
  lastTarget(deviceId: string): string | undefined;
  heartbeat(deviceId: string): Heartbeat | undefined;
}

/**
 * Where devices are reached: what stands on the Bench counts first, then where the last enrollment found the device, then
 * the first address of its heartbeat that is no link-local one. Pure.
 */
export function knownTargets(deviceIds: readonly string[], where: Whereabouts): KnownTarget[] {
  const onBench = new Map(checkBench(where.benchRows).map((checked) => [checked.row.deviceId, checked]));
  return deviceIds.map((deviceId): KnownTarget => {
    const row = onBench.get(deviceId);
    if (row !== undefined) {
      const problem = row.ok ? {} : { problem: toErrorView(row.error) };
      return { deviceId, target: normal(row.row.target) ?? row.row.target, from: 'bench', ...problem };
    }
    const last = normal(where.lastTarget(deviceId) ?? '');
    if (last !== undefined) return { deviceId, target: last, from: 'last-run' };
    const heard = where
      .heartbeat(deviceId)
      ?.addresses.filter((address) => !/^fe80:/i.test(address))
      .map(normal)
      .find((target) => target !== undefined);
    return heard === undefined ? { deviceId } : { deviceId, target: heard, from: 'heartbeat' };
  });
}

function normal(text: string): string | undefined {
  const parsed = parseTarget(text);
  return parsed.ok ? formatTarget(parsed.target) : undefined;
}
