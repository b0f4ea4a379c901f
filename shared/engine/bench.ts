import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { parseDeviceId } from '../model/device-id.ts';
import type { BenchEntry } from '../model/profile.ts';
import type { BenchDevice } from '../model/station-state.ts';
import { formatAddress, formatTarget, parseTarget } from '../model/target.ts';

export interface BenchRow {
  readonly rowId: string;
  readonly deviceId: string;
  readonly target: string;
}

/** Rows of the Bench as the window shows them, each with what forbids enrolling it. Pure. */
export function viewBench(
  rows: readonly BenchRow[],
  lastState: (deviceId: string) => BenchDevice['lastState'],
): BenchDevice[] {
  const timesOfId = new Map<string, number>();
  for (const { deviceId } of rows) timesOfId.set(deviceId, (timesOfId.get(deviceId) ?? 0) + 1);
  // By address alone: the same board is the same board under another login.
  const firstAt = new Map<string, BenchRow>();
  return rows.map((row) => {
    const address = addressOf(row.target);
    const key = address.toLowerCase();
    const sameAddress = firstAt.get(key);
    if (sameAddress === undefined) firstAt.set(key, row);
    const sameId = row.deviceId !== '' && (timesOfId.get(row.deviceId) ?? 0) > 1;
    const state = lastState(row.deviceId);
    return {
      rowId: row.rowId,
      deviceId: row.deviceId,
      target: normalTarget(row.target),
      address,
      ...problemOf(row, sameId, sameAddress),
      ...(state === undefined ? {} : { lastState: state }),
    };
  });
}

function normalTarget(text: string): string {
  const result = parseTarget(text);
  return result.ok ? formatTarget(result.target) : text;
}

function addressOf(text: string): string {
  const result = parseTarget(text);
  return result.ok ? formatAddress(result.target) : text;
}

function problemOf(
  row: BenchRow,
  sameId: boolean,
  sameTarget: BenchRow | undefined,
): Pick<BenchDevice, 'problem' | 'problemPosition'> {
  const id = parseDeviceId(row.deviceId);
  const view = (error: EnrollmentError): Pick<BenchDevice, 'problem'> => ({ problem: toErrorView(error) });
  if (!id.ok) {
    const error = new EnrollmentError('DEVICE_ID_INVALID', {
      details: { problem: id.problem.says },
      subject: row.deviceId,
    });
    return { ...view(error), problemPosition: id.problem.position };
  }
  if (sameId)
    return view(
      new EnrollmentError('DEVICE_ID_DUPLICATE', {
        details: { deviceId: row.deviceId },
        subject: row.deviceId,
      }),
    );
  const target = parseTarget(row.target);
  if (!target.ok)
    return view(
      new EnrollmentError('DEVICE_TARGET_INVALID', {
        details: { problem: target.says },
        subject: row.deviceId,
      }),
    );
  if (sameTarget) {
    const details = { address: addressOf(row.target), deviceId: sameTarget.deviceId };
    return view(new EnrollmentError('DEVICE_TARGET_DUPLICATE', { details, subject: row.deviceId }));
  }
  return {};
}

/** The devices waiting at the Bench: from the profile at start, then as the operator adds, names and removes them. */
export class Bench {
  #rows: BenchRow[];
  #next = 1;
  readonly #onChange: () => void;

  constructor(entries: readonly BenchEntry[], onChange: () => void) {
    this.#onChange = onChange;
    this.#rows = entries.map((entry) => ({
      rowId: this.#newRowId(),
      deviceId: entry.device_id,
      target: entry.target,
    }));
  }

  get rows(): readonly BenchRow[] {
    return this.#rows;
  }

  add(deviceId: string, target: string): string {
    const rowId = this.#newRowId();
    this.#rows = [...this.#rows, { rowId, deviceId, target }];
    this.#onChange();
    return rowId;
  }

  rename(rowId: string, deviceId: string): void {
    this.#rows = this.#rows.map((row) => (row.rowId === rowId ? { ...row, deviceId } : row));
    this.#onChange();
  }

  remove(rowId: string): void {
    this.#rows = this.#rows.filter((row) => row.rowId !== rowId);
    this.#onChange();
  }

  #newRowId(): string {
    const rowId = `row-${this.#next}`;
    this.#next += 1;
    return rowId;
  }
}
