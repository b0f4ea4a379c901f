import type { SignInClient, TokenCache, TokenSet } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Secret } from '../../model/secret.ts';

/** A token somebody hands in is taken as it is: whether it is still valid is the provider's to say. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** What a JWT says about its end, for evidence; nothing is checked and nothing depends on it. */
function expiryNote(token: Secret): string {
  const [, payload = ''] = token.reveal().split('.');
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const exp = claims !== null && typeof claims === 'object' && 'exp' in claims ? claims.exp : undefined;
    if (typeof exp === 'number') return `The token says it ends at ${new Date(exp * 1000).toISOString()}.`;
  } catch {
    return 'The token is opaque: it does not say when it ends.';
  }
  return 'The token does not say when it ends.';
}

/**
 * The sign-in of automation: one access token that was handed in. It is never renewed, never stored, and nobody is
 * ever asked to sign in instead.
 * @param variable where it came from, for the operator
 */
export function createGivenTokenAccess(
  token: Secret,
  variable: string,
): { readonly signIn: SignInClient; readonly tokenCache: TokenCache } {
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
      load: async () => tokens,
      save: async () => undefined,
      remove: async () => undefined,
      exclusively: (work) => work(),
    },
  };
}
