import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { TokenSet } from './ports.ts';

/** What is left at the provider of a sign-in that was forgotten here and could not be revoked there. */
export function notRevoked(tokens: TokenSet, problem: EnrollmentError, nowMs: number): EnrollmentError {
  const { issuer } = problem.details;
  const end = tokens.expiresAt;
  const access =
    end > nowMs && Number.isFinite(new Date(end).getTime())
      ? `The access token is valid until ${new Date(end).toISOString()}`
      : 'The access token has ended';
  const refresh =
    tokens.refreshToken === undefined
      ? '.'
      : '; the refresh token until the provider ends it, often after 30 days without use.';
  return new EnrollmentError('IDENTITY_NOT_REVOKED', {
    details: {
      issuer: issuer ?? 'The identity provider',
      account: tokens.account,
      problem: toErrorView(problem).says,
      left: access + refresh,
    },
    ...(problem.evidence === undefined ? {} : { evidence: problem.evidence }),
    cause: problem,
  });
}
