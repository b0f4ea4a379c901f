import { Stopped } from '../engine/limits.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** How a process is told to end. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

/** Ctrl-C and its like: the first ends what runs in good order, the second ends the program at once. */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #exit: (code: number) => void;
  readonly #note: (text: string) => void;
  /** The exit code, once somebody interrupted. */
  exitCode: ExitCode | undefined;

  constructor(source: SignalSource, note: (text: string) => void) {
    this.#exit = (code) => source.exit(code);
    this.#note = note;
    source.on('SIGINT', () => this.interrupt(exitCodes.interrupted));
    source.on('SIGTERM', () => this.interrupt(exitCodes.terminated));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  interrupt(code: ExitCode = exitCodes.interrupted): void {
    if (this.exitCode !== undefined) {
      this.#exit(this.exitCode);
      return;
    }
    this.exitCode = code;
    this.#note('stopping; once more ends it at once');
    this.#controller.abort(new Stopped('interrupted'));
  }
}
