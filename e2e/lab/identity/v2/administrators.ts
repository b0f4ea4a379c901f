import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import { readMessage, requiredText, text } from '../management/gateway-json.ts';
import { timestamp } from '../management/messages.ts';
import { exactQuery, search, textQuery } from '../management/search.ts';
import type { Member, MemberScope, Organisation } from '../model.ts';
import {
  addMember,
  addOrganisation,
  changeMember,
  deleteMember,
  findMember,
  sameScope,
} from '../operations/members.ts';
import type { Permission } from '../people.ts';
import type { Store } from '../store.ts';
import { type Filters, idsFilter, list } from './filters.ts';
import { type Call, type Method, require, sees } from './method.ts';
import { unlessUnchanged } from './users.ts';

const resource = z
  .union([
    z.object({ instance: z.literal(true) }).transform((): MemberScope => ({ kind: 'instance' })),
    z
      .object({ organizationId: requiredText() })
      .transform(({ organizationId: orgId }): MemberScope => ({ kind: 'org', orgId })),
    z
      .object({ projectId: requiredText() })
      .transform(({ projectId }): MemberScope => ({ kind: 'project', projectId })),
  ])
  .describe('where the roles count');
const roles = z.array(requiredText()).max(50).default([]);
const member = z.object({ userId: requiredText(), resource });
const memberRoles = member.extend({ roles });

/** The organisation a scope lies in; the empty one is reached by roles on the instance alone. */
function placeOf(store: Store, scope: MemberScope): { orgId: string; projectId?: string } {
  if (scope.kind === 'org') return { orgId: scope.orgId };
  if (scope.kind === 'instance') return { orgId: '' };
  return { orgId: store.projects.get(scope.projectId)?.orgId ?? '', projectId: scope.projectId };
}

function permissionFor(scope: MemberScope, act: 'read' | 'write' | 'delete'): Permission {
  return `${scope.kind === 'instance' ? 'iam' : scope.kind}.member.${act}`;
}

function requireFor(call: Call, scope: MemberScope, act: 'write' | 'delete'): void {
  require(call, permissionFor(scope, act), placeOf(call.world.store, scope));
}

function memberMessage(store: Store, { scope, ...one }: Member): object {
  const user = store.users.get(one.userId);
  const project = scope.kind === 'project' ? store.projects.get(scope.projectId) : undefined;
  return {
    creationDate: timestamp(one.createdAt),
    changeDate: timestamp(one.changedAt),
    user: {
      id: one.userId,
      preferredLoginName: user?.loginName,
      displayName: user?.machine?.name ?? user?.human?.displayName,
      organizationId: user?.orgId,
    },
    ...(scope.kind === 'instance' ? { instance: true } : {}),
    ...(scope.kind === 'org'
      ? { organization: { id: scope.orgId, name: store.orgs.get(scope.orgId)?.name } }
      : {}),
    ...(project === undefined
      ? {}
      : { project: { id: project.id, name: project.name, organizationId: project.orgId } }),
    roles: one.roles,
  };
}

const filters: Filters<Member> = {
  inUserIdsFilter: idsFilter((one) => one.userId),
  resource: resource.transform((scope) => (one: Member) => sameScope(one.scope, scope)),
  role: z.object({ roleKey: requiredText() }).transform(
    ({ roleKey }) =>
      (one: Member) =>
        one.roles.includes(roleKey),
  ),
};

/** Methods of `zitadel.internal_permission.v2.InternalPermissionService`: what v1 calls members. */
export const administratorMethods: Readonly<Record<string, Method>> = {
  CreateAdministrator: (call) => {
    const { userId, resource: scope, roles: keys } = readMessage(call.message, memberRoles);
    requireFor(call, scope, 'write');
    const { orgId } = placeOf(call.world.store, scope);
    const added = addMember(call.world, { orgId, scope, userId, roles: keys });
    call.world.store.count('member.created');
    return { creationDate: timestamp(added.createdAt) };
  },
  UpdateAdministrator: (call) => {
    const { userId, resource: scope, roles: keys } = readMessage(call.message, memberRoles);
    requireFor(call, scope, 'write');
    const found = findMember(call.world, scope, userId);
    if (found === undefined) throw apiErrors.memberNotFound();
    unlessUnchanged(() => changeMember(call.world, found, keys));
    return { changeDate: timestamp(found.changedAt) };
  },
  DeleteAdministrator: (call) => {
    const { userId, resource: scope } = readMessage(call.message, member);
    requireFor(call, scope, 'delete');
    const found = findMember(call.world, scope, userId);
    if (found === undefined) return {};
    deleteMember(call.world, found);
    return { deletionDate: timestamp(found.changedAt) };
  },
  ListAdministrators: (call) => {
    const { store } = call.world;
    const visible = store
      .searchable('members', store.members)
      .filter(
        ({ userId, scope }) =>
          userId === call.caller.id || sees(call, permissionFor(scope, 'read'), placeOf(store, scope)),
      );
    const { page, pagination } = list(visible, call.message, filters);
    return { pagination, administrators: page.map((one) => memberMessage(store, one)) };
  },
};

function orgMessage(org: Organisation): object {
  const details = {
    ...{ sequence: org.sequence, changeDate: timestamp(org.changedAt), resourceOwner: org.id },
    creationDate: timestamp(org.createdAt),
  };
  return {
    id: org.id,
    details,
    state: 'ORGANIZATION_STATE_ACTIVE',
    name: org.name,
    primaryDomain: org.primaryDomain,
  };
}

const orgQueries = {
  nameQuery: textQuery('name', (org: Organisation) => org.name),
  domainQuery: textQuery('domain', (org: Organisation) => org.primaryDomain),
  idQuery: exactQuery('id', (org: Organisation) => org.id),
};

/** Methods of `zitadel.org.v2.OrganizationService`. */
export const organizationMethods: Readonly<Record<string, Method>> = {
  AddOrganization: (call) => {
    const { name, organizationId } = readMessage(
      call.message,
      z.object({ name: requiredText(), organizationId: text() }),
    );
    require(call, 'org.create', { orgId: '' });
    const org = addOrganisation(call.world, organizationId === '' ? { name } : { name, id: organizationId });
    call.world.store.count('org.created');
    return {
      organizationId: org.id,
      details: { changeDate: timestamp(org.changedAt), resourceOwner: org.id },
    };
  },
  ListOrganizations: (call) => {
    const { store } = call.world;
    const visible = store
      .searchable('orgs', store.orgs)
      .filter(({ id }) => sees(call, 'org.read', { orgId: id }));
    const found = search(visible, call.message, orgQueries);
    return { details: { totalResult: BigInt(found.total) }, result: found.page.map(orgMessage) };
  },
};
