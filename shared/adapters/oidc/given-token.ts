import { z } from 'zod';
import type { SignInClient, TokenCache, TokenSet } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Secret } from '../../model/secret.ts';

/** A token somebody hands in is taken as it is: whether it is still valid is the provider's to say. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** Clocks differ a little; what has ended by less is the provider's to judge. */
const LEEWAY_MS = 5 * 60_000;

const claimsSchema = z.looseObject({
  iss: z.string().optional(),
  exp: z.number().optional(),
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
function expiryNote(token: Secret): string {
  const claims = claimsOf(token);
  if (claims === undefined) return 'The token is opaque: it does not say when it ends.';
  if (claims.exp === undefined) return 'The token does not say when it ends.';
  return `The token says it ends at ${isoTime(claims.exp)}.`;
}

function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'no time there is' : date.toISOString();
}

/** Why a token cannot work, by its own words; undefined where only the provider can tell. */
function problemOf(token: Secret, issuer: string, nowMs: number): string | undefined {
  const claims = claimsOf(token);
  if (claims === undefined) return undefined;
  const { iss, exp, aud = [] } = claims;
  if (iss !== undefined && iss !== issuer) return `is of the issuer ${iss}; the profile says ${issuer}`;
  if (exp !== undefined && exp * 1000 + LEEWAY_MS < nowMs)
    return `ended at ${isoTime(exp)}; this computer has ${new Date(nowMs).toISOString()}`;
  return aud.length === 0 ? 'is made for no audience' : undefined;
}

/**
 * The sign-in of automation: one access token that was handed in. It is never renewed, never stored, and nobody is
 * ever asked to sign in instead.
 * @param variable where it came from, for the operator
 * @throws IDENTITY_TOKEN_UNUSABLE before any use, for a token that says itself that it cannot work
 */
export function createGivenTokenAccess(
  token: Secret,
  variable: string,
  { issuer, nowMs }: { readonly issuer: string; readonly nowMs: number },
): { readonly signIn: SignInClient; readonly tokenCache: TokenCache } {
  const problem = problemOf(token, issuer, nowMs);
  if (problem !== undefined) {
    throw new EnrollmentError('IDENTITY_TOKEN_UNUSABLE', {
      details: { variable, problem },
      subject: variable,
    });
  }
  const tokens: TokenSet = {
    accessToken: token,
    refreshToken: undefined,
    expiresAt: NEVER,
    subject: '',
    account: `the token of ${variable}`,
    organisation: undefined,
  };
  const refuse = (): never => {
    const details = { variable };
    throw new EnrollmentError('IDENTITY_TOKEN_REFUSED', {
      details,
      subject: variable,
      evidence: expiryNote(token),
    });
  };
  return {
    signIn: { signIn: async () => refuse(), refresh: async () => refuse(), revoke: async () => undefined },
    tokenCache: {
      place: variable,
      deletedByHand: `Nothing is kept. The token is where ${variable} has it from.`,
      notShared: 'The token was handed in: it is for this run alone.',
      load: async () => tokens,
      save: async () => undefined,
      remove: async () => undefined,
      exclusively: (work) => work(),
      whileSigningIn: (work) => work(),
    },
  };
}
