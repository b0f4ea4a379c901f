import { z } from 'zod';
import type { Store, User } from '../store.ts';
import { ApiError, apiErrors } from './api-error.ts';
import { readBody, requiredText, text } from './gateway-json.ts';
import { listMessage, objectDetails, userMessage } from './messages.ts';
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

const userQueries: Readonly<Record<string, QueryKind<User>>> = {
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

/** Adds a user; also used for the lab's own people. @throws {ApiError} 409 when the name is taken. */
export function addUser(
  store: Store,
  fields: Pick<User, 'id' | 'userName' | 'loginName' | 'managerRole'> &
    Partial<Pick<User, 'machine' | 'human'>>,
): User {
  if (store.findLive(store.users, (one) => one.userName === fields.userName) !== undefined) {
    throw apiErrors.alreadyExists('User already exists');
  }
  const user: User = { ...fields, ...store.born() };
  store.users.set(user.id, user);
  return user;
}

function userOf(context: RouteContext, errorId: string): User {
  const user = context.store.live(context.store.users, context.param('userId'));
  if (user === undefined) throw apiErrors.userNotFound(errorId);
  return user;
}

export const userRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/management/v1/users/_search',
    permission: 'user.read',
    handle: ({ store, body }) => {
      const found = search(store.searchable(store.users), readBody(body, z.unknown()), userQueries);
      return listMessage(
        store,
        found.total,
        found.page.map((user) => userMessage(store, user)),
      );
    },
  },
  {
    method: 'GET',
    path: '/management/v1/users/{userId}',
    permission: 'user.read',
    handle: (context) => ({ user: userMessage(context.store, userOf(context, 'QUERY-Dfbg2')) }),
  },
  {
    method: 'POST',
    path: '/management/v1/users/machine',
    permission: 'user.write',
    handle: ({ store, nextId, body }) => {
      const asked = readBody(body, machineBody);
      if (asked.userId !== '' && store.users.has(asked.userId)) {
        // An explicit id that is taken is a failed precondition, not a conflict.
        throw new ApiError(9, 'Errors.User.AlreadyExisting', 'COMMAND-k2una');
      }
      const user = addUser(store, {
        id: asked.userId === '' ? nextId() : asked.userId,
        userName: asked.userName,
        loginName: `${asked.userName}@${store.org.primaryDomain}`,
        managerRole: undefined,
        machine: { name: asked.name, description: asked.description, accessTokenType: asked.accessTokenType },
      });
      store.count('user.created');
      return { userId: user.id, details: objectDetails(store, user) };
    },
  },
  {
    method: 'PUT',
    path: '/management/v1/users/{userId}/machine',
    permission: 'user.write',
    handle: (context) => {
      const asked = readBody(context.body, machineUpdateBody);
      const user = userOf(context, 'COMMAND-5M0od');
      const machine = user.machine;
      if (machine === undefined) throw apiErrors.userNotFound('COMMAND-5M0od');
      const same =
        machine.name === asked.name &&
        machine.description === asked.description &&
        machine.accessTokenType === asked.accessTokenType;
      if (same) throw apiErrors.noChanges('COMMAND-2n8vs');
      Object.assign(machine, asked);
      context.store.touch(user);
      context.store.count('user.changed');
      return { details: objectDetails(context.store, user) };
    },
  },
  {
    method: 'DELETE',
    path: '/management/v1/users/{userId}',
    permission: 'user.delete',
    handle: (context) => {
      const user = userOf(context, 'COMMAND-5M0od');
      context.store.buryUser(user);
      context.store.count('user.deleted');
      return { details: objectDetails(context.store, user) };
    },
  },
];
