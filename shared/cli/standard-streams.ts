import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Interrupts } from './interrupts.ts';
import { errorText, type TextStream } from './output.ts';

/** A stream of the process. `stdout` and `stderr` fit. */
export interface ProcessStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on(event: 'error', listener: (cause: NodeJS.ErrnoException) => void): unknown;
  write(text: string, done?: () => void): unknown;
}

/**
 * A stream that takes what is written to it until it fails, and is silent from then on. It cannot end the program by itself:
 * there are devices on their way, and keys that are not delivered yet.
 */
export class LosableStream implements TextStream {
  readonly #stream: ProcessStream;
  #isLost = false;

  /** @param onLost told once, why nothing can be written any more */
  constructor(stream: ProcessStream, onLost: (cause: NodeJS.ErrnoException) => void) {
    this.#stream = stream;
    // For good: what is written to it past this class must not end the program either.
    stream.on('error', (cause) => {
      if (this.#isLost) return;
      this.#isLost = true;
      onLost(cause);
    });
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  get rows(): number | undefined {
    return this.#stream.rows;
  }

  write(text: string): void {
    if (!this.#isLost) this.#stream.write(text);
  }

  /** Resolves once all that was written has gone out, or never will. */
  async flush(): Promise<void> {
    if (!this.#isLost) await new Promise<void>((resolve) => this.#stream.write('', resolve));
  }
}

/** What a reader leaves behind that has closed its end of a pipe or a socket. */
const readerGone: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET'];

/** Standard output and standard error of the program, and what it means that one of them is lost. */
export class StandardStreams {
  readonly stdout: LosableStream;
  readonly stderr: LosableStream;
  readonly #interrupts: Pick<Interrupts, 'stop' | 'hangUp'>;
  #exitCode: ExitCode | undefined;

  /** @param interrupts end in good order what runs */
  constructor(
    source: { readonly stdout: ProcessStream; readonly stderr: ProcessStream },
    interrupts: Pick<Interrupts, 'stop' | 'hangUp'>,
  ) {
    this.#interrupts = interrupts;
    this.stdout = new LosableStream(source.stdout, (cause) =>
      this.#lost('Standard output', cause, source.stdout.isTTY === true),
    );
    this.stderr = new LosableStream(source.stderr, (cause) =>
      this.#lost('Standard error', cause, source.stderr.isTTY === true),
    );
  }

  /** The exit code that tells that not all of the output went out, where that is so. */
  get exitCode(): ExitCode | undefined {
    return this.#exitCode;
  }

  /** Resolves once all that was written has gone out, or never will. */
  async flush(): Promise<void> {
    await Promise.all([this.stdout.flush(), this.stderr.flush()]);
  }

  /** A reader that has left is told nothing, as by every program in a pipe; a full disk is worth a word. */
  #lost(name: string, cause: NodeJS.ErrnoException, isTerminal: boolean): void {
    // What is written to a terminal that is gone fails so, and may do so before the signal has come.
    if (isTerminal && cause.code === 'EIO') {
      this.#interrupts.hangUp();
      return;
    }
    const isReaderGone = readerGone.includes(cause.code);
    const code = isReaderGone ? exitCodes.outputClosed : exitCodes.station;
    this.#exitCode ??= code;
    if (!isReaderGone) {
      const { message: evidence } = cause;
      const error = new EnrollmentError('STATION_OUTPUT_LOST', {
        details: { stream: name },
        evidence,
        cause,
      });
      this.stderr.write(`${errorText(toErrorView(error))}\n`);
    }
    this.#interrupts.stop(code);
  }
}
