import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';

/** An SSH host key: the private part for the server, the fingerprint as OpenSSH prints it. */
export interface HostKey {
  readonly privateKey: string;
  readonly fingerprint: string;
}

/** An ed25519 key pair in the texts that OpenSSH and ssh2 read. */
export interface KeyTexts {
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * Makes an ed25519 key pair. ssh2's own generator is not used: it strips leading zero bytes of the public half,
 * which spoils one key in 256.
 */
export function makeKeyTexts(comment = 'rehearsal'): KeyTexts {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(jwk.d ?? '', 'base64url');
  const point = Buffer.from(jwk.x ?? '', 'base64url');
  const publicPart = Buffer.concat([sized('ssh-ed25519'), sized(point)]);
  // The same random number twice lets a reader see that decryption worked (PROTOCOL.key of OpenSSH).
  const check = randomBytes(4);
  const secretPart = Buffer.concat([
    check,
    check,
    publicPart,
    sized(Buffer.concat([seed, point])),
    sized(comment),
  ]);
  const padding = Buffer.from(
    Array.from({ length: (8 - (secretPart.length % 8)) % 8 }, (_, index) => index + 1),
  );
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[sized('none'), sized('none'), sized(''), number(1)],
    ...[sized(publicPart), sized(Buffer.concat([secretPart, padding]))],
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  const privateKey = [
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    ...lines,
    '-----END OPENSSH PRIVATE KEY-----',
    '',
  ].join('\n');
  return { privateKey, publicKey: `ssh-ed25519 ${publicPart.toString('base64')} ${comment}` };
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function sized(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([number(bytes.length), bytes]);
}

/** Makes a new host key. */
export function makeHostKey(): HostKey {
  return hostKeyOf(makeKeyTexts().privateKey);
}

/** The host key of a private key's text. @throws Error when the text is not an OpenSSH key. */
export function hostKeyOf(privateKey: string): HostKey {
  return { privateKey, fingerprint: fingerprintOf(publicBlob(privateKey)) };
}

/** The key kept in a file of the device's folder; made and written there the first time. */
export async function keptHostKey(folder: string): Promise<HostKey> {
  const file = join(folder, 'ssh_host_ed25519_key');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return hostKeyOf(known);
  const made = makeHostKey();
  await writeFile(file, made.privateKey, { mode: 0o600 });
  return made;
}

/** The wire form of a key's public half. @throws Error when the text is not an OpenSSH key. */
export function publicBlob(keyText: string): Buffer {
  const parsed = ssh2.utils.parseKey(keyText);
  if (parsed instanceof Error) throw parsed;
  return parsed.getPublicSSH();
}

function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
