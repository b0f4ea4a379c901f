import { printable } from '../../model/printable.ts';
import { ownEndpoints } from './administration-endpoints.ts';
import { CallFailure, type CallFailureKind } from './call-failure.ts';
import type { Endpoint } from './endpoints.ts';
import type { ZitadelCaller } from './zitadel-caller.ts';

const LONGEST_NAME = 200;

/** Undefined where the call failed in one of the ways that are expected. */
async function attempt<Reply>(
  caller: ZitadelCaller,
  endpoint: Endpoint<object, Reply>,
  expected: readonly CallFailureKind[],
  signal: AbortSignal,
): Promise<Reply | undefined> {
  const outcome = await caller.call(endpoint, {}, { signal, expected });
  return outcome instanceof CallFailure ? undefined : outcome;
}

/** Login name of the account whose token is used; undefined where the provider does not tell. */
export async function ownAccount(caller: ZitadelCaller, signal: AbortSignal): Promise<string | undefined> {
  // The name is for the person who looks: a server that does not tell it is no reason to stop.
  const silent = ['not-found', 'not-served', 'not-allowed', 'other'] as const;
  const me = await attempt(caller, ownEndpoints.account, silent, signal);
  const claims = me === undefined ? await attempt(caller, ownEndpoints.claims, silent, signal) : undefined;
  const names = [me?.user.preferredLoginName, me?.user.userName, claims?.preferred_username, claims?.sub];
  const name = names.find((one) => one !== undefined && one !== '');
  return name === undefined ? undefined : printable(name).slice(0, LONGEST_NAME);
}

/** What the account may not do of all that is needed; empty where nothing is missing or nobody can tell. */
export async function missingRights(
  caller: ZitadelCaller,
  needed: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const rights = await attempt(caller, ownEndpoints.permissions, ['not-found', 'not-served'], signal);
  return rights === undefined ? [] : needed.filter((right) => !rights.result.includes(right));
}
