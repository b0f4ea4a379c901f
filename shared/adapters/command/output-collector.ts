/** More output than a device may send. */
export class OutputLimitError extends Error {
  override readonly name = 'OutputLimitError';
}

export interface OutputCollector {
  /** @throws OutputLimitError */
  push(bytes: Uint8Array): void;
  /** Hands on a last line without newline. Gives all text. */
  finish(): string;
  /** The text so far. */
  text(): string;
}

export interface OutputCollectorOptions {
  readonly name: 'stdout' | 'stderr';
  readonly maxBytes: number;
  readonly maxLineLength: number;
  readonly onLine: (line: string) => void;
}

/** Turns a stream's bytes into text and lines; a character may be split between two packets. */
export function createOutputCollector(options: OutputCollectorOptions): OutputCollector {
  const { name, maxBytes, maxLineLength, onLine } = options;
  // Output is data: a byte-order mark at its start is kept.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const parts: string[] = [];
  let bytesSoFar = 0;
  let unfinished = '';

  const take = (text: string) => {
    parts.push(text);
    const lines = `${unfinished}${text}`.split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of [...lines, unfinished]) {
      if (line.length > maxLineLength)
        throw new OutputLimitError(`a line of ${name} is longer than ${maxLineLength}`);
    }
    for (const line of lines) onLine(line);
  };

  return {
    push: (bytes) => {
      bytesSoFar += bytes.length;
      if (bytesSoFar > maxBytes) throw new OutputLimitError(`${name} is longer than ${maxBytes} bytes`);
      take(decoder.decode(bytes, { stream: true }));
    },
    finish: () => {
      take(decoder.decode());
      if (unfinished !== '') onLine(unfinished);
      unfinished = '';
      return parts.join('');
    },
    text: () => parts.join(''),
  };
}
