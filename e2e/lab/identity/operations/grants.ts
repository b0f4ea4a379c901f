import { ApiError, apiErrors } from '../api-error.ts';
import type { Project, UserGrant } from '../model.ts';
import type { World } from '../world.ts';
import { findProject, findRole } from './projects.ts';

export interface NewGrant {
  readonly orgId: string;
  readonly userId: string;
  readonly projectId: string;
  readonly roleKeys: readonly string[];
}

function requireRoles(project: Project, keys: readonly string[]): void {
  if (keys.some((key) => findRole(project, key) === undefined)) {
    throw new ApiError(9, 'Errors.Project.Role.NotExisting', 'COMMAND-mm9F4');
  }
}

/** @throws {ApiError} 400 (code 9) for a user, project or role that is not there, 409 for a second grant. */
export function addGrant(world: World, asked: NewGrant): UserGrant {
  const { store } = world;
  const user = store.live(store.users, asked.userId);
  if (user === undefined) throw new ApiError(9, 'Errors.User.NotFound', 'COMMAND-4f8sg');
  const project = findProject(world, asked.orgId, asked.projectId);
  if (project === undefined) throw new ApiError(9, 'Errors.Project.NotFound', 'COMMAND-3n77S');
  requireRoles(project, asked.roleKeys);
  const same = store
    .grantsOfUser(user.id)
    .some((grant) => grant.projectId === project.id && grant.orgId === asked.orgId);
  if (same) throw apiErrors.alreadyExists('User grant already exists');
  const grant: UserGrant = {
    id: world.nextId(),
    orgId: asked.orgId,
    userId: user.id,
    projectId: project.id,
    roleKeys: [...new Set(asked.roleKeys)],
    ...store.born(),
  };
  store.grants.set(grant.id, grant);
  store.count('grant.created');
  return grant;
}

export function findGrant(world: World, orgId: string | undefined, id: string): UserGrant | undefined {
  const grant = world.store.live(world.store.grants, id);
  return orgId === undefined || grant?.orgId === orgId ? grant : undefined;
}

/** Another order is a change. */
function sameKeys(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((key, index) => right[index] === key);
}

/** @throws {ApiError} 400 (code 9) when nothing differs or a role is not there. */
export function changeGrant(world: World, grant: UserGrant, roleKeys: readonly string[]): void {
  const project = findProject(world, undefined, grant.projectId);
  if (project === undefined) throw apiErrors.projectNotFound();
  const wanted = [...new Set(roleKeys)];
  if (sameKeys(grant.roleKeys, wanted)) throw apiErrors.noChanges('COMMAND-Rs8fy');
  requireRoles(project, wanted);
  world.store.change(grant, { roleKeys: wanted });
  world.store.count('grant.changed');
}

export function deleteGrant(world: World, grant: UserGrant): void {
  world.store.bury(grant);
  world.store.count('grant.deleted');
}
