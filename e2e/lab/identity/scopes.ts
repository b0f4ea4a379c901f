import type { Store } from './store.ts';

export const zitadelAudienceScope = 'urn:zitadel:iam:org:project:id:zitadel:aud';
export const projectsRolesScope = 'urn:zitadel:iam:org:projects:roles';
const resourceOwnerScope = 'urn:zitadel:iam:user:resourceowner';
const ownProjectRolesClaim = 'urn:zitadel:iam:org:project:roles';

const audienceScope = /^urn:zitadel:iam:org:project:id:(zitadel|\d{1,20}):aud$/;
const otherKnownScope =
  /^urn:zitadel:iam:(org:project:role:[\w.-]{1,200}|org:id:\d{1,20}|user:resourceowner)$/;
const plainScopes: ReadonlySet<string> = new Set([
  'openid',
  'profile',
  'email',
  'offline_access',
  projectsRolesScope,
]);

/** The scopes of a request that this provider knows; unknown ones are dropped, as Zitadel does. */
export function knownScopes(scope: string | undefined): string[] {
  const asked = (scope ?? '').split(' ').filter((one) => one !== '');
  return [...new Set(asked)].filter(
    (one) => plainScopes.has(one) || audienceScope.test(one) || otherKnownScope.test(one),
  );
}

/** The audience: what the client brings by itself, and every project named by an `…:aud` scope. */
export function audienceOf(
  scopes: Iterable<string>,
  own: readonly string[],
  zitadelProjectId: string,
): readonly string[] {
  const audience = new Set(own);
  for (const scope of scopes) {
    const project = audienceScope.exec(scope)?.[1];
    if (project !== undefined) audience.add(project === 'zitadel' ? zitadelProjectId : project);
  }
  return [...audience];
}

type RoleClaim = Record<string, Record<string, string>>;

export interface RoleClaimRequest {
  readonly scopes: ReadonlySet<string>;
  readonly audience: readonly string[];
  readonly ownProjectId?: string | undefined;
  /** Project and application assert the roles of their own project without being asked. */
  readonly asserted?: boolean;
}

/**
 * Role claims in Zitadel's shape, an object keyed by role: `{ "<role>": { "<orgId>": "<org domain>" } }`.
 * Given when the roles scope was asked for or the application asserts them, only for projects in the audience.
 */
export function roleClaims(
  store: Store,
  userId: string,
  { scopes, audience, ownProjectId, asserted = false }: RoleClaimRequest,
): Record<string, RoleClaim> {
  const asked = scopes.has(projectsRolesScope);
  const claims: Record<string, RoleClaim> = {};
  for (const grant of store.grantsOfUser(userId)) {
    const own = grant.projectId === ownProjectId;
    if (!(asked || (asserted && own))) continue;
    if (!audience.includes(grant.projectId) || grant.roleKeys.length === 0) continue;
    const domain = store.orgs.get(grant.orgId)?.primaryDomain ?? '';
    const roles = Object.fromEntries(grant.roleKeys.map((key) => [key, { [grant.orgId]: domain }]));
    claims[`urn:zitadel:iam:org:project:${grant.projectId}:roles`] = roles;
    if (own) claims[ownProjectRolesClaim] = roles;
  }
  return claims;
}

/** The organisation a user belongs to, when the scope for it was asked for. */
export function organisationClaims(
  store: Store,
  userId: string,
  scopes: ReadonlySet<string>,
): Record<string, string> {
  const org = store.orgs.get(store.users.get(userId)?.orgId ?? '');
  if (org === undefined || !scopes.has(resourceOwnerScope)) return {};
  return {
    [`${resourceOwnerScope}:id`]: org.id,
    [`${resourceOwnerScope}:name`]: org.name,
    [`${resourceOwnerScope}:primary_domain`]: org.primaryDomain,
  };
}

/** The organisation a sign-in is restricted to by `urn:zitadel:iam:org:id:{id}`, if it is. */
export function requiredOrganisation(scopes: Iterable<string>): string | undefined {
  for (const scope of scopes) {
    const id = /^urn:zitadel:iam:org:id:(\d{1,20})$/.exec(scope)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}
