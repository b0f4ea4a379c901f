import { type ApiError, apiErrors } from './api-error.ts';
import type { Member, User } from './model.ts';
import { type ManagerRole, type Permission, permissionsOfRole } from './people.ts';
import type { Store } from './store.ts';

/** The place an action happens in. */
export interface Place {
  readonly orgId: string;
  readonly projectId?: string | undefined;
}

function isManagerRole(role: string): role is ManagerRole {
  return Object.hasOwn(permissionsOfRole, role);
}

function counts(store: Store, member: Member, place: Place): boolean {
  const { scope } = member;
  if (scope.kind === 'instance') return true;
  if (scope.kind === 'org') return scope.orgId === place.orgId;
  return place.projectId === undefined
    ? store.live(store.projects, scope.projectId)?.orgId === place.orgId
    : scope.projectId === place.projectId;
}

/** The caller's memberships that reach this place. */
export function membershipsIn(store: Store, caller: User, place: Place): Member[] {
  return store.allLive(store.members, (one) => one.userId === caller.id && counts(store, one, place));
}

/** Every permission the caller holds in this place, each once. */
export function permissionsIn(store: Store, caller: User, place: Place): readonly Permission[] {
  const roles = membershipsIn(store, caller, place).flatMap((member) => member.roles);
  return [
    ...new Set(roles.filter(isManagerRole).flatMap((role): Permission[] => [...permissionsOfRole[role]])),
  ];
}

export function mayIn(store: Store, caller: User, permission: Permission, place: Place): boolean {
  return permissionsIn(store, caller, place).includes(permission);
}

/** @throws {ApiError} 404 for a caller without any membership here, 403 for one without this permission. */
export function requirePermission(
  store: Store,
  caller: User,
  permission: Permission,
  place: Place,
  refusal: () => ApiError = apiErrors.noPermission,
): void {
  if (mayIn(store, caller, permission, place)) return;
  const reachable = membershipsIn(store, caller, { orgId: place.orgId === '' ? caller.orgId : place.orgId });
  throw reachable.length === 0 ? apiErrors.noMembership() : refusal();
}
