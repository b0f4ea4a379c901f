/** Dates, sequence and owner of everything the lab's Zitadel keeps. */
export interface Dated {
  readonly createdAt: number;
  changedAt: number;
  /** Set once deleted. The entry stays as a tombstone so that `inspect()` can tell the whole story. */
  deletedAt: number | undefined;
  sequence: bigint;
}

/** An entry that belongs to an organisation, its resource owner. */
export interface Owned extends Dated {
  readonly id: string;
  readonly orgId: string;
}

export interface Organisation extends Dated {
  readonly id: string;
  readonly name: string;
  readonly primaryDomain: string;
}

export interface ProjectSettings {
  readonly name: string;
  readonly projectRoleAssertion: boolean;
  readonly projectRoleCheck: boolean;
  readonly hasProjectCheck: boolean;
}

export interface Project extends Owned, ProjectSettings {
  readonly active: boolean;
  readonly roles: Map<string, ProjectRole>;
}

export interface RoleFields {
  readonly key: string;
  readonly displayName: string;
  readonly group: string;
}

export interface ProjectRole extends Dated, RoleFields {}

export type AccessTokenType = 'ACCESS_TOKEN_TYPE_BEARER' | 'ACCESS_TOKEN_TYPE_JWT';

export interface MachineProfile {
  readonly name: string;
  readonly description: string;
  readonly accessTokenType: AccessTokenType;
}

export interface HumanProfile {
  readonly displayName: string;
  readonly about: string;
  readonly password: string;
}

export interface User extends Owned {
  readonly userName: string;
  readonly loginName: string;
  readonly active: boolean;
  readonly machine?: MachineProfile;
  readonly human?: HumanProfile;
}

export interface MachineKey extends Owned {
  readonly userId: string;
  readonly publicPem: string;
  readonly origin: 'minted' | 'registered';
  readonly expiresAt: number;
  lastUsedAt: number | undefined;
}

/** A personal access token. */
export interface Pat extends Owned {
  readonly userId: string;
  readonly token: string;
  readonly expiresAt: number;
  lastUsedAt: number | undefined;
}

export interface UserGrant extends Owned {
  readonly userId: string;
  readonly projectId: string;
  readonly roleKeys: readonly string[];
}

/** Enum values without the prefix that each generation of the API writes in its own way. */
export const oidcEnums = {
  responseType: ['CODE', 'ID_TOKEN', 'ID_TOKEN_TOKEN'],
  grantType: ['AUTHORIZATION_CODE', 'IMPLICIT', 'REFRESH_TOKEN', 'DEVICE_CODE', 'TOKEN_EXCHANGE'],
  appType: ['WEB', 'USER_AGENT', 'NATIVE'],
  authMethod: ['BASIC', 'POST', 'NONE', 'PRIVATE_KEY_JWT'],
  tokenType: ['BEARER', 'JWT'],
  apiAuthMethod: ['BASIC', 'PRIVATE_KEY_JWT'],
} as const;

type Of<K extends keyof typeof oidcEnums> = (typeof oidcEnums)[K][number];

export interface OidcConfig {
  readonly redirectUris: readonly string[];
  readonly responseTypes: readonly Of<'responseType'>[];
  readonly grantTypes: readonly Of<'grantType'>[];
  readonly appType: Of<'appType'>;
  readonly authMethod: Of<'authMethod'>;
  readonly postLogoutRedirectUris: readonly string[];
  readonly devMode: boolean;
  readonly tokenType: Of<'tokenType'>;
  readonly accessTokenRoleAssertion: boolean;
  readonly idTokenRoleAssertion: boolean;
  readonly idTokenUserinfoAssertion: boolean;
}

export interface App extends Owned {
  readonly projectId: string;
  readonly name: string;
  readonly active: boolean;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** Exactly one of `oidc` and `api` is there. */
  readonly oidc?: OidcConfig;
  readonly api?: { readonly authMethod: Of<'apiAuthMethod'> };
}

export interface AppKey extends Owned {
  readonly appId: string;
  readonly projectId: string;
  readonly clientId: string;
  readonly publicPem: string;
  readonly expiresAt: number;
}

/** Where a manager role counts: the whole instance, one organisation or one project. */
export type MemberScope =
  | { readonly kind: 'instance' }
  | { readonly kind: 'org'; readonly orgId: string }
  | { readonly kind: 'project'; readonly projectId: string };

/** A user's manager roles in one place. */
export interface Member extends Owned {
  readonly userId: string;
  readonly scope: MemberScope;
  readonly roles: readonly string[];
}
