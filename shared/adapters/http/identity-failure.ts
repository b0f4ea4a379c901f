import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../../model/error-codes.ts';
import type { HttpFailure, HttpFailureKind } from './http-failure.ts';

const codes: Readonly<Record<HttpFailureKind, EnrollmentErrorCode>> = {
  unreachable: 'IDENTITY_UNREACHABLE',
  'time-limit': 'IDENTITY_UNREACHABLE',
  proxy: 'IDENTITY_PROXY_REFUSED',
  'tls-too-old': 'IDENTITY_TLS_TOO_OLD',
  certificate: 'IDENTITY_CERTIFICATE_REFUSED',
  'certificate-self-signed': 'IDENTITY_CERTIFICATE_SELF_SIGNED',
  'certificate-expired': 'IDENTITY_CERTIFICATE_EXPIRED',
  'certificate-not-yet': 'IDENTITY_CERTIFICATE_NOT_YET_VALID',
  'certificate-name': 'IDENTITY_CERTIFICATE_OTHER_NAME',
  'certificate-purpose': 'IDENTITY_CERTIFICATE_NOT_FOR_SERVERS',
  redirect: 'IDENTITY_REPLY_UNREADABLE',
  'too-large': 'IDENTITY_REPLY_UNREADABLE',
};

/**
 * The operator's error for a request to the identity provider that brought no usable reply.
 * @param isRead it changes nothing even where it arrived
 */
export function identityFailure(
  failure: HttpFailure,
  issuer: string,
  action: string,
  isRead = false,
): EnrollmentError {
  const { kind, message: problem } = failure;
  const mayPass = kind === 'unreachable' || kind === 'time-limit';
  return new EnrollmentError(codes[kind], {
    details: { issuer, action, problem },
    subject: issuer,
    evidence: problem,
    cause: failure,
    ...(mayPass && (isRead || !failure.maybeSent) ? { noEffect: {} } : {}),
  });
}
