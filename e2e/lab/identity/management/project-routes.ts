import { z } from 'zod';
import type { Project, ProjectRole, Store } from '../store.ts';
import { apiErrors } from './api-error.ts';
import { flag, readBody, requiredText, text } from './gateway-json.ts';
import { listMessage, objectDetails, projectMessage, roleMessage } from './messages.ts';
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
const rolesBody = z.object({
  roles: z
    .array(z.object({ key: requiredText(), displayName: requiredText(), group: text() }))
    .min(1)
    .max(200),
});

/** Adds a project; also used for the lab's own one. @throws {ApiError} 409 when the name is taken. */
export function addProject(
  store: Store,
  id: string,
  fields: { name: string } & Partial<
    Pick<Project, 'projectRoleAssertion' | 'projectRoleCheck' | 'hasProjectCheck'>
  >,
): Project {
  if (store.findLive(store.projects, (one) => one.name === fields.name) !== undefined) {
    throw apiErrors.alreadyExists('Project already exists on organisation');
  }
  const flags = { projectRoleAssertion: false, projectRoleCheck: false, hasProjectCheck: false };
  const project: Project = { ...flags, ...fields, id, roles: new Map(), ...store.born() };
  store.projects.set(id, project);
  return project;
}

/** Adds a role to a project. @throws {ApiError} 409 when the key is taken. */
export function addRole(
  store: Store,
  project: Project,
  fields: Pick<ProjectRole, 'key' | 'displayName' | 'group'>,
): ProjectRole {
  if (project.roles.has(fields.key)) throw apiErrors.alreadyExists('Role already exists');
  const role: ProjectRole = { ...fields, ...store.born() };
  project.roles.set(fields.key, role);
  return role;
}

function projectOf(context: RouteContext): Project {
  const project = context.store.live(context.store.projects, context.param('projectId'));
  if (project === undefined) throw apiErrors.projectNotFound();
  return project;
}

export const projectRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/management/v1/orgs/me',
    permission: 'org.read',
    handle: ({ store }) => {
      const { id, name, primaryDomain, createdAt } = store.org;
      const details = objectDetails(store, { createdAt, changedAt: createdAt, sequence: 1n });
      return { org: { id, details, state: 'ORG_STATE_ACTIVE', name, primaryDomain } };
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects/_search',
    permission: 'project.read',
    handle: ({ store, body }) => {
      const found = search(store.searchable(store.projects), readBody(body, anyBody), {
        nameQuery: textQuery('name', (project) => project.name),
      });
      return listMessage(
        store,
        found.total,
        found.page.map((project) => projectMessage(store, project)),
      );
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects',
    permission: 'project.create',
    handle: ({ store, nextId, body }) => {
      const project = addProject(store, nextId(), readBody(body, projectBody));
      store.count('project.created');
      return { id: project.id, details: objectDetails(store, project) };
    },
  },
  {
    method: 'GET',
    path: '/management/v1/projects/{projectId}',
    permission: 'project.read',
    handle: (context) => ({ project: projectMessage(context.store, projectOf(context)) }),
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/roles',
    permission: 'project.role.write',
    handle: (context) => {
      const { roleKey, displayName, group } = readBody(context.body, roleBody);
      const role = addRole(context.store, projectOf(context), { key: roleKey, displayName, group });
      context.store.count('role.created');
      return { details: objectDetails(context.store, role) };
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/roles/_bulk',
    permission: 'project.role.write',
    handle: (context) => {
      const { roles } = readBody(context.body, rolesBody);
      const project = projectOf(context);
      const keys = new Set(roles.map((role) => role.key));
      if (keys.size < roles.length || roles.some((role) => project.roles.has(role.key))) {
        throw apiErrors.alreadyExists('Role already exists');
      }
      for (const role of roles) {
        addRole(context.store, project, role);
        context.store.count('role.created');
      }
      return { details: objectDetails(context.store, project) };
    },
  },
  {
    method: 'POST',
    path: '/management/v1/projects/{projectId}/roles/_search',
    permission: 'project.role.read',
    handle: (context) => {
      const { store } = context;
      // A project that does not exist has no roles; the real search does not complain either.
      const project = store.live(store.projects, context.param('projectId'));
      const roles = project === undefined ? [] : store.searchable(project.roles);
      const found = search(roles, readBody(context.body, anyBody), {
        keyQuery: textQuery('key', (role) => role.key),
        displayNameQuery: textQuery('displayName', (role) => role.displayName),
      });
      return listMessage(
        store,
        found.total,
        found.page.map((role) => roleMessage(store, role)),
      );
    },
  },
];
