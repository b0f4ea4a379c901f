import type { Exchange, Reply } from '../http-exchange.ts';
import { type Permission, permissionsOfRole } from '../people.ts';
import type { RsaKeyPool } from '../rsa-keys.ts';
import type { Store, User } from '../store.ts';
import type { Tokens } from '../tokens.ts';
import { ApiError, apiErrors } from './api-error.ts';
import { gatewayJson } from './gateway-json.ts';
import { grantRoutes } from './grant-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { ownRoutes } from './own-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { matchPath, type Route } from './routes.ts';
import { userRoutes } from './user-routes.ts';

// Fixed words come before `{userId}` so that `/users/grants/_search` is not taken for a user called "grants".
const routes: readonly Route[] = [
  ...ownRoutes,
  ...projectRoutes,
  ...grantRoutes,
  ...keyRoutes,
  ...userRoutes,
];

export interface ManagementParts {
  readonly store: Store;
  readonly tokens: Tokens;
  readonly keyPool: RsaKeyPool;
  readonly nextId: () => string;
}

/** The part of Zitadel's management and auth APIs (v1 gateway) that a station uses. */
export class ManagementApi {
  readonly #parts: ManagementParts;

  constructor(parts: ManagementParts) {
    this.#parts = parts;
  }

  owns(path: string): boolean {
    return path.startsWith('/management/v1/') || path.startsWith('/auth/v1/');
  }

  async answer(exchange: Exchange): Promise<Reply> {
    try {
      return { status: 200, body: gatewayJson(await this.#perform(exchange)) };
    } catch (error) {
      if (error instanceof ApiError) return error.toReply();
      throw error;
    }
  }

  async #perform(exchange: Exchange): Promise<unknown> {
    if (exchange.path === '/management/v1/healthz' && exchange.method === 'GET') return {};
    const { route, params } = findRoute(exchange);
    const caller = await this.#authorise(exchange, route.permission);
    const { store, keyPool, nextId } = this.#parts;
    return route.handle({
      store,
      keyPool,
      nextId,
      caller,
      body: exchange.body,
      param: (name) => {
        const value = params[name];
        if (value === undefined) throw new Error(`route ${route.path} has no part ${name}`);
        return value;
      },
    });
  }

  /** Token, audience, membership, organisation, permission: refused in the order in which Zitadel looks. */
  async #authorise(exchange: Exchange, permission: Permission | undefined): Promise<User> {
    const { store, tokens } = this.#parts;
    const header = exchange.headers.authorization;
    if (header === undefined) throw apiErrors.missingToken();
    const bearer = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
    const token = bearer === undefined ? undefined : await tokens.verify(bearer);
    const caller = token === undefined ? undefined : store.live(store.users, token.subject);
    if (token === undefined || caller === undefined) throw apiErrors.badToken();
    if (!token.personal && !token.audience.includes(tokens.zitadelProjectId)) throw apiErrors.badAudience();
    const orgId = exchange.headers['x-zitadel-orgid'];
    if (orgId !== undefined && orgId !== '' && orgId !== store.org.id) throw apiErrors.unknownOrganisation();
    if (permission === undefined) return caller;
    if (caller.managerRole === undefined) throw apiErrors.noMembership();
    const held: readonly Permission[] = permissionsOfRole[caller.managerRole];
    if (!held.includes(permission)) throw apiErrors.noPermission();
    return caller;
  }
}

function findRoute(exchange: Exchange): { route: Route; params: Readonly<Record<string, string>> } {
  let pathKnown = false;
  for (const route of routes) {
    const params = matchPath(route, exchange.path);
    if (params === undefined) continue;
    if (route.method === exchange.method) return { route, params };
    pathKnown = true;
  }
  throw pathKnown ? new ApiError(12, 'Method Not Allowed') : new ApiError(5, 'Not Found');
}
