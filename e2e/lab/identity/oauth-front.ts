import type { Exchange, Reply } from './http-exchange.ts';
import { answerIntrospection } from './introspection.ts';
import { answerJwtBearer, jwtBearerGrantType } from './jwt-bearer.ts';
import { oauthError } from './oauth-errors.ts';
import { activeOidcApp, deviceCodeGrantType, isKnownGrant, mayUseGrant } from './oidc/clients.ts';
import type { DeviceRequests } from './oidc/device-requests.ts';
import { looksLikeJwt, type Tokens } from './tokens.ts';
import type { World } from './world.ts';

/** The OAuth requests that oidc-provider cannot take, or answers differently from Zitadel. */
export class OauthFront {
  readonly #world: World;
  readonly #tokens: Tokens;
  readonly #requests: DeviceRequests;

  constructor(world: World, tokens: Tokens, requests: DeviceRequests) {
    this.#world = world;
    this.#tokens = tokens;
    this.#requests = requests;
  }

  /** The answer, or undefined to leave the request to oidc-provider. */
  async answer(exchange: Exchange): Promise<Reply | undefined> {
    if (exchange.method !== 'POST') return undefined;
    const form = new URLSearchParams(exchange.body);
    switch (exchange.path) {
      case '/oauth/v2/token':
        return this.#token(form);
      case '/oauth/v2/revoke':
        return this.#revoke(form);
      case '/oauth/v2/introspect':
        return answerIntrospection(exchange, this.#world.store, this.#tokens);
      default:
        return undefined;
    }
  }

  async #token(form: URLSearchParams): Promise<Reply | undefined> {
    const grantType = form.get('grant_type') ?? '';
    if (grantType === '') return oauthError(400, 'invalid_request', 'grant_type missing');
    if (grantType === jwtBearerGrantType) return answerJwtBearer(this.#world, this.#tokens, form);
    if (!isKnownGrant(grantType)) {
      return oauthError(400, 'unsupported_grant_type', `${grantType} not supported`);
    }
    const clientId = form.get('client_id') ?? '';
    const app = activeOidcApp(this.#world.store, clientId);
    if (app === undefined) return undefined;
    if (!mayUseGrant(app, grantType)) {
      return oauthError(400, 'unauthorized_client', `grant_type "${grantType}" not allowed`);
    }
    if (grantType === 'refresh_token' && !form.get('refresh_token')) {
      return oauthError(400, 'invalid_request', 'refresh_token missing');
    }
    if (grantType !== deviceCodeGrantType) return undefined;
    const deviceCode = form.get('device_code') ?? '';
    if (deviceCode === '') return oauthError(400, 'invalid_request', 'device_code missing');
    const owner = await this.#requests.clientOf(deviceCode);
    return owner === undefined || owner === clientId ? undefined : oauthError(400, 'invalid_client');
  }

  /** Access tokens, JWT or opaque; what is not one of them may be a refresh token, which oidc-provider knows. */
  async #revoke(form: URLSearchParams): Promise<Reply | undefined> {
    const clientId = form.get('client_id') ?? '';
    if (activeOidcApp(this.#world.store, clientId) === undefined) return undefined;
    const token = form.get('token') ?? '';
    switch (await this.#tokens.revoke(token, clientId)) {
      case 'revoked':
        return { status: 200 };
      case 'of another client':
        return oauthError(400, 'invalid_request', 'token was not issued for this client');
      case 'unknown':
        // An access token that has ended already is no reason to complain; oidc-provider would.
        return looksLikeJwt(token) ? { status: 200 } : undefined;
    }
  }
}
