import { mayIn, membershipsIn, type Place } from '../access.ts';
import { ApiError, apiErrors } from '../api-error.ts';
import type { User } from '../model.ts';
import type { Permission } from '../people.ts';
import type { World } from '../world.ts';

/** One call of a v2 method, over Connect or over REST. */
export interface Call {
  readonly world: World;
  readonly caller: User;
  /** The request message, fields from a REST path included. */
  readonly message: unknown;
}

/** Answers the message to send, zero values included. @throws {ApiError} */
export type Method = (call: Call) => unknown;

/**
 * Permission in v2 is judged where the thing is, not in an organisation the caller names.
 * @throws {ApiError} 403, or 404 for a caller without any role there.
 */
export function require({ world: { store }, caller }: Call, permission: Permission, place: Place): void {
  if (mayIn(store, caller, permission, place)) return;
  throw membershipsIn(store, caller, place).length === 0 && membershipsIn(store, caller, caller).length === 0
    ? apiErrors.noMembership()
    : new ApiError(7, 'Errors.PermissionDenied', 'AUTHZ-HKJD33');
}

/** Whether the caller may see things of this kind in this place. */
export function sees({ world: { store }, caller }: Call, permission: Permission, place: Place): boolean {
  return mayIn(store, caller, permission, place);
}
