import type { LogLine, StationDelta } from '#shared/model/station-state.ts';

/** One delta with the effect of two, the older one first. */
export function mergeDeltas(older: StationDelta, newer: StationDelta): StationDelta {
  const { rows: olderRows, resetRows: olderReset, ...olderSlices } = older;
  const { rows: newerRows, resetRows: newerReset, ...newerSlices } = newer;
  const reset = olderReset === true || newerReset === true;
  const rows = newerReset === true ? { ...newerRows } : joined(olderRows, newerRows);
  const fleet = joined(older.fleet, newer.fleet);
  const decommissions = joined(older.decommissions, newer.decommissions);
  const keys = joined(older.keys, newer.keys);
  return {
    ...olderSlices,
    ...defined(newerSlices),
    since: older.since ?? older.revision - 1,
    ...(reset ? { resetRows: true } : {}),
    ...(rows === undefined ? {} : { rows }),
    ...(fleet === undefined ? {} : { fleet }),
    ...(decommissions === undefined ? {} : { decommissions }),
    ...(keys === undefined ? {} : { keys }),
  };
}

function joined<T>(older: Record<string, T> | undefined, newer: Record<string, T> | undefined) {
  return older === undefined && newer === undefined ? undefined : { ...older, ...newer };
}

/** Without the properties that are there but undefined: they must not hide an older value. */
function defined(delta: StationDelta): StationDelta {
  return Object.fromEntries(Object.entries(delta).filter(([, value]) => value !== undefined)) as StationDelta;
}

export interface CoalescerOptions {
  /** At most one delta, and one message per followed device, in this time. */
  readonly intervalMs: number;
  readonly after: (ms: number, callback: () => void) => () => void;
  readonly sendDelta: (delta: StationDelta) => void;
  readonly sendLog: (deviceId: string, lines: readonly LogLine[]) => void;
}

/** Gathers what changes within one frame, so that a batch of hundreds does not flood the window. */
export class Coalescer {
  readonly #options: CoalescerOptions;
  #delta: StationDelta | undefined;
  #logs = new Map<string, LogLine[]>();
  #cancel: (() => void) | undefined;

  constructor(options: CoalescerOptions) {
    this.#options = options;
  }

  addDelta(delta: StationDelta): void {
    this.#delta = this.#delta === undefined ? delta : mergeDeltas(this.#delta, delta);
    this.#schedule();
  }

  addLog(deviceId: string, lines: readonly LogLine[]): void {
    const waiting = this.#logs.get(deviceId);
    if (waiting === undefined) this.#logs.set(deviceId, [...lines]);
    else for (const line of lines) waiting.push(line);
    this.#schedule();
  }

  /** Sends what waits, now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const [delta, logs] = [this.#delta, this.#logs];
    this.#delta = undefined;
    this.#logs = new Map();
    if (delta !== undefined) this.#options.sendDelta(delta);
    for (const [deviceId, lines] of logs) this.#options.sendLog(deviceId, lines);
  }

  #schedule(): void {
    this.#cancel ??= this.#options.after(this.#options.intervalMs, () => this.flush());
  }
}
