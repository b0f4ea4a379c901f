import { Stopped } from '../engine/limits.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** How a process is told to end. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * What ends a command early, and in good order: Ctrl-C and its like, an output nobody reads. Only a person who asks a second
 * time ends the program at once.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #exit: (code: number) => void;
  readonly #note: (text: string) => void;
  #isAsked = false;
  /** The exit code, once something interrupted. */
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

  /** Somebody wants it to end. */
  interrupt(code: ExitCode = exitCodes.interrupted): void {
    if (this.#isAsked) {
      this.#exit(this.exitCode ?? code);
      return;
    }
    this.#isAsked = true;
    this.#note('stopping; once more ends it at once');
    this.stop(code);
  }

  /** Ends what runs, in good order; only the first reason counts. */
  stop(code: ExitCode): void {
    if (this.exitCode !== undefined) return;
    this.exitCode = code;
    this.#controller.abort(new Stopped('interrupted'));
  }
}
