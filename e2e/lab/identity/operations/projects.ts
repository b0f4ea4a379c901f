import { ApiError, apiErrors } from '../api-error.ts';
import type { Project, ProjectRole, ProjectSettings, RoleFields } from '../model.ts';
import type { World } from '../world.ts';

export interface NewProject extends Partial<Omit<ProjectSettings, 'name'>> {
  readonly id?: string | undefined;
  readonly orgId: string;
  readonly name: string;
}

function nameTaken(world: World, orgId: string, name: string): boolean {
  const { store } = world;
  return store.findLive(store.projects, (one) => one.orgId === orgId && one.name === name) !== undefined;
}

/** @throws {ApiError} 409 when the organisation has a project of this name. */
export function addProject(world: World, asked: NewProject): Project {
  if (nameTaken(world, asked.orgId, asked.name)) {
    throw apiErrors.alreadyExists('Project already exists on organisation');
  }
  const project: Project = {
    id: asked.id ?? world.nextId(),
    orgId: asked.orgId,
    name: asked.name,
    projectRoleAssertion: asked.projectRoleAssertion ?? false,
    projectRoleCheck: asked.projectRoleCheck ?? false,
    hasProjectCheck: asked.hasProjectCheck ?? false,
    active: true,
    roles: new Map(),
    ...world.store.born(),
  };
  world.store.projects.set(project.id, project);
  return project;
}

/** The live project with this id in the organisation, or anywhere when none is given. */
export function findProject(world: World, orgId: string | undefined, id: string): Project | undefined {
  const project = world.store.live(world.store.projects, id);
  return orgId === undefined || project?.orgId === orgId ? project : undefined;
}

/** @throws {ApiError} 409 for a taken name, 400 (code 9) when nothing differs. */
export function changeProject(world: World, project: Project, wanted: Partial<ProjectSettings>): void {
  const next = { ...project, ...wanted };
  const same =
    next.name === project.name &&
    next.projectRoleAssertion === project.projectRoleAssertion &&
    next.projectRoleCheck === project.projectRoleCheck &&
    next.hasProjectCheck === project.hasProjectCheck;
  if (same) throw new ApiError(9, 'Errors.NoChangesFound', 'COMMAND-2M0fs');
  if (next.name !== project.name && nameTaken(world, project.orgId, next.name)) {
    throw apiErrors.alreadyExists('Project already exists on organisation');
  }
  world.store.change<Project>(project, wanted);
  world.store.count('project.changed');
}

/** Deletes a project with its roles, applications and everything granted on it. */
export function deleteProject(world: World, project: Project): void {
  const { store } = world;
  store.bury(project);
  for (const one of store.allLive(store.apps, (app) => app.projectId === project.id)) store.bury(one);
  for (const one of store.allLive(store.appKeys, (key) => key.projectId === project.id)) store.bury(one);
  for (const one of store.allLive(store.grants, (grant) => grant.projectId === project.id)) store.bury(one);
  store.count('project.deleted');
}

/** @throws {ApiError} 400 when the project is in that state already. */
export function setProjectActive(world: World, project: Project, active: boolean): void {
  if (project.active === active) {
    throw active
      ? new ApiError(9, 'Errors.Project.NotInactive', 'COMMAND-5M9bs')
      : new ApiError(9, 'Errors.Project.NotActive', 'COMMAND-mki55');
  }
  world.store.change(project, { active });
  world.store.count(active ? 'project.reactivated' : 'project.deactivated');
}

export function findRole(project: Project, key: string): ProjectRole | undefined {
  const role = project.roles.get(key);
  return role?.deletedAt === undefined ? role : undefined;
}

/** @throws {ApiError} 409 when a key is taken; then none is added. */
export function addRoles(world: World, project: Project, roles: readonly RoleFields[]): ProjectRole[] {
  const keys = new Set(roles.map((role) => role.key));
  if (keys.size < roles.length || roles.some((role) => findRole(project, role.key) !== undefined)) {
    throw apiErrors.alreadyExists('Role already exists');
  }
  return roles.map((fields) => {
    const role: ProjectRole = { ...fields, ...world.store.born() };
    project.roles.set(role.key, role);
    return role;
  });
}

/** @throws {ApiError} 400 (code 9) when nothing differs. */
export function changeRole(world: World, role: ProjectRole, wanted: Partial<RoleFields>): void {
  const next = { ...role, ...wanted };
  if (next.displayName === role.displayName && next.group === role.group) {
    throw new ApiError(9, 'Errors.NoChangesFound', 'COMMAND-5M0cs');
  }
  world.store.change<ProjectRole>(role, wanted);
  world.store.count('role.changed');
}

/** Deletes a role, also out of every grant that gave it. */
export function deleteRole(world: World, project: Project, role: ProjectRole): void {
  const { store } = world;
  store.bury(role);
  const holding = store.allLive(
    store.grants,
    (grant) => grant.projectId === project.id && grant.roleKeys.includes(role.key),
  );
  for (const grant of holding) {
    store.change(grant, { roleKeys: grant.roleKeys.filter((key) => key !== role.key) });
  }
  store.count('role.deleted');
}
