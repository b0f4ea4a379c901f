import { z } from 'zod';
import type { TokenSet } from '../../engine/ports.ts';
import { Secret } from '../../model/secret.ts';

const VERSION = 1;
const entry = z.object({
  version: z.literal(VERSION),
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1).optional(),
  expiresAt: z.number(),
  subject: z.string(),
  account: z.string(),
  organisation: z.string().optional(),
  receivedAt: z.number().optional(),
  /** Somebody has handed it in and asked to have it kept. */
  handedIn: z.literal('kept').optional(),
});

/** A sign-in as text for the keychain, secrets included. */
export function tokensToText(tokens: TokenSet): string {
  const { accessToken, refreshToken, expiresAt, subject, account, organisation, receivedAt, handedIn } =
    tokens;
  const content: z.infer<typeof entry> = {
    version: VERSION,
    accessToken: accessToken.reveal(),
    ...(refreshToken === undefined ? {} : { refreshToken: refreshToken.reveal() }),
    expiresAt,
    subject,
    account,
    ...(organisation === undefined ? {} : { organisation }),
    ...(receivedAt === undefined ? {} : { receivedAt }),
    ...(handedIn === undefined ? {} : { handedIn: 'kept' }),
  };
  return JSON.stringify(content);
}

/** The sign-in of such a text; undefined for one of another version or that was damaged: then one signs in again. */
export function tokensFromText(text: string): TokenSet | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = entry.safeParse(content);
  if (!parsed.success) return undefined;
  const { accessToken, refreshToken, expiresAt, subject, account, organisation, receivedAt, handedIn } =
    parsed.data;
  return {
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    expiresAt,
    subject,
    account,
    organisation,
    ...(receivedAt === undefined ? {} : { receivedAt }),
    ...(handedIn === undefined ? {} : { handedIn }),
  };
}
