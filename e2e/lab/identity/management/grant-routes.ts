import { z } from 'zod';
import type { Project, Store, UserGrant } from '../store.ts';
import { ApiError, apiErrors } from './api-error.ts';
import { readBody, requiredText } from './gateway-json.ts';
import { grantMessage, listMessage, objectDetails } from './messages.ts';
import type { Route, RouteContext } from './routes.ts';
import { exactQuery, search, textQuery } from './search.ts';

const roleKeys = z.array(requiredText()).max(200).default([]);
const grantBody = z.object({ projectId: requiredText(), roleKeys });
const grantUpdateBody = z.object({ roleKeys });

function requireRoles(project: Project, keys: readonly string[]): void {
  if (keys.some((key) => !project.roles.has(key))) {
    throw new ApiError(9, 'Errors.Project.Role.NotExisting', 'COMMAND-mm9F4');
  }
}

function grantOf(context: RouteContext): UserGrant {
  const grant = context.store.live(context.store.grants, context.param('grantId'));
  if (grant === undefined || grant.userId !== context.param('userId')) throw apiErrors.grantNotFound();
  return grant;
}

function addGrant(context: RouteContext): unknown {
  const { store } = context;
  const asked = readBody(context.body, grantBody);
  const user = store.live(store.users, context.param('userId'));
  if (user === undefined) throw new ApiError(9, 'Errors.User.NotFound', 'COMMAND-4f8sg');
  const project = store.live(store.projects, asked.projectId);
  if (project === undefined) throw new ApiError(9, 'Errors.Project.NotFound', 'COMMAND-3n77S');
  requireRoles(project, asked.roleKeys);
  const same = store.grantsOfUser(user.id).some((grant) => grant.projectId === project.id);
  if (same) throw apiErrors.alreadyExists('User grant already exists');
  const grant: UserGrant = {
    id: context.nextId(),
    userId: user.id,
    projectId: project.id,
    roleKeys: [...new Set(asked.roleKeys)],
    ...store.born(),
  };
  store.grants.set(grant.id, grant);
  store.count('grant.created');
  return { userGrantId: grant.id, details: objectDetails(store, grant) };
}

function sameKeys(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((key) => right.includes(key));
}

function changeGrant(context: RouteContext): unknown {
  const { store } = context;
  const asked = readBody(context.body, grantUpdateBody);
  const grant = grantOf(context);
  const project = store.live(store.projects, grant.projectId);
  if (project === undefined) throw apiErrors.projectNotFound();
  const wanted = [...new Set(asked.roleKeys)];
  if (sameKeys(grant.roleKeys, wanted)) throw apiErrors.noChanges('COMMAND-Rs8fy');
  requireRoles(project, wanted);
  grant.roleKeys = wanted;
  store.touch(grant);
  store.count('grant.changed');
  return { details: objectDetails(store, grant) };
}

function searchGrants(store: Store, body: string): unknown {
  const userName = (grant: UserGrant): string => store.users.get(grant.userId)?.userName ?? '';
  const found = search(store.searchable(store.grants), readBody(body, z.unknown()), {
    userIdQuery: exactQuery('userId', (grant) => grant.userId),
    projectIdQuery: exactQuery('projectId', (grant) => grant.projectId),
    userNameQuery: textQuery('userName', userName),
  });
  return listMessage(
    store,
    found.total,
    found.page.map((grant) => grantMessage(store, grant)),
  );
}

export const grantRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/management/v1/users/{userId}/grants',
    permission: 'user.grant.write',
    handle: addGrant,
  },
  {
    method: 'PUT',
    path: '/management/v1/users/{userId}/grants/{grantId}',
    permission: 'user.grant.write',
    handle: changeGrant,
  },
  {
    method: 'POST',
    path: '/management/v1/users/grants/_search',
    permission: 'user.grant.read',
    handle: ({ store, body }) => searchGrants(store, body),
  },
  {
    method: 'DELETE',
    path: '/management/v1/users/{userId}/grants/{grantId}',
    permission: 'user.grant.delete',
    handle: (context) => {
      const grant = grantOf(context);
      context.store.bury(grant);
      context.store.count('grant.deleted');
      return { details: objectDetails(context.store, grant) };
    },
  },
];
