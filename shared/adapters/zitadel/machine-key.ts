import { z } from 'zod';
import type { MintedKey } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { Secret } from '../../model/secret.ts';
import { sha256Hex } from '../system/sha256.ts';

/** Zitadel's key file. It has more members, an expiry for one, which the device keeps as they are. */
const keyFile = z.looseObject({
  type: z.literal('serviceaccount'),
  keyId: z.string().min(1),
  userId: z.string().min(1),
  key: z.string().regex(/^-----BEGIN (?:RSA )?PRIVATE KEY-----/),
});

/** The private half out of a minted key's file. For a login with it, and nothing else. */
export function privateKeyPem({ file }: MintedKey): string {
  return keyFile.parse(JSON.parse(file.reveal())).key;
}

export interface KeyReplyContent {
  readonly keyId: string;
  /** Base64. */
  readonly keyDetails: string;
}

/**
 * Decodes a minted key and checks that it is the one that was asked for. The file goes to the device byte for
 * byte as the provider made it.
 * @throws IDENTITY_REPLY_UNREADABLE; neither evidence nor cause quotes the reply.
 */
export function readMintedKey(reply: KeyReplyContent, userId: string): MintedKey {
  const unreadable = (problem: string) =>
    new EnrollmentError('IDENTITY_REPLY_UNREADABLE', {
      details: { action: 'create keys' },
      evidence: `Key ${reply.keyId} of user ${userId}: ${problem}`,
    });
  const bytes = Buffer.from(reply.keyDetails, 'base64');
  let text: string;
  let content: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    content = JSON.parse(text);
  } catch {
    throw unreadable('the key file is not JSON.');
  }
  const parsed = keyFile.safeParse(content);
  if (!parsed.success) {
    const members = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw unreadable(`the key file is not a service account key (${members}).`);
  }
  if (parsed.data.keyId !== reply.keyId) throw unreadable('the key file names another key.');
  if (parsed.data.userId !== userId) throw unreadable('the key file names another user.');
  return {
    keyId: reply.keyId,
    userId,
    file: new Secret(text),
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
  };
}
