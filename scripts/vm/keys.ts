// Keys of a VM, made for it alone.

import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';

export interface KeyPair {
  /** OpenSSH's own format. */
  readonly privateKey: string;
  /** One line: type, key, comment. */
  readonly publicKey: string;
}

/** A fresh ed25519 key pair. */
export function freshKeyPair(comment: string): KeyPair {
  const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment });
  return { privateKey: pair.private, publicKey: pair.public };
}

/** The key itself in a public key's line. */
export function keyBlob(publicKey: string): Buffer {
  return Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
}

/** Fingerprint as OpenSSH prints it. */
export function fingerprint(publicKey: string): string {
  return `SHA256:${createHash('sha256').update(keyBlob(publicKey)).digest('base64').replace(/=+$/, '')}`;
}

/** The line of a `known_hosts` file for an address with a port. */
export function knownHostsLine(host: string, port: number, publicKey: string): string {
  const [type, key] = publicKey.split(' ');
  return `[${host}]:${port} ${type} ${key}\n`;
}
