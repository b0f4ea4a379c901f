import * as oidc from 'openid-client';
import { describeThrown, EnrollmentError, type NoEffect } from '../../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../../model/error-codes.ts';
import type { Profile } from '../../model/profile.ts';
import type { Secret } from '../../model/secret.ts';
import { findHttpFailure } from '../http/http-failure.ts';
import { identityFailure } from '../http/identity-failure.ts';
import { maskReply } from '../http/mask.ts';
import { retryAfterMs } from '../http/retry-after.ts';

/** What an OAuth reply said, as far as it decides what happens next. Its `error`, never its status, names the cause. */
export interface OAuthRefusal {
  readonly error: string;
  readonly description: string | undefined;
  readonly status: number;
}

/** The refusal inside a library error, or undefined when the provider gave none. */
export function refusalOf(thrown: unknown): OAuthRefusal | undefined {
  if (thrown instanceof oidc.ResponseBodyError) {
    return { error: thrown.error, description: thrown.error_description, status: thrown.status };
  }
  return undefined;
}

/** A reply the library could not use, or undefined when there was none. */
function replyOf(thrown: unknown): Response | undefined {
  if (thrown instanceof oidc.ResponseBodyError) return thrown.response;
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Response ? cause : undefined;
}

/**
 * Answers of a provider that did not do what it was asked to. 502 and 504 are a proxy's, which lost the provider's own
 * answer or did not wait for it: what became of the request is as unknown as if the connection had been cut.
 */
const NOTHING_DONE = new Set([429, 500, 503]);

/** What is known of a request whose answer is an error of now; undefined where it may have had an effect. */
function noEffectOf(thrown: unknown, nowMs: number): NoEffect | undefined {
  const reply = replyOf(thrown);
  if (reply === undefined || !NOTHING_DONE.has(reply.status)) return undefined;
  const pauseMs = retryAfterMs(reply.headers.get('retry-after') ?? undefined, nowMs);
  return pauseMs === undefined ? {} : { pauseMs };
}

/** True for failures that may be gone a moment later: no reply, 5xx, too many requests. */
export function isTransient(thrown: unknown): boolean {
  const failure = findHttpFailure(thrown);
  if (failure !== undefined) return failure.kind === 'unreachable' || failure.kind === 'time-limit';
  const status = replyOf(thrown)?.status;
  return status !== undefined && (status >= 500 || status === 429);
}

const refusalCodes: Readonly<Record<string, EnrollmentErrorCode>> = {
  invalid_client: 'IDENTITY_CLIENT_UNKNOWN',
  unauthorized_client: 'IDENTITY_CLIENT_NOT_ALLOWED',
  unsupported_grant_type: 'IDENTITY_CLIENT_NOT_ALLOWED',
  access_denied: 'IDENTITY_SIGN_IN_DENIED',
  expired_token: 'IDENTITY_CODE_EXPIRED',
  // Of a code: it was redeemed before (RFC 6749, section 5.2).
  invalid_grant: 'IDENTITY_SIGN_IN_DENIED',
};

/**
 * Evidence of a refusal. The description is the provider's text.
 * @param sent the secrets that went out with the request
 */
export function refusalEvidence(
  { error, description, status }: OAuthRefusal,
  sent: readonly Secret[],
): string {
  return maskReply(`Status ${status}: ${error}${description === undefined ? '' : `\n${description}`}`, sent);
}

/**
 * Translates an error of a sign-in; what is known already passes through.
 * @param sent the secrets that went out with its requests
 */
export function signInError(
  thrown: unknown,
  identity: Profile['identity'],
  action: string,
  nowMs: number,
  sent: readonly Secret[],
): EnrollmentError {
  if (thrown instanceof EnrollmentError) return thrown;
  const { issuer, client_id: clientId } = identity;
  const failure = findHttpFailure(thrown);
  if (failure !== undefined) return identityFailure(failure, issuer, action);
  const refusal = refusalOf(thrown);
  const details = { issuer, clientId, action };
  const noEffect = noEffectOf(thrown, nowMs);
  if (refusal === undefined) {
    const evidence = maskReply(describeThrown(thrown), sent);
    const code = isTransient(thrown) ? 'IDENTITY_UNREACHABLE' : 'IDENTITY_REPLY_UNREADABLE';
    return new EnrollmentError(code, { details, subject: issuer, evidence, cause: thrown, noEffect });
  }
  const code =
    refusalCodes[refusal.error] ?? (isTransient(thrown) ? 'IDENTITY_UNREACHABLE' : 'IDENTITY_CALL_FAILED');
  return new EnrollmentError(code, {
    details: { ...details, status: refusal.error },
    subject: issuer,
    evidence: refusalEvidence(refusal, sent),
    cause: thrown,
    noEffect,
  });
}
