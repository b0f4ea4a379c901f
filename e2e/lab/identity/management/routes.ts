import type { MemberScope, User } from '../model.ts';
import type { Permission } from '../people.ts';
import type { World } from '../world.ts';

export interface RouteContext {
  readonly world: World;
  /** Who calls. */
  readonly caller: User;
  /** The organisation the call is about: the `x-zitadel-orgid` header, else the caller's own. */
  readonly orgId: string;
  readonly body: string;
  readonly query: URLSearchParams;
  /** The `{name}` parts of the path. @throws when the route has no such part. */
  param(name: string): string;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with `{name}` parts, below the origin. A part called `projectId` is where permissions are looked up. */
  readonly path: string;
  /** Manager permission needed; undefined asks only for a valid token. */
  readonly permission: Permission | undefined;
  /** Where the permission must hold; the organisation of the call unless said otherwise. */
  readonly scope?: MemberScope['kind'];
  /** Answers the message to send, zero values included. @throws {ApiError} */
  handle(context: RouteContext): unknown;
}

const patterns = new WeakMap<object, RegExp>();

/** The path's parameters when it matches the route. */
export function matchPath(
  route: { readonly path: string },
  path: string,
): Readonly<Record<string, string>> | undefined {
  let pattern = patterns.get(route);
  if (pattern === undefined) {
    pattern = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    patterns.set(route, pattern);
  }
  const match = pattern.exec(path);
  return match === null ? undefined : (match.groups ?? {});
}
