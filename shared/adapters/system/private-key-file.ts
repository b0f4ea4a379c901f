import { readLimitedText } from './read-limited.ts';

/** RSA keys of 16,384 bits have about 13 KiB. */
const LIMIT_BYTES = 64 * 1024;
const OTHERS = 0o077;

/** A key file that cannot be used; the message says why, as the rest of a sentence. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly isMissing: boolean;

  constructor(message: string, options: { readonly isMissing?: boolean; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.isMissing = options.isMissing ?? false;
  }
}

/** Text of a file that holds a key. @throws {KeyFileError}, or the signal's reason */
export async function readPublicKeyText(path: string, signal: AbortSignal): Promise<string> {
  return (await read(path, signal)).text;
}

/**
 * Text of a private key file. As with OpenSSH, a key that other accounts can read is refused: it is not private.
 * Public keys may be read by everybody, also where a private one was expected.
 * @throws {KeyFileError}, or the signal's reason
 */
export async function readPrivateKeyText(path: string, signal: AbortSignal): Promise<string> {
  const { text, mode } = await read(path, signal);
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0 && text.includes('PRIVATE KEY')) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new KeyFileError(`other accounts can read it (mode ${octal}). Set it to 0600`);
  }
  return text;
}

async function read(path: string, signal: AbortSignal) {
  return readLimitedText(path, LIMIT_BYTES, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const says = isMissing ? 'there is no such file' : `it cannot be read (${(cause as Error).message})`;
    throw new KeyFileError(says, { isMissing, cause });
  });
}
