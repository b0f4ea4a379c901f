import { z } from 'zod';
import { ApiError, apiErrors } from '../api-error.ts';
import { flag, readMessage, requiredText, text } from '../management/gateway-json.ts';
import { timestamp } from '../management/messages.ts';
import type { Project, ProjectRole } from '../model.ts';
import {
  addProject,
  addRoles,
  changeProject,
  changeRole,
  deleteProject,
  deleteRole,
  findProject,
  findRole,
  setProjectActive,
} from '../operations/projects.ts';
import { type Filters, idsFilter, list, textFilter } from './filters.ts';
import { type Call, type Method, require, sees } from './method.ts';
import { unlessUnchanged } from './users.ts';

const projectId = z.object({ projectId: requiredText() });
const newProject = z.object({
  organizationId: requiredText(),
  projectId: requiredText().nullish(),
  name: requiredText(),
  projectRoleAssertion: flag,
  authorizationRequired: flag,
  projectAccessRequired: flag,
});
const projectChange = projectId.extend({
  name: requiredText().nullish(),
  projectRoleAssertion: z.boolean().nullish(),
  authorizationRequired: z.boolean().nullish(),
  projectAccessRequired: z.boolean().nullish(),
});
const roleKey = projectId.extend({ roleKey: requiredText() });
const newRole = roleKey.extend({ displayName: requiredText(), group: text() });
const roleChange = roleKey.extend({ displayName: requiredText().nullish(), group: z.string().nullish() });

/** @throws {ApiError} 404 */
export function projectOf(call: Call, id: string): Project {
  const project = findProject(call.world, undefined, id);
  if (project === undefined) throw apiErrors.projectNotFound();
  return project;
}

/** The project to make something in. @throws {ApiError} 400, code 9, when it is not there */
export function projectToFill(call: Call, id: string): Project {
  const project = findProject(call.world, undefined, id);
  if (project === undefined) throw apiErrors.projectMissing();
  return project;
}

const placeOf = (project: Project) => ({ orgId: project.orgId, projectId: project.id });

function projectMessage(project: Project): object {
  return {
    projectId: project.id,
    organizationId: project.orgId,
    creationDate: timestamp(project.createdAt),
    changeDate: timestamp(project.changedAt),
    name: project.name,
    state: project.active ? 'PROJECT_STATE_ACTIVE' : 'PROJECT_STATE_INACTIVE',
    projectRoleAssertion: project.projectRoleAssertion,
    authorizationRequired: project.projectRoleCheck,
    projectAccessRequired: project.hasProjectCheck,
  };
}

const projectFilters: Filters<Project> = {
  projectNameFilter: textFilter('projectName', (project) => project.name),
  inProjectIdsFilter: idsFilter((project) => project.id),
  // No project of the lab is granted to another organisation, so "granted" finds nothing.
  organizationIdFilter: z
    .object({
      organizationId: requiredText(),
      type: z.enum(['TYPE_UNSPECIFIED', 'OWNED', 'GRANTED', 'OWNED_OR_GRANTED']).default('TYPE_UNSPECIFIED'),
    })
    .transform(
      ({ organizationId, type }) =>
        (project: Project) =>
          type !== 'GRANTED' && project.orgId === organizationId,
    ),
};

const createProject: Method = (call) => {
  const asked = readMessage(call.message, newProject);
  const { organizationId: orgId, name, projectRoleAssertion } = asked;
  require(call, 'project.create', { orgId });
  const { store } = call.world;
  if (store.live(store.orgs, orgId) === undefined)
    throw new ApiError(9, 'Errors.Org.NotFound', 'COMMAND-QXPGs');
  const project = addProject(call.world, {
    ...{ id: asked.projectId ?? undefined, orgId, name, projectRoleAssertion },
    projectRoleCheck: asked.authorizationRequired,
    hasProjectCheck: asked.projectAccessRequired,
  });
  store.count('project.created');
  return { projectId: project.id, creationDate: timestamp(project.createdAt) };
};

const updateProject: Method = (call) => {
  const asked = readMessage(call.message, projectChange);
  const project = projectOf(call, asked.projectId);
  require(call, 'project.write', placeOf(project));
  const wanted = {
    name: asked.name ?? project.name,
    projectRoleAssertion: asked.projectRoleAssertion ?? project.projectRoleAssertion,
    projectRoleCheck: asked.authorizationRequired ?? project.projectRoleCheck,
    hasProjectCheck: asked.projectAccessRequired ?? project.hasProjectCheck,
  };
  unlessUnchanged(() => changeProject(call.world, project, wanted));
  return { changeDate: timestamp(project.changedAt) };
};

const removeProject: Method = (call) => {
  const project = findProject(call.world, undefined, readMessage(call.message, projectId).projectId);
  if (project === undefined) return {};
  require(call, 'project.delete', placeOf(project));
  deleteProject(call.world, project);
  return { deletionDate: timestamp(project.changedAt) };
};

/** Refuses a caller who may read no project anywhere of the own organisation; others see what they may. */
const listProjects: Method = (call) => {
  const { store } = call.world;
  requireReading(call);
  const visible = store
    .searchable('projects', store.projects)
    .filter((project) => sees(call, 'project.read', placeOf(project)));
  const { page, pagination } = list(visible, call.message, projectFilters);
  return { pagination, projects: page.map(projectMessage) };
};

function requireReading(call: Call): void {
  try {
    require(call, 'project.read', { orgId: call.caller.orgId });
  } catch (error) {
    throw error instanceof ApiError && error.code === 7 ? apiErrors.noPermission() : error;
  }
}

const switchState =
  (active: boolean, field: 'projectId' | 'id'): Method =>
  (call) => {
    const asked = readMessage(call.message, z.looseObject({ [field]: requiredText() }));
    const project = projectOf(call, String(asked[field]));
    require(call, 'project.write', placeOf(project));
    if (project.active !== active) setProjectActive(call.world, project, active);
    return { changeDate: timestamp(project.changedAt) };
  };

const addProjectRole: Method = (call) => {
  const asked = readMessage(call.message, newRole);
  const project = projectToFill(call, asked.projectId);
  require(call, 'project.role.write', placeOf(project));
  const { displayName, group } = asked;
  const [role] = addRoles(call.world, project, [{ key: asked.roleKey, displayName, group }]);
  call.world.store.count('role.created');
  return { creationDate: role && timestamp(role.createdAt) };
};

const updateProjectRole: Method = (call) => {
  const asked = readMessage(call.message, roleChange);
  const project = projectOf(call, asked.projectId);
  require(call, 'project.role.write', placeOf(project));
  const role = findRole(project, asked.roleKey);
  if (role === undefined) throw apiErrors.roleNotFound();
  const wanted = { displayName: asked.displayName ?? role.displayName, group: asked.group ?? role.group };
  unlessUnchanged(() => changeRole(call.world, role, wanted));
  return { changeDate: timestamp(role.changedAt) };
};

const removeProjectRole: Method = (call) => {
  const asked = readMessage(call.message, roleKey);
  const project = projectOf(call, asked.projectId);
  require(call, 'project.role.write', placeOf(project));
  const role = findRole(project, asked.roleKey);
  if (role === undefined) return {};
  deleteRole(call.world, project, role);
  return { removalDate: timestamp(role.changedAt) };
};

const roleFilters: Filters<ProjectRole> = {
  roleKeyFilter: textFilter('key', (role) => role.key),
  displayNameFilter: textFilter('displayName', (role) => role.displayName),
};

const listProjectRoles: Method = (call) => {
  const { projectId: id } = readMessage(call.message, projectId);
  const project = findProject(call.world, undefined, id);
  const visible = project !== undefined && sees(call, 'project.role.read', placeOf(project));
  const roles = visible ? call.world.store.searchableRoles(project) : [];
  const { page, pagination } = list(roles, call.message, roleFilters);
  const projectRoles = page.map((role) => ({
    ...{ projectId: id, key: role.key, displayName: role.displayName, group: role.group },
    ...{ creationDate: timestamp(role.createdAt), changeDate: timestamp(role.changedAt) },
  }));
  return { pagination, projectRoles };
};

/** Methods of `zitadel.project.v2.ProjectService`. */
export const projectMethods: Readonly<Record<string, Method>> = {
  CreateProject: createProject,
  UpdateProject: updateProject,
  DeleteProject: removeProject,
  GetProject: (call) => {
    const project = projectOf(call, readMessage(call.message, projectId).projectId);
    require(call, 'project.read', placeOf(project));
    return { project: projectMessage(project) };
  },
  ListProjects: listProjects,
  DeactivateProject: switchState(false, 'projectId'),
  // The request of this one really calls the field `id`.
  ActivateProject: switchState(true, 'id'),
  AddProjectRole: addProjectRole,
  UpdateProjectRole: updateProjectRole,
  RemoveProjectRole: removeProjectRole,
  ListProjectRoles: listProjectRoles,
};
