import { Stopped } from '../engine/limits.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** How a process is told to end. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * What ends a command early, and in good order: Ctrl-C and its like, a terminal that hangs up, an output nobody reads. Only
 * a person who asks a second time ends the program at once.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #exit: (code: number) => void;
  readonly #note: (text: string) => void;
  readonly #ignoresHangUp: boolean;
  #isAsked = false;
  /** The exit code, once something interrupted. */
  exitCode: ExitCode | undefined;

  constructor(
    source: SignalSource,
    note: (text: string) => void,
    options: { readonly ignoresHangUp: boolean },
  ) {
    this.#exit = (code) => source.exit(code);
    this.#note = note;
    this.#ignoresHangUp = options.ignoresHangUp;
    source.on('SIGINT', () => this.interrupt(exitCodes.interrupted));
    source.on('SIGTERM', () => this.interrupt(exitCodes.terminated));
    // Without a listener Node ends at once, also where the signal is to be ignored.
    source.on('SIGHUP', () => this.hangUp());
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

  /** The terminal is gone. It may be told twice, by its shell and by the system, and that makes no hurry. */
  hangUp(): void {
    if (!this.#ignoresHangUp) this.stop(exitCodes.hungUp);
  }

  /** Ends what runs, in good order; only the first reason counts. */
  stop(code: ExitCode): void {
    if (this.exitCode !== undefined) return;
    this.exitCode = code;
    this.#controller.abort(new Stopped('interrupted'));
  }
}
