import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { TokenCache, TokenSet } from './ports.ts';

/** What a sign-in is worth that could not be taken away from where it is kept. */
type LeftWorth = 'revoked' | 'not-revoked' | 'handed-in';

const worthWords: Readonly<Record<LeftWorth, string>> = {
  revoked: 'It was revoked at the provider, so it opens nothing any more.',
  'not-revoked': 'It was not revoked either: whoever reads it is signed in.',
  'handed-in': 'It was not issued for this station, so it was not revoked: whoever reads it is signed in.',
};

/** Of tokens that were just signed out. Nothing is known of what is kept where nobody could look. */
export function worthOf(tokens: TokenSet | undefined, notRevoked: EnrollmentError | undefined): LeftWorth {
  if (tokens?.handedIn !== undefined) return 'handed-in';
  return tokens === undefined || notRevoked !== undefined ? 'not-revoked' : 'revoked';
}

/** Whether nothing is left of it where it was kept: something else lies there now, and is not to be deleted. */
export function isReplaced({ code }: EnrollmentError): boolean {
  return code === 'STATION_TOKEN_FILE_FOREIGN';
}

/** What is still kept on this computer after a sign-out, and how a person takes it away. */
export function notForgotten(
  cache: Pick<TokenCache, 'place' | 'deletedByHand'>,
  problem: EnrollmentError,
  left: { readonly account: string | undefined; readonly worth: LeftWorth },
): EnrollmentError {
  return new EnrollmentError('STATION_SIGN_IN_NOT_FORGOTTEN', {
    details: {
      account: left.account ?? 'an earlier operator',
      place: cache.place,
      problem: problemOf(problem),
      worth: worthWords[left.worth],
      byHand: cache.deletedByHand,
    },
    ...(problem.evidence === undefined ? {} : { evidence: problem.evidence }),
    cause: problem,
  });
}

/** Why it stayed there, as a sentence: the error itself speaks of a sign-in that cannot be remembered. */
function problemOf(error: EnrollmentError): string {
  const { problem } = error.details;
  const text =
    error.code === 'STATION_KEYCHAIN_UNAVAILABLE' && problem !== undefined
      ? String(problem)
      : toErrorView(error).says;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
