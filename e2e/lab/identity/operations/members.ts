import { ApiError, apiErrors } from '../api-error.ts';
import type { Member, MemberScope, Organisation } from '../model.ts';
import { rolesOfScope } from '../people.ts';
import type { World } from '../world.ts';

export function sameScope(left: MemberScope, right: MemberScope): boolean {
  return scopeKey(left) === scopeKey(right);
}

function scopeKey(scope: MemberScope): string {
  if (scope.kind === 'org') return `org ${scope.orgId}`;
  return scope.kind === 'project' ? `project ${scope.projectId}` : 'instance';
}

function requireRoles(scope: MemberScope, roles: readonly string[]): void {
  const known: readonly string[] = rolesOfScope[scope.kind];
  if (roles.length === 0 || roles.some((role) => !known.includes(role))) {
    throw new ApiError(3, 'Errors.Org.MemberInvalid', 'Org-4N8es');
  }
}

export function findMember(world: World, scope: MemberScope, userId: string): Member | undefined {
  const { store } = world;
  return store.findLive(store.members, (one) => one.userId === userId && sameScope(one.scope, scope));
}

/** Gives a user manager roles in one place. @throws {ApiError} 409 when the user has some there already. */
export function addMember(world: World, asked: Pick<Member, 'scope' | 'userId' | 'roles' | 'orgId'>): Member {
  const { store } = world;
  requireRoles(asked.scope, asked.roles);
  if (store.live(store.users, asked.userId) === undefined) {
    throw new ApiError(9, 'Errors.User.NotFound', 'ORG-PBEcS');
  }
  if (findMember(world, asked.scope, asked.userId) !== undefined) {
    throw apiErrors.alreadyExists('Errors.Org.Member.RolesAlreadyExists');
  }
  const member: Member = { id: world.nextId(), ...asked, roles: [...asked.roles], ...store.born() };
  store.members.set(member.id, member);
  return member;
}

/** @throws {ApiError} 400 (code 9) when nothing differs. */
export function changeMember(world: World, member: Member, roles: readonly string[]): void {
  requireRoles(member.scope, roles);
  if (member.roles.length === roles.length && roles.every((role) => member.roles.includes(role))) {
    throw new ApiError(9, 'Errors.Org.Member.RolesNotChanged', 'Org-LiaZi');
  }
  world.store.change(member, { roles: [...roles] });
  world.store.count('member.changed');
}

export function deleteMember(world: World, member: Member): void {
  world.store.bury(member);
  world.store.count('member.deleted');
}

/** @throws {ApiError} 409 when there is an organisation of this name. */
export function addOrganisation(
  world: World,
  asked: { id?: string; name: string; domain?: string },
): Organisation {
  const { store } = world;
  if (store.findLive(store.orgs, (one) => one.name === asked.name) !== undefined) {
    throw apiErrors.alreadyExists('Organisation already exists');
  }
  const org: Organisation = {
    id: asked.id ?? world.nextId(),
    name: asked.name,
    primaryDomain: asked.domain ?? `${asked.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.muster.lab`,
    ...store.born(),
  };
  store.orgs.set(org.id, org);
  return org;
}
