import { parseDeviceId } from '#shared/model/device-id.ts';
import type { BenchDevice } from '#shared/model/station-state.ts';

export type ScanOutcome =
  | { readonly does: 'refuse'; readonly says: string }
  | { readonly does: 'select'; readonly rowId: string; readonly says: string }
  | { readonly does: 'name'; readonly rowId: string; readonly says: string };

/** What a scanned or typed id leads to: the row that has it, or the next device without a name. */
export function decideScan(text: string, bench: readonly BenchDevice[]): ScanOutcome {
  const parsed = parseDeviceId(text);
  if (!parsed.ok) return { does: 'refuse', says: parsed.problem.says };
  const known = bench.find((device) => device.deviceId === text);
  if (known !== undefined)
    return { does: 'select', rowId: known.rowId, says: `on the bench at ${known.address}` };
  const unnamed = bench.find((device) => device.deviceId === '');
  if (unnamed !== undefined) return { does: 'name', rowId: unnamed.rowId, says: `named ${unnamed.address}` };
  return { does: 'refuse', says: 'Every device on the bench has a name already. Add its address first.' };
}
