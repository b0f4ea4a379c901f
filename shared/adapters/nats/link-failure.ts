import {
  AuthorizationError,
  PermissionViolationError,
  RequestError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import type { HeartbeatLink } from '../../engine/ports.ts';
import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';
import { printable } from '../../model/printable.ts';

type LostLink = Extract<HeartbeatLink, { state: 'lost' }>;

function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof EnrollmentError) {
    return thrown.code === 'IDENTITY_NOT_SIGNED_IN' || thrown.code === 'IDENTITY_SESSION_ENDED';
  }
  return (
    thrown instanceof AuthorizationError ||
    thrown instanceof UserAuthenticationExpiredError ||
    thrown instanceof PermissionViolationError ||
    (thrown instanceof RequestError && isRefusal(thrown.cause))
  );
}

/** What a failure means for the link: the broker is not there, or it does not want this sign-in. */
export function lostLink(thrown: unknown): LostLink {
  return {
    state: 'lost',
    code: isRefusal(thrown) ? 'NATS_REFUSED' : 'NATS_UNREACHABLE',
    evidence: printable(describeThrown(thrown)),
  };
}
