import { z } from 'zod';
import { EnrollmentError, type EnrollmentErrorOptions } from '../../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../../model/error-codes.ts';
import { printable } from '../../model/printable.ts';
import type { Secret } from '../../model/secret.ts';
import type { HttpReply } from '../http/http.ts';
import { maskReply } from '../http/mask.ts';
import type { RefusedCall } from './call-tokens.ts';

const errorBody = z.looseObject({
  /** A number of gRPC on the gateway, its name over Connect. */
  code: z.union([z.number().int(), z.string()]).optional(),
  message: z.string().default(''),
  details: z.array(z.looseObject({ id: z.string().optional(), message: z.string().optional() })).default([]),
});

/** What a refused call means for the one who made it. */
export type CallFailureKind =
  | 'already-exists'
  | 'no-changes'
  | 'not-found'
  | 'not-served'
  | 'unauthenticated'
  | 'wrong-audience'
  | 'not-allowed'
  | 'organisation-unknown'
  | 'slow-down'
  | 'try-again'
  | 'other';

const FOR_AN_ACCOUNT = new Set<CallFailureKind>([
  'already-exists',
  'no-changes',
  'not-found',
  'not-allowed',
  'organisation-unknown',
]);

/** A call the provider answered with an error. Stays inside this folder. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly kind: CallFailureKind;
  readonly status: number;
  readonly evidence: string;
  readonly retryAfter: string | undefined;
  /** Answered by a service of the second generation, and not by a gateway or a proxy before it. */
  readonly isConnect: boolean;
  /** Answered for whoever the token is of. What is not there, or in trouble, answers anybody. */
  readonly hasSeenToken: boolean;

  constructor(kind: CallFailureKind, reply: HttpReply, evidence: string) {
    super(`${kind} (${reply.status})`);
    this.kind = kind;
    this.status = reply.status;
    this.evidence = evidence;
    this.retryAfter = reply.headers['retry-after'];
    this.isConnect = factsOf(reply).isConnect;
    this.hasSeenToken = FOR_AN_ACCOUNT.has(kind);
  }
}

interface ErrorFacts {
  readonly status: number;
  /** gRPC number, where the body is the gateway's JSON. */
  readonly code: number | undefined;
  readonly isConnect: boolean;
  readonly ids: readonly string[];
  /** Untranslated keys such as `Errors.User.AlreadyExisting`. */
  readonly keys: readonly string[];
}

/** Connect's names of the codes that are told apart here. */
const numberOfCode: Readonly<Record<string, number>> = {
  invalid_argument: 3,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
};

function factsOf(reply: HttpReply): ErrorFacts {
  let content: unknown;
  try {
    content = JSON.parse(reply.text);
  } catch {
    // Host checks and proxies answer plain text; the status has to do.
    return { status: reply.status, code: undefined, isConnect: false, ids: [], keys: [] };
  }
  const parsed = errorBody.safeParse(content);
  if (!parsed.success) return { status: reply.status, code: undefined, isConnect: false, ids: [], keys: [] };
  const { code, message, details } = parsed.data;
  const idInMessage = /\(([A-Z][A-Za-z0-9]*-[A-Za-z0-9]+)\)\s*$/.exec(message)?.[1];
  const ids = [...details.map((detail) => detail.id ?? ''), idInMessage ?? ''].filter((one) => one !== '');
  const keys = [message, ...details.map((detail) => detail.message ?? '')];
  const isConnect = typeof code === 'string';
  return { status: reply.status, code: isConnect ? numberOfCode[code] : code, isConnect, ids, keys };
}

const NO_CHANGES = new Set([
  'COMMAND-2n8vs',
  'COMMAND-Rs8fy',
  'COMMAND-5M0cs',
  'COMMAND-1m88i',
  'COMMAND-1n8cM',
]);
/** "membership not found": the caller has no manager role at all. Looks like a missing resource. */
const NO_MEMBERSHIP = 'AUTHZ-cdgFk';
/** A good token of another audience. A renewed one has the same, so nothing of it is repeated. */
const WRONG_AUDIENCE = 'APP-Zxfako';
/** By the header, and by the message of the second generation. */
const ORGANISATION_UNKNOWN = ['AUTH-Bs7Ds', 'COMMAND-QXPGs'];

/**
 * Sorts an error reply. By status, code and id; never by text that may be translated. `not-found` is what the provider itself
 * says of a thing, with an id: the 404 of a gateway or a proxy says nothing about keys and users.
 */
export function failureKind(reply: HttpReply): CallFailureKind {
  const { status, code, ids, keys } = factsOf(reply);
  const hasKey = (pattern: RegExp) => keys.some((text) => pattern.test(text));
  if (ids.includes(NO_MEMBERSHIP)) return 'not-allowed';
  if (ids.some((one) => ORGANISATION_UNKNOWN.includes(one))) return 'organisation-unknown';
  if (ids.includes(WRONG_AUDIENCE)) return 'wrong-audience';
  if (status === 401 || code === 16) return 'unauthenticated';
  if (status === 403 || code === 7) return 'not-allowed';
  if (status === 429 || code === 8) return 'slow-down';
  if (status === 409 || code === 6 || hasKey(/AlreadyExist/)) return 'already-exists';
  if (status === 404 || code === 5) return ids.length > 0 ? 'not-found' : 'not-served';
  if (status === 400 && (ids.some((one) => NO_CHANGES.has(one)) || hasKey(/NoChanges|NotInactive/)))
    return 'no-changes';
  // What a server does not have does not come by waiting.
  if (status === 501 || code === 12) return 'other';
  if (status >= 500) return 'try-again';
  return 'other';
}

/**
 * Evidence of one exchange: method, path, status, body with secrets masked.
 * @param sent the secrets that went out with the request
 */
export function exchangeEvidence(
  {
    method,
    path,
    sent,
  }: { readonly method: string; readonly path: string; readonly sent: readonly Secret[] },
  reply: HttpReply,
  showBody = true,
): string {
  const body = showBody ? printable(maskReply(reply.text, sent), { keepNewlines: true }) : '(body not shown)';
  return `${method} ${path} answered ${reply.status}\n${body}`;
}

const codes: Readonly<Record<CallFailureKind, EnrollmentErrorCode>> = {
  'already-exists': 'IDENTITY_CALL_FAILED',
  'no-changes': 'IDENTITY_CALL_FAILED',
  'not-found': 'IDENTITY_CALL_FAILED',
  'not-served': 'IDENTITY_CALL_FAILED',
  unauthenticated: 'IDENTITY_SESSION_ENDED',
  'wrong-audience': 'IDENTITY_AUDIENCE_INVALID',
  'not-allowed': 'IDENTITY_ROLE_MISSING',
  'organisation-unknown': 'IDENTITY_ORGANISATION_UNKNOWN',
  'slow-down': 'IDENTITY_CALL_FAILED',
  'try-again': 'IDENTITY_CALL_FAILED',
  other: 'IDENTITY_CALL_FAILED',
};

/** What was asked for, and of whom. */
export interface CallPlace {
  readonly action: string;
  readonly issuer: string;
  readonly orgId: string;
}

/** The operator's error for a call that finally failed. */
export function callError(failure: CallFailure, place: CallPlace): EnrollmentError {
  return errorAs(codes[failure.kind], failure, place);
}

/** The errors of a call whose token was refused. */
export function refusedCall(failure: CallFailure, place: CallPlace): RefusedCall {
  return {
    ended: () => errorAs('IDENTITY_SESSION_ENDED', failure, place),
    notAccepted: () => errorAs('IDENTITY_SIGN_IN_NOT_ACCEPTED', failure, place),
  };
}

function errorAs(code: EnrollmentErrorCode, failure: CallFailure, place: CallPlace): EnrollmentError {
  const { action, issuer, orgId } = place;
  const options: EnrollmentErrorOptions = {
    details: { action, status: String(failure.status), issuer, orgId },
    subject: issuer,
    evidence: failure.evidence,
    cause: failure,
  };
  return new EnrollmentError(code, options);
}
