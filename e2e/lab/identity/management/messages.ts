import type {
  App,
  AppKey,
  Dated,
  MachineKey,
  Member,
  Pat,
  Project,
  ProjectRole,
  User,
  UserGrant,
} from '../model.ts';
import { complianceProblems } from '../operations/apps.ts';
import type { Store } from '../store.ts';

/** RFC 3339 as protobuf's JSON has it: milliseconds only when there are some. */
export const timestamp = (epochMs: number): string => new Date(epochMs).toISOString().replace('.000Z', 'Z');

/** The `details` object of an answer about one entry. */
export function objectDetails(entry: Dated, orgId: string): object {
  return {
    sequence: entry.sequence,
    creationDate: timestamp(entry.createdAt),
    changeDate: timestamp(entry.changedAt),
    resourceOwner: orgId,
  };
}

/** The `details` object of an answer about an entry that knows its owner. */
export function detailsOf(entry: Dated & { readonly orgId: string }): object {
  return objectDetails(entry, entry.orgId);
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

export function projectMessage(project: Project): object {
  const { id, name, projectRoleAssertion, projectRoleCheck, hasProjectCheck, active } = project;
  const state = active ? 'PROJECT_STATE_ACTIVE' : 'PROJECT_STATE_INACTIVE';
  const details = detailsOf(project);
  return { id, details, name, state, projectRoleAssertion, projectRoleCheck, hasProjectCheck };
}

export function roleMessage(role: ProjectRole, orgId: string): object {
  const { key, displayName, group } = role;
  return { key, details: objectDetails(role, orgId), displayName, group };
}

export function userMessage(user: User): object {
  const { id, userName, loginName, machine, human, active } = user;
  return {
    id,
    details: detailsOf(user),
    state: active ? 'USER_STATE_ACTIVE' : 'USER_STATE_INACTIVE',
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
export function machineMessage(machine: NonNullable<User['machine']>): object {
  const { name, description, accessTokenType } = machine;
  const jwt = accessTokenType === 'ACCESS_TOKEN_TYPE_JWT';
  return { name, description, accessTokenType: jwt ? accessTokenType : undefined };
}

export function keyMessage(key: MachineKey | AppKey): object {
  return {
    id: key.id,
    details: detailsOf(key),
    type: 'KEY_TYPE_JSON',
    expirationDate: timestamp(key.expiresAt),
  };
}

export function patMessage(pat: Pat): object {
  return { id: pat.id, details: detailsOf(pat), expirationDate: timestamp(pat.expiresAt), scopes: [] };
}

export function grantMessage(store: Store, grant: UserGrant): object {
  const user = store.users.get(grant.userId);
  const project = store.projects.get(grant.projectId);
  const org = store.orgs.get(grant.orgId);
  return {
    id: grant.id,
    details: detailsOf(grant),
    roleKeys: grant.roleKeys,
    state: 'USER_GRANT_STATE_ACTIVE',
    userId: grant.userId,
    userName: user?.userName,
    displayName: user?.machine?.name ?? user?.human?.displayName,
    preferredLoginName: user?.loginName,
    orgId: grant.orgId,
    orgName: org?.name,
    orgDomain: org?.primaryDomain,
    projectId: grant.projectId,
    projectName: project?.name,
    userType: user?.machine === undefined ? 'TYPE_HUMAN' : 'TYPE_MACHINE',
  };
}

/** Compliance members of answers about an OIDC application; the field really is called `noneCompliant`. */
export function complianceMessage(app: App): object {
  const problems = app.oidc === undefined ? [] : complianceProblems(app.oidc);
  return {
    noneCompliant: problems.length > 0,
    complianceProblems: problems.map((key) => ({ key, localizedMessage: key })),
  };
}

function oidcConfigMessage(app: App): object {
  const { oidc } = app;
  if (oidc === undefined) return {};
  const zeroable = (prefix: string, value: string, zero: string): string | undefined =>
    value === zero ? undefined : `${prefix}${value}`;
  return {
    redirectUris: oidc.redirectUris,
    responseTypes: oidc.responseTypes.map((type) => `OIDC_RESPONSE_TYPE_${type}`),
    grantTypes: oidc.grantTypes.map((type) => `OIDC_GRANT_TYPE_${type}`),
    appType: zeroable('OIDC_APP_TYPE_', oidc.appType, 'WEB'),
    clientId: app.clientId,
    authMethodType: zeroable('OIDC_AUTH_METHOD_TYPE_', oidc.authMethod, 'BASIC'),
    postLogoutRedirectUris: oidc.postLogoutRedirectUris,
    ...complianceMessage(app),
    devMode: oidc.devMode,
    accessTokenType: zeroable('OIDC_TOKEN_TYPE_', oidc.tokenType, 'BEARER'),
    accessTokenRoleAssertion: oidc.accessTokenRoleAssertion,
    idTokenRoleAssertion: oidc.idTokenRoleAssertion,
    idTokenUserinfoAssertion: oidc.idTokenUserinfoAssertion,
    clockSkew: '0s',
  };
}

export function appMessage(app: App): object {
  const authMethodType =
    app.api?.authMethod === 'PRIVATE_KEY_JWT' ? 'API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT' : undefined;
  return {
    id: app.id,
    details: detailsOf(app),
    state: app.active ? 'APP_STATE_ACTIVE' : 'APP_STATE_INACTIVE',
    name: app.name,
    ...(app.oidc === undefined ? {} : { oidcConfig: oidcConfigMessage(app) }),
    ...(app.api === undefined ? {} : { apiConfig: { clientId: app.clientId, authMethodType } }),
  };
}

export function memberMessage(store: Store, member: Member): object {
  const user = store.users.get(member.userId);
  return {
    userId: member.userId,
    details: detailsOf(member),
    roles: member.roles,
    preferredLoginName: user?.loginName,
    email: user?.human === undefined ? undefined : user.loginName,
    displayName: user?.machine?.name ?? user?.human?.displayName,
    userType: user?.machine === undefined ? 'TYPE_HUMAN' : 'TYPE_MACHINE',
    userResourceOwner: user?.orgId,
  };
}
