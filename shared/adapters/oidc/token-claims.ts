import { z } from 'zod';
import type { Secret } from '../../model/secret.ts';

/** Clocks differ a little; what has ended by less is the provider's to judge. */
const LEEWAY_MS = 5 * 60_000;

const claimsSchema = z.looseObject({
  iss: z.string().optional(),
  exp: z.number().optional(),
  sub: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
});
type Claims = z.infer<typeof claimsSchema>;

/** What a JWT says about itself, unchecked; undefined for an opaque token, such as a personal access token. */
function claimsOf(token: Secret): Claims | undefined {
  const [, payload = ''] = token.reveal().split('.');
  try {
    return claimsSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

/** Evidence of a refusal by the provider. */
export function expiryNote(token: Secret): string {
  const claims = claimsOf(token);
  if (claims === undefined) return 'The token is opaque: it does not say when it ends.';
  if (claims.exp === undefined) return 'The token does not say when it ends.';
  return `The token says it ends at ${isoTime(claims.exp)}.`;
}

/** When a token ends by its own words; undefined where it does not tell. */
export function endOfToken(token: Secret): number | undefined {
  const exp = claimsOf(token)?.exp;
  const end = exp === undefined ? Number.NaN : new Date(exp * 1000).getTime();
  return Number.isNaN(end) ? undefined : end;
}

/** Whose token it is by its own words; undefined where it does not tell. */
export function subjectOfToken(token: Secret): string | undefined {
  return claimsOf(token)?.sub;
}

function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'no time there is' : date.toISOString();
}

/** Why a token cannot work, by its own words; undefined where only the provider can tell. */
export function problemOfToken(token: Secret, issuer: string, nowMs: number): string | undefined {
  const claims = claimsOf(token);
  if (claims === undefined) return undefined;
  const { iss, exp, aud = [] } = claims;
  if (iss !== undefined && iss !== issuer) return `is of the issuer ${iss}; the profile says ${issuer}`;
  if (exp !== undefined && exp * 1000 + LEEWAY_MS < nowMs)
    return `ended at ${isoTime(exp)}; this computer has ${new Date(nowMs).toISOString()}`;
  return aud.length === 0 ? 'is made for no audience' : undefined;
}
