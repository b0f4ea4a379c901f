import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import type { User } from '../model.ts';
import {
  addUser,
  changeMachine,
  deleteUser,
  findUser,
  renameUser,
  setUserActive,
} from '../operations/users.ts';
import { readBody, requiredText, text } from './gateway-json.ts';
import { detailsOf, listMessage, userMessage } from './messages.ts';
import type { Route, RouteContext } from './routes.ts';
import { type QueryKind, search, textQuery } from './search.ts';

const accessTokenType = z
  .enum(['ACCESS_TOKEN_TYPE_BEARER', 'ACCESS_TOKEN_TYPE_JWT'])
  .nullish()
  .transform((value) => value ?? 'ACCESS_TOKEN_TYPE_BEARER');
const machineBody = z.object({
  userId: text(),
  userName: requiredText(),
  name: requiredText(),
  description: text(500),
  accessTokenType,
});
const machineUpdateBody = z.object({ name: requiredText(), description: text(500), accessTokenType });

const idList = z.object({ userIds: z.array(z.string()).max(1000).default([]) });
const userType = z.object({ type: z.enum(['TYPE_HUMAN', 'TYPE_MACHINE']) });

/** Queries that both generations of the user search share. */
export const userQueries: Readonly<Record<string, QueryKind<User>>> = {
  userNameQuery: textQuery('userName', (user) => user.userName),
  loginNameQuery: textQuery('loginName', (user) => user.loginName),
  typeQuery: {
    schema: userType.transform(
      ({ type }) =>
        (user: User) =>
          (type === 'TYPE_MACHINE') === (user.machine !== undefined),
    ),
  },
  inUserIdsQuery: {
    schema: idList.transform(
      ({ userIds }) =>
        (user: User) =>
          userIds.includes(user.id),
    ),
  },
};

function userOf(context: RouteContext, errorId: string): User {
  const user = findUser(context.world, context.orgId, context.param('userId'));
  if (user === undefined) throw apiErrors.userNotFound(errorId);
  return user;
}

const switchState =
  (active: boolean): Route['handle'] =>
  (context) => {
    const user = userOf(context, 'COMMAND-5M0od');
    setUserActive(context.world, user, active);
    return { details: detailsOf(user) };
  };

export const userRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/management/v1/users/_search',
    permission: 'user.read',
    handle: ({ world: { store }, orgId, body }) => {
      const users = store.searchable('users', store.users).filter((user) => user.orgId === orgId);
      const found = search(users, readBody(body, z.unknown()), userQueries);
      return listMessage(store, found.total, found.page.map(userMessage));
    },
  },
  {
    method: 'POST',
    path: '/management/v1/users/machine',
    permission: 'user.write',
    handle: ({ world, orgId, body }) => {
      const { userId, userName, ...machine } = readBody(body, machineBody);
      const user = addUser(world, { id: userId === '' ? undefined : userId, orgId, userName, machine });
      world.store.count('user.created');
      return { userId: user.id, details: detailsOf(user) };
    },
  },
  {
    method: 'GET',
    path: '/management/v1/users/{userId}',
    permission: 'user.read',
    handle: (context) => ({ user: userMessage(userOf(context, 'QUERY-Dfbg2')) }),
  },
  {
    method: 'PUT',
    path: '/management/v1/users/{userId}/machine',
    permission: 'user.write',
    handle: (context) => {
      const asked = readBody(context.body, machineUpdateBody);
      const user = userOf(context, 'COMMAND-5M0od');
      changeMachine(context.world, user, asked);
      return { details: detailsOf(user) };
    },
  },
  {
    method: 'PUT',
    path: '/management/v1/users/{userId}/username',
    permission: 'user.write',
    handle: (context) => {
      const asked = readBody(context.body, z.object({ userName: requiredText() }));
      const user = userOf(context, 'COMMAND-5N9ds');
      renameUser(context.world, user, asked.userName);
      return { details: detailsOf(user) };
    },
  },
  {
    method: 'POST',
    path: '/management/v1/users/{userId}/_deactivate',
    permission: 'user.write',
    handle: switchState(false),
  },
  {
    method: 'POST',
    path: '/management/v1/users/{userId}/_reactivate',
    permission: 'user.write',
    handle: switchState(true),
  },
  {
    method: 'DELETE',
    path: '/management/v1/users/{userId}',
    permission: 'user.delete',
    handle: (context) => {
      const user = userOf(context, 'COMMAND-5M0od');
      deleteUser(context.world, user);
      return { details: detailsOf(user) };
    },
  },
];
