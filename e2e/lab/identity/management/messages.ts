import type { MachineKey, Project, ProjectRole, Store, User, UserGrant } from '../store.ts';

interface Dated {
  readonly createdAt: number;
  readonly changedAt: number;
  readonly sequence: bigint;
}

const timestamp = (epochMs: number): string => new Date(epochMs).toISOString();

/** The `details` object of an answer about one entry. */
export function objectDetails(store: Store, entry: Dated): object {
  return {
    sequence: entry.sequence,
    creationDate: timestamp(entry.createdAt),
    changeDate: timestamp(entry.changedAt),
    resourceOwner: store.org.id,
  };
}

/** A whole search answer. */
export function listMessage(store: Store, total: number, result: readonly unknown[]): object {
  return {
    details: {
      totalResult: BigInt(total),
      processedSequence: store.sequence,
      viewTimestamp: timestamp(Date.now()),
    },
    result,
  };
}

export function projectMessage(store: Store, project: Project): object {
  const { id, name, projectRoleAssertion, projectRoleCheck, hasProjectCheck } = project;
  const state = 'PROJECT_STATE_ACTIVE';
  const details = objectDetails(store, project);
  return { id, details, name, state, projectRoleAssertion, projectRoleCheck, hasProjectCheck };
}

export function roleMessage(store: Store, role: ProjectRole): object {
  const { key, displayName, group } = role;
  return { key, details: objectDetails(store, role), displayName, group };
}

export function userMessage(store: Store, user: User): object {
  const { id, userName, loginName, machine, human } = user;
  return {
    id,
    details: objectDetails(store, user),
    state: 'USER_STATE_ACTIVE',
    userName,
    loginNames: [loginName],
    preferredLoginName: loginName,
    ...(machine === undefined ? {} : { machine: machineMessage(machine) }),
    ...(human === undefined
      ? {}
      : {
          human: {
            profile: { displayName: human.displayName, preferredLanguage: 'en' },
            email: { email: loginName, isEmailVerified: true },
          },
        }),
  };
}

/** `ACCESS_TOKEN_TYPE_BEARER` is the enum's zero and therefore never written. */
function machineMessage(machine: NonNullable<User['machine']>): object {
  const { name, description, accessTokenType } = machine;
  const jwt = accessTokenType === 'ACCESS_TOKEN_TYPE_JWT';
  return { name, description, accessTokenType: jwt ? accessTokenType : undefined };
}

export function keyMessage(store: Store, key: MachineKey): object {
  return {
    id: key.id,
    details: objectDetails(store, key),
    type: 'KEY_TYPE_JSON',
    expirationDate: timestamp(key.expiresAt),
  };
}

export function grantMessage(store: Store, grant: UserGrant): object {
  const user = store.users.get(grant.userId);
  const project = store.projects.get(grant.projectId);
  return {
    id: grant.id,
    details: objectDetails(store, grant),
    roleKeys: grant.roleKeys,
    state: 'USER_GRANT_STATE_ACTIVE',
    userId: grant.userId,
    userName: user?.userName,
    displayName: user?.machine?.name ?? user?.human?.displayName,
    preferredLoginName: user?.loginName,
    orgId: store.org.id,
    orgName: store.org.name,
    orgDomain: store.org.primaryDomain,
    projectId: grant.projectId,
    projectName: project?.name,
    userType: user?.machine === undefined ? 'TYPE_HUMAN' : 'TYPE_MACHINE',
  };
}
