import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import type { UserGrant } from '../model.ts';
import { addGrant, changeGrant, deleteGrant, findGrant } from '../operations/grants.ts';
import { readBody, requiredText } from './gateway-json.ts';
import { detailsOf, grantMessage, listMessage } from './messages.ts';
import type { Route, RouteContext } from './routes.ts';
import { exactQuery, search, textQuery } from './search.ts';

const roleKeys = z.array(requiredText()).max(200).default([]);
const grantBody = z.object({ projectId: requiredText(), roleKeys });
const grantUpdateBody = z.object({ roleKeys });

function grantOf(context: RouteContext): UserGrant {
  const grant = findGrant(context.world, context.orgId, context.param('grantId'));
  if (grant === undefined || grant.userId !== context.param('userId')) throw apiErrors.grantNotFound();
  return grant;
}

function searchGrants({ world: { store }, orgId, body }: RouteContext): unknown {
  const userName = (grant: UserGrant): string => store.users.get(grant.userId)?.userName ?? '';
  const grants = store.searchable('grants', store.grants).filter((grant) => grant.orgId === orgId);
  const found = search(grants, readBody(body, z.unknown()), {
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
    path: '/management/v1/users/grants/_search',
    permission: 'user.grant.read',
    handle: searchGrants,
  },
  {
    method: 'POST',
    path: '/management/v1/users/{userId}/grants',
    permission: 'user.grant.write',
    handle: (context) => {
      const { world, orgId, body } = context;
      const asked = { orgId, userId: context.param('userId'), ...readBody(body, grantBody) };
      const grant = addGrant(world, asked);
      return { userGrantId: grant.id, details: detailsOf(grant) };
    },
  },
  {
    method: 'GET',
    path: '/management/v1/users/{userId}/grants/{grantId}',
    permission: 'user.grant.read',
    handle: (context) => ({ userGrant: grantMessage(context.world.store, grantOf(context)) }),
  },
  {
    method: 'PUT',
    path: '/management/v1/users/{userId}/grants/{grantId}',
    permission: 'user.grant.write',
    handle: (context) => {
      const asked = readBody(context.body, grantUpdateBody);
      const grant = grantOf(context);
      changeGrant(context.world, grant, asked.roleKeys);
      return { details: detailsOf(grant) };
    },
  },
  {
    method: 'DELETE',
    path: '/management/v1/users/{userId}/grants/{grantId}',
    permission: 'user.grant.delete',
    handle: (context) => {
      const grant = grantOf(context);
      deleteGrant(context.world, grant);
      return { details: detailsOf(grant) };
    },
  },
];
