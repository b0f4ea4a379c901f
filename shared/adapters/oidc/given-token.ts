import { type SignInClient, type TokenCache, type TokenSet, UNKNOWN_END } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Secret } from '../../model/secret.ts';
import { expiryNote, problemOfToken } from './token-claims.ts';

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
  const problem = problemOfToken(token, issuer, nowMs);
  if (problem !== undefined) {
    throw new EnrollmentError('IDENTITY_TOKEN_UNUSABLE', {
      details: { variable, problem },
      subject: variable,
    });
  }
  const tokens: TokenSet = {
    accessToken: token,
    refreshToken: undefined,
    // Whether it is still valid is the provider's to say.
    expiresAt: UNKNOWN_END,
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
