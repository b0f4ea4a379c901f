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

/** The operator's error for a request to the identity provider that brought no usable reply. */
export function identityFailure(failure: HttpFailure, issuer: string, action: string): EnrollmentError {
  const { message: problem } = failure;
  return new EnrollmentError(codes[failure.kind], {
    details: { issuer, action, problem },
    subject: issuer,
    evidence: problem,
    cause: failure,
  });
}
