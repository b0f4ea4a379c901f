import { applyDelta } from '../model/apply-delta.ts';
import { durationText } from '../model/duration-text.ts';
import type { EnrollmentRow, StationDelta, StationState } from '../model/station-state.ts';
import { boardText, countRows, elapsedMs } from './board-text.ts';
import { colourPaint, plainPaint } from './paint.ts';

const REDRAW_MS = 200;

/** Where the board is drawn. `stdout` of a process fits. */
export interface BoardOutput {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

/**
 * Shows a batch in the terminal: a board that redraws in place, or, where the output is a pipe or a file, one plain
 * line for every device that ends or begins to wait for a sign-in.
 */
export class TerminalBoard {
  readonly #output: BoardOutput;
  readonly #isLive: boolean;
  readonly #nowMs: () => number;
  readonly #told = new Set<string>();
  #state: StationState;
  #drawnLines = 0;
  #below: readonly string[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(output: BoardOutput, initial: StationState, options: { nowMs(): number; live?: boolean }) {
    this.#output = output;
    this.#state = initial;
    this.#nowMs = options.nowMs;
    this.#isLive = options.live ?? output.isTTY === true;
  }

  /** Begins to draw. */
  start(): void {
    if (this.#isLive) this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  /** Lines that stand below the board from now on; none: nothing does. */
  showBelow(lines: readonly string[]): void {
    this.#below = lines;
  }

  /** A line for a person, above the board; it stays. */
  tell(text: string): void {
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A\r\u001b[J` : '';
    this.#output.write(`${up}${text}\n`);
    this.#drawnLines = 0;
    if (this.#timer !== undefined) this.#draw();
  }

  /** Leaves the screen to a question. */
  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Draws again, below what was written meanwhile. */
  resume(): void {
    this.#drawnLines = 0;
    this.start();
  }

  /** Takes a change of the station's state. */
  take(delta: StationDelta): void {
    const next = applyDelta(this.#state, delta);
    if (delta.resetRows) this.#told.clear();
    this.#state = next;
    if (!this.#isLive && delta.rows) this.#tellRows(Object.keys(delta.rows));
  }

  /** Draws the last picture and leaves it on the screen. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#below = [];
    if (this.#isLive) this.#draw();
  }

  #draw(): void {
    // A terminal that does not know its size says 0.
    const columns = this.#output.columns || 100;
    const rows = this.#output.rows || 40;
    const below = this.#below.map((line) => line.slice(0, columns));
    const size = { columns, lines: rows - below.length };
    const paint = process.env.NO_COLOR ? plainPaint : colourPaint;
    const lines = [...boardText(this.#state, this.#nowMs(), size, paint), ...below];
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : '';
    this.#output.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    this.#drawnLines = lines.length;
  }

  #tellRows(deviceIds: readonly string[]): void {
    for (const deviceId of deviceIds) {
      const row = this.#state.rows[deviceId];
      if (row === undefined) continue;
      const isEnded = row.finishedAt !== undefined;
      if (!isEnded && row.state !== 'awaiting-sign-in') continue;
      const key = `${deviceId} ${row.attempt} ${isEnded ? 'ended' : 'waits'}`;
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      const { enrolled, total } = countRows(this.#state);
      const time = durationText(elapsedMs(row, this.#nowMs()) ?? 0);
      this.#output.write(
        `${`${enrolled}/${total}`.padStart(9)}  ${deviceId}  ${time}  ${outcomeText(row)}\n`,
      );
    }
  }
}

function outcomeText({ state, error }: EnrollmentRow): string {
  if (state === 'awaiting-sign-in') return 'waits for a sign-in';
  return error === undefined ? state : `${state}: ${error.says} ${error.operatorDoes}`;
}
