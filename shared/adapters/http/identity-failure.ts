import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { HttpFailure } from './http-failure.ts';

/** The operator's error for a request to the identity provider that brought no usable reply. */
export function identityFailure(failure: HttpFailure, issuer: string, action: string): EnrollmentError {
  const options = { details: { issuer, action }, subject: issuer, evidence: failure.message, cause: failure };
  switch (failure.kind) {
    case 'certificate':
      return new EnrollmentError('IDENTITY_CERTIFICATE_REFUSED', options);
    case 'redirect':
    case 'too-large':
      return new EnrollmentError('IDENTITY_REPLY_UNREADABLE', options);
    case 'unreachable':
    case 'time-limit':
      return new EnrollmentError('IDENTITY_UNREACHABLE', options);
  }
}
