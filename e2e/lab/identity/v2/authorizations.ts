import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import { readMessage, requiredText } from '../management/gateway-json.ts';
import { timestamp } from '../management/messages.ts';
import type { UserGrant } from '../model.ts';
import { addGrant, changeGrant, deleteGrant, findGrant } from '../operations/grants.ts';
import type { Store } from '../store.ts';
import { type Filters, idFilter, idsFilter, list, textFilter } from './filters.ts';
import { type Method, require, sees } from './method.ts';
import { unlessUnchanged } from './users.ts';

const roleKeys = z.array(requiredText()).max(200).default([]);
const newGrant = z.object({
  userId: requiredText(),
  projectId: requiredText(),
  organizationId: requiredText(),
  roleKeys,
});
const grantId = z.object({ id: requiredText() });
const grantChange = grantId.extend({ roleKeys });

function grantMessage(store: Store, grant: UserGrant): object {
  const user = store.users.get(grant.userId);
  const project = store.projects.get(grant.projectId);
  return {
    id: grant.id,
    creationDate: timestamp(grant.createdAt),
    changeDate: timestamp(grant.changedAt),
    project: { id: grant.projectId, name: project?.name, organizationId: project?.orgId },
    organization: { id: grant.orgId, name: store.orgs.get(grant.orgId)?.name },
    user: {
      id: grant.userId,
      preferredLoginName: user?.loginName,
      displayName: user?.machine?.name ?? user?.human?.displayName,
      organizationId: user?.orgId,
    },
    state: 'STATE_ACTIVE',
    roles: grant.roleKeys.map((key) => {
      const role = project?.roles.get(key);
      return { key, displayName: role?.displayName, group: role?.group };
    }),
  };
}

function grantFilters(store: Store): Filters<UserGrant> {
  const roleKey = z.object({ key: z.string() }).transform(
    ({ key }) =>
      (grant: UserGrant) =>
        grant.roleKeys.includes(key),
  );
  return {
    authorizationIds: idsFilter((grant) => grant.id),
    organizationId: idFilter((grant) => grant.orgId),
    userId: idFilter((grant) => grant.userId),
    inUserIds: idsFilter((grant) => grant.userId),
    userOrganizationId: idFilter((grant) => store.users.get(grant.userId)?.orgId ?? ''),
    userPreferredLoginName: textFilter(
      'loginName',
      (grant) => store.users.get(grant.userId)?.loginName ?? '',
    ),
    projectId: idFilter((grant) => grant.projectId),
    projectName: textFilter('name', (grant) => store.projects.get(grant.projectId)?.name ?? ''),
    roleKey,
    state: z.object({ state: z.enum(['STATE_ACTIVE', 'STATE_INACTIVE']) }).transform(
      ({ state }) =>
        () =>
          state === 'STATE_ACTIVE',
    ),
  };
}

const placeOf = ({ orgId, projectId }: UserGrant) => ({ orgId, projectId });

/** Methods of `zitadel.authorization.v2.AuthorizationService`: what v1 calls user grants. */
export const authorizationMethods: Readonly<Record<string, Method>> = {
  CreateAuthorization: (call) => {
    const { organizationId: orgId, ...asked } = readMessage(call.message, newGrant);
    require(call, 'user.grant.write', { orgId, projectId: asked.projectId });
    const grant = addGrant(call.world, { orgId, ...asked });
    return { id: grant.id, creationDate: timestamp(grant.createdAt) };
  },
  UpdateAuthorization: (call) => {
    const asked = readMessage(call.message, grantChange);
    const grant = findGrant(call.world, undefined, asked.id);
    if (grant === undefined) throw apiErrors.grantNotFound();
    require(call, 'user.grant.write', placeOf(grant));
    unlessUnchanged(() => changeGrant(call.world, grant, asked.roleKeys));
    return { changeDate: timestamp(grant.changedAt) };
  },
  DeleteAuthorization: (call) => {
    const grant = findGrant(call.world, undefined, readMessage(call.message, grantId).id);
    if (grant === undefined) return {};
    require(call, 'user.grant.delete', placeOf(grant));
    deleteGrant(call.world, grant);
    return { deletionDate: timestamp(grant.changedAt) };
  },
  ListAuthorizations: (call) => {
    const { store } = call.world;
    const visible = store
      .searchable('grants', store.grants)
      .filter((grant) => grant.userId === call.caller.id || sees(call, 'user.grant.read', placeOf(grant)));
    const { page, pagination } = list(visible, call.message, grantFilters(store));
    return { pagination, authorizations: page.map((grant) => grantMessage(store, grant)) };
  },
};
