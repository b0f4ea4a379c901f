import { mayIn, type Place, requirePermission } from '../access.ts';
import { apiErrors } from '../api-error.ts';
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
  requirePermission(store, caller, permission, place, apiErrors.noPermissionThere);
}

/** What a call has found out about its caller: a search asks the same of every entry, and nothing changes within it. */
const answers = new WeakMap<Call, Map<string, boolean>>();

/** Whether the caller may see things of this kind in this place. */
export function sees(call: Call, permission: Permission, place: Place): boolean {
  const known = answers.get(call) ?? new Map<string, boolean>();
  answers.set(call, known);
  const question = `${permission} ${place.orgId} ${place.projectId ?? ''}`;
  const answer = known.get(question) ?? mayIn(call.world.store, call.caller, permission, place);
  known.set(question, answer);
  return answer;
}
