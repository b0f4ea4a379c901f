import { open } from 'node:fs/promises';

/** A file that is larger than its reader accepts. */
export class FileTooLargeError extends Error {
  override readonly name = 'FileTooLargeError';
}

export interface FileText {
  readonly text: string;
  /** Permission bits, as `stat` gives them. */
  readonly mode: number;
}

/**
 * Text of a regular file of at most `limitBytes`; size and mode come from the opened file itself.
 * @throws what the operating system says, or {@link FileTooLargeError}.
 */
export async function readLimitedText(
  path: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<FileText> {
  const { bytes, mode } = await readLimited(path, limitBytes, signal);
  return { text: bytes.toString('utf8'), mode };
}

/** Bytes of a regular file of at most `limitBytes`. @throws as {@link readLimitedText} */
export async function readLimitedBytes(
  path: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return (await readLimited(path, limitBytes, signal)).bytes;
}

async function readLimited(
  path: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<{ readonly bytes: Buffer; readonly mode: number }> {
  signal.throwIfAborted();
  const file = await open(path, 'r');
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('It is not a file.');
    // One byte more than allowed is asked for, so that a file that grows while it is read is noticed too.
    const buffer = Buffer.alloc(limitBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > limitBytes) throw new FileTooLargeError(`It has more than ${limitBytes} bytes.`);
    return { bytes: buffer.subarray(0, length), mode: stat.mode };
  } finally {
    await file.close();
  }
}
