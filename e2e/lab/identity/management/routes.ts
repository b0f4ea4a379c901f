import type { Permission } from '../people.ts';
import type { RsaKeyPool } from '../rsa-keys.ts';
import type { Store, User } from '../store.ts';

export interface RouteContext {
  readonly store: Store;
  readonly keyPool: RsaKeyPool;
  readonly nextId: () => string;
  /** Who calls. */
  readonly caller: User;
  readonly body: string;
  /** The `{name}` parts of the path. @throws when the route has no such part. */
  param(name: string): string;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with `{name}` parts, below the origin. */
  readonly path: string;
  /** Manager permission needed; undefined asks only for a valid token. */
  readonly permission: Permission | undefined;
  /** Answers the message to send, zero values included. @throws {ApiError} */
  handle(context: RouteContext): unknown;
}

const patterns = new WeakMap<Route, RegExp>();

/** The path's parameters when it matches the route. */
export function matchPath(route: Route, path: string): Readonly<Record<string, string>> | undefined {
  let pattern = patterns.get(route);
  if (pattern === undefined) {
    pattern = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    patterns.set(route, pattern);
  }
  const match = pattern.exec(path);
  return match === null ? undefined : (match.groups ?? {});
}
