import type { User } from '@nats-io/jwt';
import { parseDeviceId } from '#shared/model/device-id.ts';
import {
  type AccessTokenVerifier,
  projectRoles,
  TokenRefusedError,
  type VerifiedToken,
} from './access-token-verifier.ts';
import { devicePermissions, stationPermissions } from './permissions.ts';

/** What a client showed when it connected. */
export interface ConnectionClaim {
  readonly token: string | undefined;
  /** The client's name; a device gives its id. */
  readonly name: string | undefined;
}

export type AccessDecision =
  | {
      readonly granted: true;
      readonly as: 'device' | 'station';
      readonly name: string;
      readonly permissions: Partial<User>;
      /** The server ends the connection then; seconds since 1970. */
      readonly expiresAtSeconds: number;
    }
  | { readonly granted: false; readonly reason: string };

/** Who is who, answered by the identity provider (not by the client). */
export interface AccessDirectory {
  /** The device a machine user belongs to; undefined when it belongs to none, or is gone. */
  lookupDeviceId(userId: string): Promise<string | undefined>;
  /**
   * True when this person may watch the fleet. Zitadel's manager roles are not in tokens, so they are asked
   * for; the verified token is given because a person may ask about themselves.
   */
  isOperator(userId: string, accessToken: string): Promise<boolean>;
}

export interface AccessPolicyOptions {
  readonly verifier: AccessTokenVerifier;
  readonly directory: AccessDirectory;
  readonly projectId: string;
  /** Roles on the project whose holders may watch the fleet, besides those {@link AccessDirectory.isOperator} knows. */
  readonly stationClientRoles: readonly string[];
}

/** The role whose holders are devices. Whoever has it is a device and nothing more. */
const DEVICE_ROLE = 'device';

const refuse = (reason: string): AccessDecision => ({ granted: false, reason });

async function decideDevice(
  token: VerifiedToken,
  name: string | undefined,
  directory: AccessDirectory,
): Promise<AccessDecision> {
  const owned = await directory.lookupDeviceId(token.subject);
  if (owned === undefined) return refuse(`user ${token.subject} belongs to no device`);
  // The id becomes part of a subject: a wildcard in it would open every device's entry.
  const parsed = parseDeviceId(owned);
  if (!parsed.ok) return refuse(`the device id of user ${token.subject} is not valid`);
  if (name !== parsed.id)
    return refuse(`user ${token.subject} is device ${parsed.id} but connected as ${JSON.stringify(name)}`);
  return {
    granted: true,
    as: 'device',
    name: parsed.id,
    permissions: devicePermissions(parsed.id),
    expiresAtSeconds: token.expiresAtSeconds,
  };
}

/** Decides what a connecting client may do; everything it cannot prove is refused. Never throws. */
export async function decideAccess(
  claim: ConnectionClaim,
  options: AccessPolicyOptions,
): Promise<AccessDecision> {
  const { verifier, directory, projectId, stationClientRoles } = options;
  if (claim.token === undefined || claim.token === '') return refuse('no token was shown');
  try {
    const token = await verifier.verify(claim.token);
    if (!token.audience.includes(projectId)) return refuse(`the token is not meant for project ${projectId}`);
    const roles = projectRoles(token.payload, projectId);
    if (roles.includes(DEVICE_ROLE)) return await decideDevice(token, claim.name, directory);
    const mayWatch =
      roles.some((role) => stationClientRoles.includes(role)) ||
      (await directory.isOperator(token.subject, claim.token));
    if (!mayWatch) return refuse(`user ${token.subject} is neither a device nor an operator`);
    const { subject, expiresAtSeconds } = token;
    return {
      granted: true,
      as: 'station',
      name: subject,
      permissions: stationPermissions(),
      expiresAtSeconds,
    };
  } catch (error) {
    if (error instanceof TokenRefusedError) return refuse(error.message);
    return refuse(
      `the identity provider cannot be asked: ${error instanceof Error ? error.message : 'unknown'}`,
    );
  }
}
