import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';

/** Whoever opens a pipe without it waits for somebody to write into it, for ever and whatever happens meanwhile. */
const WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

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

/** Opens a regular file to read it; whatever else has the name is refused at once. @throws what the operating system says */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const file = await open(path, WITHOUT_WAITING);
  try {
    if ((await file.stat()).isFile()) return file;
    throw new Error('It is not a file.');
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

/**
 * Bytes of a regular file, or of a pipe to its end, of at most `limitBytes`. A pipe that nobody writes into is waited for until
 * the signal is aborted.
 * @throws as {@link readLimitedText}, or the signal's reason
 */
export async function readLimitedBytes(
  path: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  if (!(await stat(path)).isFIFO()) return (await readLimited(path, limitBytes, signal)).bytes;
  const fd = openSync(path, WITHOUT_WAITING);
  if (!fstatSync(fd).isFIFO()) {
    closeSync(fd);
    throw new Error('It is neither a file nor a pipe.');
  }
  return readLimitedStream(new Socket({ fd, readable: true, writable: false }), limitBytes, signal);
}

/** Bytes of a stream to its end, of at most `limitBytes`; the stream is destroyed. @throws as {@link readLimitedBytes} */
export async function readLimitedStream(
  stream: Readable,
  limitBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  addAbortSignal(signal, stream);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > limitBytes) throw new FileTooLargeError(`It has more than ${limitBytes} bytes.`);
      chunks.push(chunk);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  }
  return Buffer.concat(chunks);
}

async function readLimited(
  path: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<{ readonly bytes: Buffer; readonly mode: number }> {
  signal.throwIfAborted();
  const file = await openRegularFile(path);
  try {
    const { mode } = await file.stat();
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
    return { bytes: buffer.subarray(0, length), mode };
  } finally {
    await file.close();
  }
}
