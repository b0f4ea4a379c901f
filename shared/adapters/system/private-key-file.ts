import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { Secret } from '../../model/secret.ts';
import { readLimitedText } from './read-limited.ts';

/** RSA keys of 16,384 bits have about 13 KiB. */
const LIMIT_BYTES = 64 * 1024;
const OTHERS = 0o077;

/**
 * The private key of a file. As with OpenSSH, a key that other accounts can read is refused: it is not private.
 * @throws STATION_PROFILE_INVALID: the profile names a file that cannot be used.
 */
export async function readPrivateKey(path: string, signal: AbortSignal): Promise<Secret> {
  const unusable = (why: string, cause?: unknown) =>
    new EnrollmentError('STATION_PROFILE_INVALID', {
      details: { path, problem: `ssh.private_key_file: ${why}` },
      subject: path,
      ...(cause === undefined ? {} : { cause }),
    });
  const file = await readLimitedText(path, LIMIT_BYTES, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw unusable(`cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  });
  if (process.platform !== 'win32' && (file.mode & OTHERS) !== 0) {
    const mode = (file.mode & 0o777).toString(8).padStart(4, '0');
    throw unusable(`other accounts can read it (mode ${mode}). Set it to 0600`);
  }
  if (
    !/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(file.text) &&
    !file.text.startsWith('PuTTY-User-Key-File-')
  ) {
    throw unusable('is not a private key');
  }
  return new Secret(file.text);
}
