import type { ErrorView } from '../errors/enrollment-error.ts';
import { printable } from '../model/printable.ts';
import { type EventFields, type EventName, jsonLine } from './json-lines.ts';
import { colourPaint, type Paint, plainPaint } from './paint.ts';

/** A stream that is written to. `stdout` and `stderr` of a process fit. */
export interface TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

/**
 * Where results and notes go. Results are on standard output, as text or as JSON lines; notes for a person (the sign-in,
 * questions, what is being done) are on standard error, so that a pipe holds results only.
 */
export class Output {
  readonly stdout: TextStream;
  readonly #stderr: TextStream;
  readonly isJson: boolean;
  readonly paint: Paint;
  readonly #nowMs: () => number;

  constructor(options: {
    readonly stdout: TextStream;
    readonly stderr: TextStream;
    readonly json: boolean;
    readonly noColour: boolean;
    nowMs(): number;
  }) {
    this.stdout = options.stdout;
    this.#stderr = options.stderr;
    this.isJson = options.json;
    this.#nowMs = options.nowMs;
    this.paint = options.stdout.isTTY === true && !options.noColour ? colourPaint : plainPaint;
  }

  get isLive(): boolean {
    return !this.isJson && this.stdout.isTTY === true;
  }

  /** One result: a JSON line, or the text that stands for it. No text: the event is for machines only. */
  event<Name extends EventName>(name: Name, fields: EventFields<Name>, text?: string): void {
    if (this.isJson) this.stdout.write(jsonLine(name, fields, this.#nowMs()));
    else if (text !== undefined) this.stdout.write(`${text}\n`);
  }

  /** A line for a person. */
  note(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** A question, whose answer follows on the same line. */
  ask(text: string): void {
    this.#stderr.write(text);
  }

  /** An error in whole sentences: what is, why, what to do. */
  error(view: ErrorView, deviceId?: string): void {
    if (this.isJson) {
      this.event('error', {
        ...(deviceId === undefined ? {} : { deviceId }),
        error: errorFields(view),
      });
      return;
    }
    this.note(errorText(view, deviceId));
  }
}

/** What a person should know on the way: an event, and a line where somebody reads lines. */
export function tellNotice(
  output: Output,
  tone: EventFields<'notice'>['tone'],
  text: string,
  note = (line: string) => output.note(line),
): void {
  output.event('notice', { tone, text });
  if (!output.isJson) note(text);
}

export function errorFields(view: ErrorView): EventFields<'error'>['error'] {
  const { code, title, says, cause, operatorDoes, stepId, evidence } = view;
  return {
    ...{ code, title, says, cause, operatorDoes },
    ...(stepId === undefined ? {} : { stepId }),
    ...(evidence === undefined ? {} : { evidence }),
  };
}

/** Evidence beyond this is in the log and in `--json`. */
const EVIDENCE_LINES = 12;

export function errorText(view: ErrorView, deviceId?: string): string {
  const evidence = (view.evidence ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, EVIDENCE_LINES)
    .map((line) => `    ${printable(line)}`);
  const about = deviceId === undefined ? '' : `${deviceId}: `;
  return [`${about}${view.says} [${view.code}]`, `  ${view.cause} ${view.operatorDoes}`, ...evidence].join(
    '\n',
  );
}
