import type { Store } from './store.ts';

export const zitadelAudienceScope = 'urn:zitadel:iam:org:project:id:zitadel:aud';
export const projectsRolesScope = 'urn:zitadel:iam:org:projects:roles';
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

/**
 * Role claims in Zitadel's shape, an object keyed by role: `{ "<role>": { "<orgId>": "<org domain>" } }`.
 * Given only when the roles scope was asked for, and only for projects in the audience.
 */
export function roleClaims(
  store: Store,
  userId: string,
  scopes: ReadonlySet<string>,
  audience: readonly string[],
  ownProjectId?: string,
): Record<string, RoleClaim> {
  if (!scopes.has(projectsRolesScope)) return {};
  const claims: Record<string, RoleClaim> = {};
  for (const grant of store.grantsOfUser(userId)) {
    if (!audience.includes(grant.projectId) || grant.roleKeys.length === 0) continue;
    const roles = Object.fromEntries(
      grant.roleKeys.map((key) => [key, { [store.org.id]: store.org.primaryDomain }]),
    );
    claims[`urn:zitadel:iam:org:project:${grant.projectId}:roles`] = roles;
    if (grant.projectId === ownProjectId) claims[ownProjectRolesClaim] = roles;
  }
  return claims;
}
