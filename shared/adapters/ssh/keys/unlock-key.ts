import { createDecipheriv, createPrivateKey, type DecipherGCM, type KeyObject } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { SshReader, sshString, uint32 } from '../wire/ssh-bytes.ts';
import { deriveKey } from './derive-key.ts';
import { type KeyFile, type OpensshKeyFile, requireSupportedType, UnusableKeyError } from './key-file.ts';

/** The passphrase does not open the key. */
export class WrongPassphraseError extends Error {
  override readonly name = 'WrongPassphraseError';
}

interface CipherShape {
  readonly name: string;
  readonly keyBytes: number;
  readonly ivBytes: number;
  readonly authenticated: boolean;
}

const ciphers: Readonly<Record<string, CipherShape>> = {
  'aes128-ctr': { name: 'aes-128-ctr', keyBytes: 16, ivBytes: 16, authenticated: false },
  'aes192-ctr': { name: 'aes-192-ctr', keyBytes: 24, ivBytes: 16, authenticated: false },
  'aes256-ctr': { name: 'aes-256-ctr', keyBytes: 32, ivBytes: 16, authenticated: false },
  'aes128-cbc': { name: 'aes-128-cbc', keyBytes: 16, ivBytes: 16, authenticated: false },
  'aes192-cbc': { name: 'aes-192-cbc', keyBytes: 24, ivBytes: 16, authenticated: false },
  'aes256-cbc': { name: 'aes-256-cbc', keyBytes: 32, ivBytes: 16, authenticated: false },
  'aes128-gcm@openssh.com': { name: 'aes-128-gcm', keyBytes: 16, ivBytes: 12, authenticated: true },
  'aes256-gcm@openssh.com': { name: 'aes-256-gcm', keyBytes: 32, ivBytes: 12, authenticated: true },
};

/** About half a minute of work. ssh-keygen's own default is 16 or 24. */
const MOST_ROUNDS = 1024;

/**
 * The key of a file, ready to sign.
 * @param passphrase only looked at where the file is encrypted
 * @throws {WrongPassphraseError}, {UnusableKeyError}
 */
export async function unlockKey(file: KeyFile, passphrase: string): Promise<ParsedKey> {
  if (file.form === 'pem') return keyOfObject(openPem(file.text, file.encrypted ? passphrase : undefined));
  if (!file.encrypted) return parse(opensshText(file.publicBlob, file.privatePart));
  return parse(opensshText(file.publicBlob, await decrypt(file, passphrase)));
}

async function decrypt(file: OpensshKeyFile, passphrase: string): Promise<Buffer> {
  const cipher = ciphers[file.cipher];
  if (cipher === undefined) {
    const says = `it is encrypted with ${file.cipher.slice(0, 40)}. ssh-keygen -p -Z aes256-ctr changes that`;
    throw new UnusableKeyError(says);
  }
  if (file.rounds < 1 || file.rounds > MOST_ROUNDS)
    throw new UnusableKeyError(
      `opening it takes ${file.rounds} rounds, and more than ${MOST_ROUNDS} are too slow`,
    );
  const { keyBytes, ivBytes, authenticated, name } = cipher;
  const derived = await deriveKey(
    Buffer.from(passphrase, 'utf8'),
    file.salt,
    file.rounds,
    keyBytes + ivBytes,
  );
  try {
    const decipher = createDecipheriv(name, derived.subarray(0, keyBytes), derived.subarray(keyBytes));
    decipher.setAutoPadding(false);
    if (authenticated) (decipher as DecipherGCM).setAuthTag(file.tag.subarray(0, 16));
    const opened = Buffer.concat([decipher.update(file.privatePart), decipher.final()]);
    const reader = new SshReader(opened);
    const [check, again] = [reader.uint32(), reader.uint32()];
    if (check !== again) throw new WrongPassphraseError();
    return opened;
  } catch (cause) {
    if (cause instanceof WrongPassphraseError) throw cause;
    // An authenticated cipher notices the wrong key by itself.
    throw new WrongPassphraseError('', { cause });
  }
}

function openPem(text: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({
      key: text,
      format: 'pem',
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch (cause) {
    if (passphrase !== undefined) throw new WrongPassphraseError('', { cause });
    throw new UnusableKeyError('the file is damaged, or of a kind that is not supported', { cause });
  }
}

/** ssh2 reads neither PKCS#8 nor every PEM encryption; it reads these forms. */
function keyOfObject(key: KeyObject): ParsedKey {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return parse(key.export({ type: 'pkcs1', format: 'pem' }).toString());
    case 'ec':
      return parse(key.export({ type: 'sec1', format: 'pem' }).toString());
    case 'ed25519':
      return parse(ed25519Text(key));
    default:
      throw new UnusableKeyError(`keys of type "${key.asymmetricKeyType}" are not used for SSH logins`);
  }
}

function ed25519Text(key: KeyObject): string {
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  const [publicHalf, privateHalf] = [Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url')];
  const type = sshString('ssh-ed25519');
  const fields = [
    ...[uint32(0), uint32(0), type, sshString(publicHalf)],
    ...[sshString(Buffer.concat([privateHalf, publicHalf])), sshString('')],
  ];
  const content = Buffer.concat(fields);
  const padding = Buffer.from(
    Array.from({ length: (8 - (content.length % 8)) % 8 }, (_, index) => index + 1),
  );
  return opensshText(Buffer.concat([type, sshString(publicHalf)]), Buffer.concat([content, padding]));
}

/** An unencrypted key file in OpenSSH's own form. */
function opensshText(publicBlob: Buffer, privatePart: Buffer): string {
  const none = sshString('none');
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    ...[none, none, sshString(''), uint32(1), sshString(publicBlob), sshString(privatePart)],
  ]);
  const lines = bytes.toString('base64').replace(/.{70}/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function parse(text: string): ParsedKey {
  const parsed: unknown = ssh2.utils.parseKey(text);
  const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error | undefined;
  if (key === undefined || key instanceof Error)
    throw new UnusableKeyError(`it cannot be read (${key?.message ?? 'it is empty'})`, { cause: key });
  requireSupportedType(key.type);
  return key;
}
