import { printable } from '../model/printable.ts';
import type { LogLine } from '../model/station-state.ts';
import type { Clock } from './ports.ts';

/** Lines kept of one device; older ones go first. */
const MAX_LINES = 5_000;
const MAX_LINE_LENGTH = 2_000;

export type NewLogLine = Pick<LogLine, 'kind' | 'stepId' | 'text'>;

/** The log of one device's newest attempt: what was run, what it printed, how it ended. */
export class DeviceLog {
  readonly #clock: Clock;
  readonly #onLines: (lines: readonly LogLine[]) => void;
  #lines: LogLine[] = [];
  #startedAt: number;

  constructor(clock: Clock, onLines: (lines: readonly LogLine[]) => void) {
    this.#clock = clock;
    this.#onLines = onLines;
    this.#startedAt = clock.monotonicMs();
  }

  /** Begins a new attempt; offsets count from here. */
  restart(): void {
    this.#lines = [];
    this.#startedAt = this.#clock.monotonicMs();
  }

  /** Adds a line. Text from outside becomes printable here, once, for every place that shows it. */
  add(line: NewLogLine): void {
    const text = printable(line.text);
    const entry: LogLine = {
      offsetMs: Math.max(0, Math.round(this.#clock.monotonicMs() - this.#startedAt)),
      kind: line.kind,
      ...(line.stepId === undefined ? {} : { stepId: line.stepId }),
      text: text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)}…` : text,
    };
    this.#lines.push(entry);
    if (this.#lines.length > MAX_LINES) this.#lines.splice(0, this.#lines.length - MAX_LINES);
    this.#onLines([entry]);
  }

  lines(): readonly LogLine[] {
    return this.#lines;
  }
}
