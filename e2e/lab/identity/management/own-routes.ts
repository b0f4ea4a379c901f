import { z } from 'zod';
import { permissionsIn } from '../access.ts';
import { apiErrors } from '../api-error.ts';
import type { Organisation } from '../model.ts';
import { addMember, addOrganisation } from '../operations/members.ts';
import { readBody, requiredText } from './gateway-json.ts';
import { listMessage, objectDetails, userMessage } from './messages.ts';
import type { Route } from './routes.ts';
import { search, textQuery } from './search.ts';

function orgMessage(org: Organisation): object {
  const { id, name, primaryDomain } = org;
  return { id, details: objectDetails(org, id), state: 'ORG_STATE_ACTIVE', name, primaryDomain };
}

const orgQueries = {
  nameQuery: textQuery('name', (org: Organisation) => org.name),
  domainQuery: textQuery('domain', (org: Organisation) => org.primaryDomain),
};

/** What callers may ask about themselves, and organisations. */
export const ownRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/auth/v1/users/me',
    permission: undefined,
    handle: ({ caller }) => ({ user: userMessage(caller) }),
  },
  {
    method: 'POST',
    path: '/auth/v1/permissions/zitadel/me/_search',
    permission: undefined,
    handle: ({ world, caller, orgId }) => ({ result: permissionsIn(world.store, caller, { orgId }) }),
  },
  {
    method: 'GET',
    path: '/management/v1/orgs/me',
    permission: 'org.read',
    handle: ({ world, orgId }) => {
      const org = world.store.live(world.store.orgs, orgId);
      if (org === undefined) throw apiErrors.organisationNotFound();
      return { org: orgMessage(org) };
    },
  },
  {
    method: 'POST',
    path: '/management/v1/orgs',
    permission: 'org.create',
    scope: 'instance',
    handle: ({ world, caller, body }) => {
      const org = addOrganisation(world, readBody(body, z.object({ name: requiredText() })));
      const scope = { kind: 'org', orgId: org.id } as const;
      addMember(world, { orgId: org.id, scope, userId: caller.id, roles: ['ORG_OWNER'] });
      world.store.count('org.created');
      return { id: org.id, details: objectDetails(org, org.id) };
    },
  },
  {
    method: 'POST',
    path: '/admin/v1/orgs/_search',
    permission: 'iam.read',
    scope: 'instance',
    handle: ({ world: { store }, body }) => {
      const found = search(store.searchable('orgs', store.orgs), readBody(body, z.unknown()), orgQueries);
      return listMessage(store, found.total, found.page.map(orgMessage));
    },
  },
];
