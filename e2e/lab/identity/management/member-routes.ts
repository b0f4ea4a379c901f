import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import type { Member, MemberScope } from '../model.ts';
import { addMember, changeMember, deleteMember, findMember, sameScope } from '../operations/members.ts';
import type { Permission } from '../people.ts';
import { readBody, requiredText } from './gateway-json.ts';
import { detailsOf, listMessage, memberMessage } from './messages.ts';
import { projectOf } from './project-routes.ts';
import type { Route, RouteContext } from './routes.ts';
import { exactQuery, search } from './search.ts';

const roles = z.array(requiredText()).max(50).default([]);
const memberBody = z.object({ userId: requiredText(), roles });
const rolesBody = z.object({ roles });

interface Place {
  readonly path: string;
  readonly kind: MemberScope['kind'];
  readonly permission: Record<'read' | 'write' | 'delete', Permission>;
  scopeOf(context: RouteContext): MemberScope;
}

const places: readonly Place[] = [
  {
    path: '/management/v1/orgs/me/members',
    kind: 'org',
    permission: { read: 'org.member.read', write: 'org.member.write', delete: 'org.member.delete' },
    scopeOf: ({ orgId }) => ({ kind: 'org', orgId }),
  },
  {
    path: '/management/v1/projects/{projectId}/members',
    kind: 'project',
    permission: {
      read: 'project.member.read',
      write: 'project.member.write',
      delete: 'project.member.delete',
    },
    scopeOf: (context) => ({ kind: 'project', projectId: projectOf(context).id }),
  },
  {
    path: '/admin/v1/members',
    kind: 'instance',
    permission: { read: 'iam.member.read', write: 'iam.member.write', delete: 'iam.member.delete' },
    scopeOf: () => ({ kind: 'instance' }),
  },
];

function memberRoutesOf({ path, kind, permission, scopeOf }: Place): readonly Route[] {
  const memberOf = (context: RouteContext): Member => {
    const member = findMember(context.world, scopeOf(context), context.param('userId'));
    if (member === undefined) throw apiErrors.memberNotFound();
    return member;
  };
  return [
    {
      method: 'POST',
      path: `${path}/_search`,
      scope: kind,
      permission: permission.read,
      handle: (context) => {
        const { store } = context.world;
        const scope = scopeOf(context);
        const here = store.searchable('members', store.members).filter((one) => sameScope(one.scope, scope));
        const found = search(here, readBody(context.body, z.unknown()), {
          userIdQuery: exactQuery('userId', (member) => member.userId),
        });
        return listMessage(
          store,
          found.total,
          found.page.map((member) => memberMessage(store, member)),
        );
      },
    },
    {
      method: 'POST',
      path,
      scope: kind,
      permission: permission.write,
      handle: (context) => {
        const { world, orgId, body } = context;
        const member = addMember(world, { orgId, scope: scopeOf(context), ...readBody(body, memberBody) });
        world.store.count('member.created');
        return { details: detailsOf(member) };
      },
    },
    {
      method: 'PUT',
      path: `${path}/{userId}`,
      scope: kind,
      permission: permission.write,
      handle: (context) => {
        const member = memberOf(context);
        changeMember(context.world, member, readBody(context.body, rolesBody).roles);
        return { details: detailsOf(member) };
      },
    },
    {
      method: 'DELETE',
      path: `${path}/{userId}`,
      scope: kind,
      permission: permission.delete,
      handle: (context) => {
        const member = memberOf(context);
        deleteMember(context.world, member);
        return { details: detailsOf(member) };
      },
    },
  ];
}

/** Manager roles in the organisation, in a project and on the instance. */
export const memberRoutes: readonly Route[] = places.flatMap(memberRoutesOf);
