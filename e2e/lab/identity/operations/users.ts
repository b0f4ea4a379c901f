import { ApiError, apiErrors } from '../api-error.ts';
import type { HumanProfile, MachineProfile, User } from '../model.ts';
import type { World } from '../world.ts';

export interface NewUser {
  readonly id?: string | undefined;
  readonly orgId: string;
  readonly userName: string;
  readonly machine?: MachineProfile;
  readonly human?: HumanProfile;
}

/** By default a user name counts once per instance, whatever organisation the caller can see. */
function nameTaken(world: World, orgId: string, userName: string): boolean {
  const { store, quirks } = world;
  const lower = userName.toLowerCase();
  const taken = store.findLive(
    store.users,
    (one) => one.userName.toLowerCase() === lower && (!quirks.userLoginMustBeDomain || one.orgId === orgId),
  );
  return taken !== undefined;
}

function loginNameOf(world: World, orgId: string, userName: string): string {
  const domain = world.store.orgs.get(orgId)?.primaryDomain ?? '';
  return world.quirks.userLoginMustBeDomain ? `${userName}@${domain}` : userName;
}

/** @throws {ApiError} 409 when the name is taken, 400 (failed precondition) when an explicit id is. */
export function addUser(world: World, asked: NewUser): User {
  const { store } = world;
  const { id, machine, human, orgId, userName } = asked;
  if (id !== undefined && store.users.has(id)) {
    // An explicit id that is taken is a failed precondition, not a conflict.
    throw new ApiError(9, 'Errors.User.AlreadyExisting', 'COMMAND-k2una');
  }
  if (nameTaken(world, orgId, userName)) throw apiErrors.alreadyExists('User already exists');
  const user: User = {
    id: id ?? world.nextId(),
    orgId,
    userName,
    loginName: loginNameOf(world, orgId, userName),
    active: true,
    ...(machine === undefined ? {} : { machine }),
    ...(human === undefined ? {} : { human }),
    ...store.born(),
  };
  store.users.set(user.id, user);
  return user;
}

/** The live user with this id in the organisation, or anywhere when none is given. */
export function findUser(world: World, orgId: string | undefined, id: string): User | undefined {
  const user = world.store.live(world.store.users, id);
  return orgId === undefined || user?.orgId === orgId ? user : undefined;
}

/** Changes name, description and token type together. @throws {ApiError} 400, code 9, when nothing differs. */
export function changeMachine(world: World, user: User, wanted: Partial<MachineProfile>): void {
  const { machine } = user;
  if (machine === undefined) throw apiErrors.userNotFound('COMMAND-5M0od');
  const next = { ...machine, ...wanted };
  const same =
    machine.name === next.name &&
    machine.description === next.description &&
    machine.accessTokenType === next.accessTokenType;
  if (same) throw apiErrors.noChanges('COMMAND-2n8vs');
  world.store.change(user, { machine: next });
  world.store.count('user.changed');
}

/** @throws {ApiError} 409 when the new name is taken, 400 when it is the old one. */
export function renameUser(world: World, user: User, userName: string): void {
  if (user.userName === userName) throw apiErrors.noChanges('COMMAND-6m9gs');
  if (user.userName.toLowerCase() !== userName.toLowerCase() && nameTaken(world, user.orgId, userName)) {
    throw apiErrors.alreadyExists('User already exists');
  }
  world.store.change(user, { userName, loginName: loginNameOf(world, user.orgId, userName) });
  world.store.count('user.changed');
}

/** Deletes a user with its keys, tokens, grants and memberships. */
export function deleteUser(world: World, user: User): void {
  const { store } = world;
  store.bury(user);
  for (const collection of [store.keys, store.pats, store.grants, store.members]) {
    for (const one of collection.values()) {
      if (one.userId === user.id && one.deletedAt === undefined) store.bury(one);
    }
  }
  store.count('user.deleted');
}

/** @throws {ApiError} 400 when the user is in that state already. */
export function setUserActive(world: World, user: User, active: boolean): void {
  if (user.active === active) {
    throw active
      ? new ApiError(9, 'Errors.User.NotInactive', 'COMMAND-6M0sf')
      : new ApiError(9, 'Errors.User.AlreadyInactive', 'COMMAND-5M0sf');
  }
  world.store.change(user, { active });
  world.store.count(active ? 'user.reactivated' : 'user.deactivated');
}
