import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { type DeviceId, parseDeviceId } from '../model/device-id.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { BenchEntry } from '../model/profile.ts';
import type { BenchDevice } from '../model/station-state.ts';
import { formatAddress, formatTarget, parseTarget, type Target } from '../model/target.ts';

export interface BenchRow {
  readonly rowId: string;
  readonly deviceId: string;
  readonly target: string;
  /** Labels of this device alone. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** A row after every rule of the Bench: what is enrolled from it, or what forbids that. */
export type CheckedRow = { readonly row: BenchRow; readonly address: string } & Verdict;

type Verdict =
  | { readonly ok: true; readonly deviceId: DeviceId; readonly target: Target }
  | { readonly ok: false; readonly error: EnrollmentError; readonly problemPosition?: number };

/** Checks the rows of the Bench, each for itself and against the others. Pure. */
export function checkBench(rows: readonly BenchRow[]): CheckedRow[] {
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
    return { row, address, ...checkRow(row, sameId, sameAddress) };
  });
}

/** Rows of the Bench as the window shows them, each with what forbids enrolling it. Pure. */
export function viewBench(
  rows: readonly BenchRow[],
  lastState: (deviceId: string) => BenchDevice['lastState'],
): BenchDevice[] {
  return checkBench(rows).map((checked) => {
    const { row, address } = checked;
    const state = lastState(row.deviceId);
    return {
      rowId: row.rowId,
      deviceId: row.deviceId,
      target: normalTarget(row.target),
      address,
      ...(checked.ok ? {} : problemOf(checked)),
      ...(state === undefined ? {} : { lastState: state }),
    };
  });
}

function problemOf(
  checked: Extract<CheckedRow, { ok: false }>,
): Pick<BenchDevice, 'problem' | 'problemPosition'> {
  const { error, problemPosition } = checked;
  return { problem: toErrorView(error), ...(problemPosition === undefined ? {} : { problemPosition }) };
}

function normalTarget(text: string): string {
  const result = parseTarget(text);
  return result.ok ? formatTarget(result.target) : text;
}

function addressOf(text: string): string {
  const result = parseTarget(text);
  return result.ok ? formatAddress(result.target) : text;
}

function checkRow(row: BenchRow, sameId: boolean, sameTarget: BenchRow | undefined): Verdict {
  const subject = row.deviceId;
  const refuse = (code: EnrollmentErrorCode, details: Record<string, string>) => ({
    ok: false as const,
    error: new EnrollmentError(code, { details, subject }),
  });
  const id = parseDeviceId(row.deviceId);
  if (!id.ok) {
    const { says, position } = id.problem;
    return { ...refuse('DEVICE_ID_INVALID', { problem: says }), problemPosition: position };
  }
  if (sameId) return refuse('DEVICE_ID_DUPLICATE', { deviceId: row.deviceId });
  const target = parseTarget(row.target);
  if (!target.ok) return refuse('DEVICE_TARGET_INVALID', { problem: target.says });
  if (sameTarget)
    return refuse('DEVICE_TARGET_DUPLICATE', {
      address: addressOf(row.target),
      deviceId: sameTarget.deviceId,
    });
  return { ok: true, deviceId: id.id, target: target.target };
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
      labels: entry.labels,
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
