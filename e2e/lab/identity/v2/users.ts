import { z } from 'zod';
import { ApiError, apiErrors } from '../api-error.ts';
import { readMessage, requiredText, text } from '../management/gateway-json.ts';
import { listMessage, machineMessage, timestamp } from '../management/messages.ts';
import { exactQuery, search } from '../management/search.ts';
import { userQueries } from '../management/user-routes.ts';
import type { MachineKey, MachineProfile, Pat, User } from '../model.ts';
import { addMachineKey, addPat, expiryOf } from '../operations/keys.ts';
import { addUser, changeMachine, deleteUser, renameUser, setUserActive } from '../operations/users.ts';
import { type Filters, idFilter, list } from './filters.ts';
import { type Call, type Method, require, sees } from './method.ts';

const tokenType = z.enum(['ACCESS_TOKEN_TYPE_BEARER', 'ACCESS_TOKEN_TYPE_JWT']);
const userId = z.object({ userId: requiredText() });
const newUser = z.object({
  organizationId: requiredText(),
  userId: text(),
  username: requiredText(),
  machine: z.object({
    name: requiredText(),
    description: text(500),
    accessTokenType: tokenType.nullish(),
  }),
});
const userChange = userId.extend({
  username: requiredText().nullish(),
  machine: z
    .object({
      name: requiredText().nullish(),
      description: z.string().max(500).nullish(),
      accessTokenType: tokenType.nullish(),
    })
    .nullish(),
});
// Unlike in v1 there is no default: no date is the year 1970, which is over.
const expirationDate = z.iso.datetime({ offset: true }).default('1970-01-01T00:00:00Z');
const newKey = userId.extend({ expirationDate, publicKey: text(20_000) });
const newPat = userId.extend({ expirationDate });
const keyId = userId.extend({ keyId: requiredText() });
const tokenId = userId.extend({ tokenId: requiredText() });

function userOf(call: Call, id: string, errorId: string): User {
  const user = call.world.store.live(call.world.store.users, id);
  if (user === undefined) throw apiErrors.userNotFound(errorId);
  return user;
}

const details = (user: User): object => ({
  sequence: user.sequence,
  changeDate: timestamp(user.changedAt),
  resourceOwner: user.orgId,
  creationDate: timestamp(user.createdAt),
});

/** `userId` and `username` here, where v1 says `id` and `userName`. */
function userMessage(user: User): object {
  const { id, userName, loginName, machine, human, active } = user;
  return {
    userId: id,
    details: details(user),
    state: active ? 'USER_STATE_ACTIVE' : 'USER_STATE_INACTIVE',
    username: userName,
    loginNames: [loginName],
    preferredLoginName: loginName,
    ...(machine === undefined ? {} : { machine: machineMessage(machine) }),
    ...(human === undefined
      ? {}
      : {
          human: {
            userId: id,
            profile: { displayName: human.displayName },
            email: { email: loginName, isVerified: true },
          },
        }),
  };
}

const createUser: Method = (call) => {
  const asked = readMessage(call.message, newUser);
  const orgId = asked.organizationId;
  require(call, 'user.write', { orgId });
  if (call.world.store.live(call.world.store.orgs, orgId) === undefined) {
    throw new ApiError(9, 'Errors.Org.NotFound', 'COMMAND-QXPGs');
  }
  const { name, description, accessTokenType } = asked.machine;
  const user = addUser(call.world, {
    id: asked.userId === '' ? undefined : asked.userId,
    orgId,
    userName: asked.username,
    machine: { name, description, accessTokenType: accessTokenType ?? 'ACCESS_TOKEN_TYPE_BEARER' },
  });
  call.world.store.count('user.created');
  return { id: user.id, creationDate: timestamp(user.createdAt) };
};

const getUser: Method = (call) => {
  const user = userOf(call, readMessage(call.message, userId).userId, 'QUERY-Dfbg2');
  if (user.id !== call.caller.id) require(call, 'user.read', { orgId: user.orgId });
  return { details: details(user), user: userMessage(user) };
};

const listUsers: Method = (call) => {
  const { store } = call.world;
  const visible = store
    .searchable('users', store.users)
    .filter((user) => user.id === call.caller.id || sees(call, 'user.read', { orgId: user.orgId }));
  const kinds = {
    ...userQueries,
    organizationIdQuery: exactQuery('organizationId', (one: User) => one.orgId),
  };
  const found = search(visible, call.message, kinds);
  return listMessage(store, found.total, found.page.map(userMessage));
};

/** Changing nothing is no error here. */
const updateUser: Method = (call) => {
  const { machine, username, ...asked } = readMessage(call.message, userChange);
  const user = userOf(call, asked.userId, 'COMMAND-ugjs0upun6');
  require(call, 'user.write', { orgId: user.orgId });
  if (username != null && username !== user.userName) renameUser(call.world, user, username);
  if (machine != null) {
    const wanted = Object.fromEntries(Object.entries(machine).filter(([, value]) => value != null));
    unlessUnchanged(() => changeMachine(call.world, user, wanted as Partial<MachineProfile>));
  }
  return { changeDate: timestamp(user.changedAt) };
};

/** Does what v1 would refuse as "no changes" without complaint. */
export function unlessUnchanged(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (
      !(error instanceof ApiError) ||
      error.code !== 9 ||
      !/no ?changes|not ?changed/i.test(error.message)
    ) {
      throw error;
    }
  }
}

const removeUser: Method = (call) => {
  const user = userOf(call, readMessage(call.message, userId).userId, 'COMMAND-bd4ir1mblj');
  require(call, 'user.delete', { orgId: user.orgId });
  deleteUser(call.world, user);
  return { details: details(user) };
};

const switchState =
  (active: boolean): Method =>
  (call) => {
    const user = userOf(call, readMessage(call.message, userId).userId, 'COMMAND-ugjs0upun6');
    require(call, 'user.write', { orgId: user.orgId });
    setUserActive(call.world, user, active);
    return { details: details(user) };
  };

const addKey: Method = async (call) => {
  const asked = readMessage(call.message, newKey);
  require(call, 'user.write', { orgId: userOf(call, asked.userId, 'COMMAND-ugjs0upun6').orgId });
  const request = { publicKey: asked.publicKey, expiresAt: expiryOf(asked.expirationDate) };
  const { store } = call.world;
  const { key, file } = await addMachineKey(call.world, request, () => store.live(store.users, asked.userId));
  return { keyId: key.id, keyContent: file, creationDate: timestamp(key.createdAt) };
};

const removeKey: Method = (call) => {
  const asked = readMessage(call.message, keyId);
  const { store } = call.world;
  const key = store.live(store.keys, asked.keyId);
  if (key === undefined || key.userId !== asked.userId) throw apiErrors.userKeyNotFound();
  require(call, 'user.write', { orgId: key.orgId });
  store.bury(key);
  store.count('key.deleted');
  return { deletionDate: timestamp(key.changedAt) };
};

const addPersonalAccessToken: Method = (call) => {
  const asked = readMessage(call.message, newPat);
  const user = userOf(call, asked.userId, 'COMMAND-ugjs0upun6');
  require(call, 'user.write', { orgId: user.orgId });
  if (user.machine === undefined) throw apiErrors.userNotFound('COMMAND-Dggw2');
  const pat = addPat(call.world, user, expiryOf(asked.expirationDate));
  return { tokenId: pat.id, token: pat.token, creationDate: timestamp(pat.createdAt) };
};

const removePersonalAccessToken: Method = (call) => {
  const asked = readMessage(call.message, tokenId);
  const { store } = call.world;
  const pat = store.live(store.pats, asked.tokenId);
  if (pat === undefined || pat.userId !== asked.userId) throw apiErrors.patNotFound();
  require(call, 'user.write', { orgId: pat.orgId });
  store.bury(pat);
  store.count('pat.deleted');
  return { deletionDate: timestamp(pat.changedAt) };
};

const ownedFilters: Filters<MachineKey | Pat> = {
  userIdFilter: idFilter((one) => one.userId),
  organizationIdFilter: idFilter((one) => one.orgId),
};

function listOwned(call: Call, entries: readonly (MachineKey | Pat)[]): object {
  const visible = entries.filter((one) => sees(call, 'user.read', { orgId: one.orgId }));
  const { page, pagination } = list(visible, call.message, ownedFilters);
  const result = page.map((one) => ({
    ...{ id: one.id, userId: one.userId, organizationId: one.orgId },
    ...{ creationDate: timestamp(one.createdAt), changeDate: timestamp(one.changedAt) },
    expirationDate: timestamp(one.expiresAt),
  }));
  return { pagination, result };
}

/** Methods of `zitadel.user.v2.UserService`. */
export const userMethods: Readonly<Record<string, Method>> = {
  CreateUser: createUser,
  GetUserByID: getUser,
  ListUsers: listUsers,
  UpdateUser: updateUser,
  DeleteUser: removeUser,
  DeactivateUser: switchState(false),
  ReactivateUser: switchState(true),
  AddKey: addKey,
  RemoveKey: removeKey,
  ListKeys: (call) => listOwned(call, call.world.store.searchable('keys', call.world.store.keys)),
  AddPersonalAccessToken: addPersonalAccessToken,
  RemovePersonalAccessToken: removePersonalAccessToken,
  ListPersonalAccessTokens: (call) =>
    listOwned(call, call.world.store.searchable('pats', call.world.store.pats)),
};
