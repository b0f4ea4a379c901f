import { ApiError } from '../api-error.ts';
import { callerOf } from '../authorise.ts';
import type { Exchange, Reply } from '../http-exchange.ts';
import { gatewayJson } from '../management/gateway-json.ts';
import { matchPath } from '../management/routes.ts';
import type { Tokens } from '../tokens.ts';
import type { World } from '../world.ts';
import { administratorMethods, organizationMethods } from './administrators.ts';
import { applicationMethods } from './applications.ts';
import { authorizationMethods } from './authorizations.ts';
import { connectError } from './connect-error.ts';
import type { Method } from './method.ts';
import { projectMethods } from './projects.ts';
import { userMethods } from './users.ts';

/** Services that a server has had since User v2. */
const olderServices: Readonly<Record<string, Readonly<Record<string, Method>>>> = {
  'zitadel.user.v2.UserService': userMethods,
  'zitadel.org.v2.OrganizationService': organizationMethods,
};
/** Services that came as v2 during v4; they have no REST paths at all. */
const newerServices: typeof olderServices = {
  'zitadel.project.v2.ProjectService': projectMethods,
  'zitadel.application.v2.ApplicationService': applicationMethods,
  'zitadel.authorization.v2.AuthorizationService': authorizationMethods,
  'zitadel.internal_permission.v2.InternalPermissionService': administratorMethods,
};

interface Binding {
  readonly verb: string;
  readonly path: string;
  readonly methods: Readonly<Record<string, Method>>;
  readonly name: string;
}

const bindings: readonly Binding[] = [
  ['POST', '/v2/users/new', 'CreateUser'],
  ['POST', '/v2/users', 'ListUsers'],
  ['POST', '/v2/users/keys/search', 'ListKeys'],
  ['POST', '/v2/users/pats/search', 'ListPersonalAccessTokens'],
  ['GET', '/v2/users/{userId}', 'GetUserByID'],
  ['PATCH', '/v2/users/{userId}', 'UpdateUser'],
  ['DELETE', '/v2/users/{userId}', 'DeleteUser'],
  ['POST', '/v2/users/{userId}/deactivate', 'DeactivateUser'],
  ['POST', '/v2/users/{userId}/reactivate', 'ReactivateUser'],
  ['POST', '/v2/users/{userId}/keys', 'AddKey'],
  ['DELETE', '/v2/users/{userId}/keys/{keyId}', 'RemoveKey'],
  ['POST', '/v2/users/{userId}/pats', 'AddPersonalAccessToken'],
  ['DELETE', '/v2/users/{userId}/pats/{tokenId}', 'RemovePersonalAccessToken'],
]
  .map(([verb = '', path = '', name = '']) => ({ verb, path, name, methods: userMethods }))
  .concat([
    { verb: 'POST', path: '/v2/organizations', name: 'AddOrganization', methods: organizationMethods },
    {
      verb: 'POST',
      path: '/v2/organizations/_search',
      name: 'ListOrganizations',
      methods: organizationMethods,
    },
  ]);

/** The second generation of the API: REST for users and organisations, Connect for everything. */
export class V2Api {
  readonly #world: World;
  readonly #tokens: Tokens;
  readonly #services: typeof olderServices;

  /** @param generation what the server has; `undefined` is a server without any v2 */
  constructor(world: World, tokens: Tokens, generation: 'v2' | 'v2-users-only' | undefined) {
    this.#world = world;
    this.#tokens = tokens;
    this.#services = {
      ...(generation === undefined ? {} : olderServices),
      ...(generation === 'v2' ? newerServices : {}),
    };
  }

  owns(path: string): boolean {
    return path.startsWith('/v2/') || path.startsWith('/zitadel.');
  }

  answer(exchange: Exchange): Promise<Reply> {
    return exchange.path.startsWith('/v2/') ? this.#rest(exchange) : this.#connect(exchange);
  }

  async #connect(exchange: Exchange): Promise<Reply> {
    const [, service = '', name = ''] = exchange.path.split('/');
    const methods = this.#services[service];
    const method = methods !== undefined && Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined) return { status: 404, body: '404 page not found\n' };
    if (exchange.method !== 'POST') return { status: 405, headers: { allow: 'POST' } };
    if (!/^application\/json\b/.test(exchange.headers['content-type'] ?? '')) {
      return { status: 415, headers: { 'accept-post': 'application/json, application/proto' } };
    }
    try {
      return { status: 200, body: await this.#call(exchange, method, {}) };
    } catch (error) {
      if (error instanceof ApiError) return connectError(error);
      throw error;
    }
  }

  async #rest(exchange: Exchange): Promise<Reply> {
    try {
      const { method, params } = this.#bound(exchange);
      return { status: 200, body: await this.#call(exchange, method, params) };
    } catch (error) {
      if (error instanceof ApiError) return error.toReply();
      throw error;
    }
  }

  #bound(exchange: Exchange): { method: Method; params: Readonly<Record<string, string>> } {
    let pathKnown = false;
    for (const binding of Object.keys(this.#services).length === 0 ? [] : bindings) {
      const params = matchPath(binding, exchange.path);
      const method = binding.methods[binding.name];
      if (params === undefined || method === undefined) continue;
      if (binding.verb === exchange.method) return { method, params };
      pathKnown = true;
    }
    throw pathKnown ? new ApiError(12, 'Method Not Allowed') : new ApiError(5, 'Not Found');
  }

  async #call(
    exchange: Exchange,
    method: Method,
    params: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const caller = await callerOf(exchange, this.#world.store, this.#tokens);
    const message = { ...readJson(exchange.body), ...params };
    return gatewayJson(await method({ world: this.#world, caller, message }));
  }
}

function readJson(text: string): object {
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Refused below like every other text that is not an object.
  }
  throw new ApiError(3, 'unmarshal message: proto: syntax error');
}
