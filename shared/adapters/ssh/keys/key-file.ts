import { SshReader } from '../wire/ssh-bytes.ts';

/** What can be told about a private key file before anybody gives its passphrase. */
export type KeyFile = OpensshKeyFile | PemKeyFile;

export interface OpensshKeyFile {
  readonly form: 'openssh';
  readonly encrypted: boolean;
  readonly cipher: string;
  readonly salt: Buffer;
  readonly rounds: number;
  /** The public key stands in the file in the clear. */
  readonly publicBlob: Buffer;
  readonly privatePart: Buffer;
  /** What authenticated ciphers put behind the private part. */
  readonly tag: Buffer;
}

export interface PemKeyFile {
  readonly form: 'pem';
  readonly encrypted: boolean;
  readonly text: string;
}

/** A file that is no key the station can use; the message says why, as the rest of a sentence. */
export class UnusableKeyError extends Error {
  override readonly name = 'UnusableKeyError';
}

const OPENSSH = /-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/;
const PEM =
  /-----BEGIN ((?:RSA|EC|ENCRYPTED) )?PRIVATE KEY-----[\s\S]+-----END ((?:RSA|EC|ENCRYPTED) )?PRIVATE KEY-----/;
const MAGIC = 'openssh-key-v1\0';
const MOST_KEYS = 1;

/** Files that are often mistaken for a key the station could use, and what to say of them. */
const others: readonly (readonly [RegExp, string])[] = [
  [/^PuTTY-User-Key-File-/, 'it is a PuTTY key. PuTTYgen exports it as an OpenSSH key'],
  [
    /^(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA/,
    'it is a public key. The private one mostly has the same name without .pub',
  ],
  [/-----BEGIN DSA PRIVATE KEY-----/, 'it is a DSA key, which only works with SHA-1'],
  [/---- BEGIN SSH2 /, 'it is a key of another SSH program. ssh-keygen -i converts it'],
  [/-----BEGIN CERTIFICATE-----/, 'it is a certificate and not a key'],
];

/**
 * Reads what stands outside of a private key file's encryption.
 * @throws {UnusableKeyError} when it is not a private key, or of a kind that is not supported
 */
export function readKeyFile(content: string): KeyFile {
  const text = content.replace(/^\uFEFF/, '').trim();
  const openssh = OPENSSH.exec(text)?.[1];
  if (openssh !== undefined) return readOpenssh(Buffer.from(openssh, 'base64'));
  for (const [pattern, says] of others) if (pattern.test(text)) throw new UnusableKeyError(says);
  if (!PEM.test(text)) throw new UnusableKeyError('it is not a private key');
  const encrypted = /-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(text);
  return { form: 'pem', encrypted, text: `${text}\n` };
}

function readOpenssh(bytes: Buffer): OpensshKeyFile {
  try {
    const reader = new SshReader(bytes);
    if (reader.take(MAGIC.length).toString('latin1') !== MAGIC)
      throw new RangeError('The header is missing.');
    const cipher = reader.text();
    const derivation = reader.text();
    const options = new SshReader(reader.string());
    if (reader.uint32() !== MOST_KEYS) throw new UnusableKeyError('it holds more than one key');
    const publicBlob = reader.string();
    const privatePart = reader.string();
    const encrypted = cipher !== 'none';
    if (encrypted && derivation !== 'bcrypt')
      throw new UnusableKeyError(`its passphrase is protected by "${derivation}", which is not supported`);
    const salt = encrypted ? options.string() : Buffer.alloc(0);
    const rounds = encrypted ? options.uint32() : 0;
    requireSupportedType(new SshReader(publicBlob).text());
    return { form: 'openssh', encrypted, cipher, salt, rounds, publicBlob, privatePart, tag: reader.rest };
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new UnusableKeyError('the file is damaged or cut off');
  }
}

const types = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521))$/;

/** @throws {UnusableKeyError} for keys of a type the station does not log in with */
export function requireSupportedType(type: string): void {
  if (types.test(type)) return;
  if (type.startsWith('sk-'))
    throw new UnusableKeyError('it lies on a security key, which would ask to be touched for every device');
  if (type === 'ssh-dss') throw new UnusableKeyError('it is a DSA key, which only works with SHA-1');
  throw new UnusableKeyError(`keys of type "${type.slice(0, 40)}" are not supported`);
}
