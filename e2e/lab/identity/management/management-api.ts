import { requirePermission } from '../access.ts';
import { ApiError, apiErrors } from '../api-error.ts';
import { callerOf } from '../authorise.ts';
import type { Exchange, Reply } from '../http-exchange.ts';
import type { Tokens } from '../tokens.ts';
import type { World } from '../world.ts';
import { appRoutes } from './app-routes.ts';
import { gatewayJson } from './gateway-json.ts';
import { grantRoutes } from './grant-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { ownRoutes } from './own-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { matchPath, type Route } from './routes.ts';
import { userRoutes } from './user-routes.ts';

// Fixed words come before `{userId}` so that `/users/grants/_search` is not taken for a user called "grants".
const routes: readonly Route[] = [
  ...ownRoutes,
  ...memberRoutes,
  ...appRoutes,
  ...projectRoutes,
  ...grantRoutes,
  ...keyRoutes,
  ...userRoutes,
];

/** The part of Zitadel's management, auth and admin APIs (v1 gateway) that a station or its set-up uses. */
export class ManagementApi {
  readonly #world: World;
  readonly #tokens: Tokens;
  readonly #present: boolean;

  /** @param present whether this server still has v1; without it every path is unknown */
  constructor(world: World, tokens: Tokens, present: boolean) {
    this.#world = world;
    this.#tokens = tokens;
    this.#present = present;
  }

  owns(path: string): boolean {
    return /^\/(management|auth|admin)\/v1\//.test(path);
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
    if (!this.#present) throw new ApiError(5, 'Not Found');
    if (exchange.path === '/management/v1/healthz' && exchange.method === 'GET') return {};
    const { route, params } = findRoute(exchange);
    const world = this.#world;
    const caller = await callerOf(exchange, world.store, this.#tokens);
    const named = exchange.headers['x-zitadel-orgid'];
    const orgId = typeof named === 'string' && named !== '' ? named : caller.orgId;
    if (world.store.live(world.store.orgs, orgId) === undefined) throw apiErrors.unknownOrganisation();
    if (route.permission !== undefined) {
      // The empty organisation is reached by roles on the instance alone.
      const place = route.scope === 'instance' ? '' : orgId;
      requirePermission(world.store, caller, route.permission, { orgId: place, projectId: params.projectId });
    }
    return route.handle({
      world,
      caller,
      orgId,
      body: exchange.body,
      query: exchange.query,
      param: (name) => {
        const value = params[name];
        if (value === undefined) throw new Error(`route ${route.path} has no part ${name}`);
        return value;
      },
    });
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
