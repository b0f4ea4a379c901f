import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
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
import { flag, readBody, requiredText, text } from './gateway-json.ts';
import { detailsOf, listMessage, objectDetails, projectMessage, roleMessage } from './messages.ts';
import type { Route, RouteContext } from './routes.ts';
import { search, textQuery } from './search.ts';

const anyBody = z.unknown();
const projectBody = z.object({
  name: requiredText(),
  projectRoleAssertion: flag,
  projectRoleCheck: flag,
  hasProjectCheck: flag,
});
const roleBody = z.object({ roleKey: requiredText(), displayName: requiredText(), group: text() });
const roleChangeBody = z.object({ displayName: requiredText(), group: text() });
const rolesBody = z.object({
  roles: z
    .array(z.object({ key: requiredText(), displayName: requiredText(), group: text() }))
    .min(1)
    .max(200),
});

export function projectOf(context: RouteContext): Project {
  const project = findProject(context.world, context.orgId, context.param('projectId'));
  if (project === undefined) throw apiErrors.projectNotFound();
  return project;
}

/** The project to make something in. @throws {ApiError} 400, code 9, when it is not there */
export function projectToFill(context: RouteContext): Project {
  const project = findProject(context.world, context.orgId, context.param('projectId'));
  if (project === undefined) throw apiErrors.projectMissing();
  return project;
}

function roleOf(context: RouteContext): { project: Project; role: ProjectRole } {
  const project = projectOf(context);
  const role = findRole(project, decodeURIComponent(context.param('roleKey')));
  if (role === undefined) throw apiErrors.roleNotFound();
  return { project, role };
}

const switchState =
  (active: boolean): Route['handle'] =>
  (context) => {
    const project = projectOf(context);
    setProjectActive(context.world, project, active);
    return { details: detailsOf(project) };
  };

export const projectRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/management/v1/projects/_search',
    permission: 'project.read',
    handle: ({ world: { store }, orgId, body }) => {
      const projects = store.searchable('projects', store.projects).filter((one) => one.orgId === orgId);
      const found = search(projects, readBody(body, anyBody), {
        nameQuery: textQuery('name', (project) => project.name),
      });
      return listMessage(store, found.total, found.page.map(projectMessage));
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects',
    permission: 'project.create',
    handle: ({ world, orgId, body }) => {
      const project = addProject(world, { orgId, ...readBody(body, projectBody) });
      world.store.count('project.created');
      return { id: project.id, details: detailsOf(project) };
    },
  },
  {
    method: 'GET',
    path: '/management/v1/projects/{projectId}',
    permission: 'project.read',
    handle: (context) => ({ project: projectMessage(projectOf(context)) }),
  },
  {
    method: 'PUT',
    path: '/management/v1/projects/{projectId}',
    permission: 'project.write',
    handle: (context) => {
      const project = projectOf(context);
      changeProject(context.world, project, readBody(context.body, projectBody));
      return { details: detailsOf(project) };
    },
  },
  {
    method: 'DELETE',
    path: '/management/v1/projects/{projectId}',
    permission: 'project.delete',
    handle: (context) => {
      const project = projectOf(context);
      deleteProject(context.world, project);
      return { details: detailsOf(project) };
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/_deactivate',
    permission: 'project.write',
    handle: switchState(false),
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/_reactivate',
    permission: 'project.write',
    handle: switchState(true),
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/roles/_bulk',
    permission: 'project.role.write',
    handle: (context) => {
      const { roles } = readBody(context.body, rolesBody);
      const project = projectToFill(context);
      for (const _ of addRoles(context.world, project, roles)) context.world.store.count('role.created');
      return { details: detailsOf(project) };
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/roles/_search',
    permission: 'project.role.read',
    handle: (context) => {
      const { world, orgId } = context;
      const { store } = world;
      // A project that does not exist has no roles; the real search does not complain either.
      const project = findProject(world, orgId, context.param('projectId'));
      const roles = project === undefined ? [] : store.searchableRoles(project);
      const found = search(roles, readBody(context.body, anyBody), {
        keyQuery: textQuery('key', (role) => role.key),
        displayNameQuery: textQuery('displayName', (role) => role.displayName),
      });
      return listMessage(
        store,
        found.total,
        found.page.map((role) => roleMessage(role, orgId)),
      );
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/roles',
    permission: 'project.role.write',
    handle: (context) => {
      const { roleKey, displayName, group } = readBody(context.body, roleBody);
      const [role] = addRoles(context.world, projectToFill(context), [{ key: roleKey, displayName, group }]);
      context.world.store.count('role.created');
      return { details: role && objectDetails(role, context.orgId) };
    },
  },
  {
    method: 'PUT',
    path: '/management/v1/projects/{projectId}/roles/{roleKey}',
    permission: 'project.role.write',
    handle: (context) => {
      const { role } = roleOf(context);
      changeRole(context.world, role, readBody(context.body, roleChangeBody));
      return { details: objectDetails(role, context.orgId) };
    },
  },
  {
    method: 'DELETE',
    path: '/management/v1/projects/{projectId}/roles/{roleKey}',
    permission: 'project.role.delete',
    handle: (context) => {
      const { project, role } = roleOf(context);
      deleteRole(context.world, project, role);
      return { details: objectDetails(role, context.orgId) };
    },
  },
];
