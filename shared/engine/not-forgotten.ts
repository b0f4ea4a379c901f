import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { TokenCache } from './ports.ts';

/** What a sign-in is worth that could not be taken away from where it is kept. */
export type LeftWorth = 'revoked' | 'not-revoked';

const worthOf: Readonly<Record<LeftWorth, string>> = {
  revoked: 'It was revoked at the provider, so it opens nothing any more.',
  'not-revoked': 'It was not revoked either: whoever reads it is signed in.',
};

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
      worth: worthOf[left.worth],
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
