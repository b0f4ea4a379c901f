import { createHash } from 'node:crypto';

/** Fingerprint of a host key's blob as OpenSSH prints it: `SHA256:` and base64 without padding. */
export function hostKeyFingerprint(keyBlob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(keyBlob).digest('base64').replace(/=+$/, '')}`;
}
