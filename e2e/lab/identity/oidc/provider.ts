/// <reference path="./provider-class.d.ts" />
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
// Not the package's front door: that prints "Unsupported runtime" on every start under Node 20 and under Electron.
// The tests of this folder run it under Node 20, the Station's end-to-end tests under Electron.
import { Provider } from 'oidc-provider/lib/provider.js';
import { type Exchange, replayRequest } from '../http-exchange.ts';
import { jwtBearerGrantType } from '../jwt-bearer.ts';
import type { LabIdentity } from '../lab-identity-file.ts';
import type { App } from '../model.ts';
import { asZitadelError, isOauthErrorBody } from '../oauth-errors.ts';
import type { LabIdentitySettings } from '../options.ts';
import { knownScopes } from '../scopes.ts';
import type { Store } from '../store.ts';
import type { Tokens } from '../tokens.ts';
import { claimsOfUser, userClaims } from '../user-claims.ts';
import { activeOidcApp, clientAdapter, deviceCodeGrantType } from './clients.ts';
import { withZitadelIdToken } from './id-token.ts';
import { type MemoryControl, memoryAdapter } from './memory-adapter.ts';

/** The one resource every access token is for; without a resource oidc-provider gives opaque tokens. */
export const labResource = 'urn:muster-lab:zitadel';

const idleRefreshSeconds = 30 * 24 * 3600;

/** oidc-provider set up to look like Zitadel: its paths, lifetimes, token claims and error bodies. */
export class OidcProvider {
  readonly provider: Provider;
  /** What tests may do to codes and refresh tokens that are out. */
  readonly control: MemoryControl;
  readonly #handle: ReturnType<Provider['callback']>;

  constructor(settings: LabIdentitySettings, identity: LabIdentity, store: Store, tokens: Tokens) {
    const memory = memoryAdapter((grantId) => tokens.revokeGrant(grantId));
    const clients = clientAdapter(store);
    const adapter = (model: string) => (model === 'Client' ? clients : memory.adapterOf(model));
    this.control = memory.control;
    const configuration = { ...configure(settings, identity, store, tokens), adapter };
    this.provider = new Provider(tokens.issuer, configuration);
    this.provider.use(async (ctx, next) => {
      await next();
      await finishLikeZitadel(ctx as KoaContextWithOIDC, settings, store, tokens);
    });
    this.#handle = this.provider.callback();
  }

  handle(exchange: Exchange, response: ServerResponse): Promise<void> {
    return this.#handle(replayRequest(exchange), response);
  }
}

function configure(
  settings: LabIdentitySettings,
  identity: LabIdentity,
  store: Store,
  tokens: Tokens,
): Configuration {
  return {
    jwks: { keys: [identity.signingJwk] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    clientBasedCORS: () => false,
    findAccount: (_ctx, id) => {
      const user = store.live(store.users, id);
      return user?.active === true ? { accountId: id, claims: async () => ({ sub: id }) } : undefined;
    },
    routes: {
      authorization: '/oauth/v2/authorize',
      token: '/oauth/v2/token',
      device_authorization: '/oauth/v2/device_authorization',
      code_verification: '/device',
      revocation: '/oauth/v2/revoke',
      jwks: '/oauth/v2/keys',
    },
    ttl: {
      AccessToken: settings.accessTokenLifetimeSeconds,
      IdToken: settings.accessTokenLifetimeSeconds,
      DeviceCode: settings.deviceCodeLifetimeSeconds,
      RefreshToken: idleRefreshSeconds,
      Grant: 90 * 24 * 3600,
      Interaction: 3600,
      Session: idleRefreshSeconds,
    },
    // Zitadel's device codes are 22 characters; 22 x 6 bits.
    formats: {
      bitsOfOpaqueRandomness: (_ctx, token) =>
        (token as { kind?: string }).kind === 'DeviceCode' ? 132 : 256,
      customizers: {
        jwt: (_ctx, token, parts) => shapeAccessToken(token as IssuedByProvider, parts, store, tokens),
      },
    },
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****' },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => labResource,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, _resource, client) => ({
          scope: knownScopes(scopeInHand(ctx)).join(' '),
          audience: labResource,
          accessTokenFormat: store.appOfClient(client.clientId)?.oidc?.tokenType === 'JWT' ? 'jwt' : 'opaque',
          accessTokenTTL: settings.accessTokenLifetimeSeconds,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
}

/** The scopes of the code or refresh token being redeemed, else those of the request. */
function scopeInHand(ctx: KoaContextWithOIDC): string | undefined {
  const { DeviceCode: code, RefreshToken: refresh } = ctx.oidc.entities;
  const asked = ctx.oidc.params?.scope;
  return code?.scope ?? refresh?.scope ?? (typeof asked === 'string' ? asked : undefined);
}

interface IssuedByProvider {
  readonly jti: string;
  readonly accountId: string;
  readonly grantId?: string;
  readonly clientId?: string;
  readonly scopes: ReadonlySet<string>;
}

/** Gives the JWT access token Zitadel's claims and no others, and remembers it. */
function shapeAccessToken(
  token: IssuedByProvider,
  parts: { header?: Record<string, unknown> | undefined; payload: Record<string, unknown> },
  store: Store,
  tokens: Tokens,
): void {
  const { iss, sub, jti } = parts.payload;
  const app = activeOidcApp(store, token.clientId ?? '');
  if (app === undefined) return;
  const claims = tokens.claimsFor(app, token.accountId, token.scopes, 'access');
  const shift = tokens.clock.offsetSeconds;
  const [iat, exp] = [Number(parts.payload.iat) + shift, Number(parts.payload.exp) + shift];
  parts.header = { typ: 'JWT' };
  parts.payload = { iss, sub, exp, iat, nbf: iat, jti, client_id: token.clientId, ...claims };
  rememberAccessToken(token, token.jti, { app, audience: claims.aud, iat, exp }, tokens);
}

interface Issue {
  readonly app: App;
  readonly audience: readonly string[];
  /** Seconds since the epoch, on the provider's clock. */
  readonly iat: number;
  readonly exp: number;
}

function rememberAccessToken(token: IssuedByProvider, id: string, issue: Issue, tokens: Tokens): void {
  tokens.remember({
    ...{ id, subject: token.accountId, audience: issue.audience, scopes: token.scopes, personal: false },
    ...{ issuedAt: issue.iat * 1000, expiresAt: issue.exp * 1000, clientId: issue.app.clientId },
    ...(token.grantId === undefined ? {} : { grantId: token.grantId }),
  });
}

/** Rewrites what oidc-provider answered where Zitadel's answer differs. */
async function finishLikeZitadel(
  ctx: KoaContextWithOIDC,
  settings: LabIdentitySettings,
  store: Store,
  tokens: Tokens,
): Promise<void> {
  const body: unknown = ctx.body;
  if (typeof body !== 'object' || body === null) return;
  if (isOauthErrorBody(body)) {
    const grantType = ctx.path === '/oauth/v2/token' ? ctx.oidc.body?.grant_type : undefined;
    const reply = asZitadelError(
      typeof grantType === 'string' ? grantType : undefined,
      ctx.status,
      body,
      settings.deadRefreshToken,
    );
    ctx.status = reply.status;
    ctx.body = reply.body;
    ctx.remove('www-authenticate');
  } else if (ctx.path === '/.well-known/openid-configuration') {
    ctx.body = discoveryLikeZitadel(body, tokens.issuer);
  } else if (ctx.path === '/oauth/v2/device_authorization') {
    ctx.body = { ...underIssuer(body, tokens.issuer), interval: settings.pollIntervalSeconds };
  } else if (ctx.path === '/oauth/v2/token') {
    ctx.body = await finishTokens(ctx, body, store, tokens);
  }
}

/** The token answer with the id_token as Zitadel writes it, and an opaque access token remembered. */
async function finishTokens(
  ctx: KoaContextWithOIDC,
  body: object,
  store: Store,
  tokens: Tokens,
): Promise<object> {
  const token = ctx.oidc.entities.AccessToken as (IssuedByProvider & { exp: number }) | undefined;
  const app = activeOidcApp(store, ctx.oidc.client?.clientId ?? '');
  if (token === undefined || app === undefined) return body;
  if (app.oidc?.tokenType !== 'JWT') {
    const { aud: audience } = tokens.claimsFor(app, token.accountId, token.scopes, 'access');
    const iat = Math.floor(tokens.clock.now() / 1000);
    const exp = token.exp + tokens.clock.offsetSeconds;
    rememberAccessToken(token, token.jti, { app, audience, iat, exp }, tokens);
  }
  const user = store.users.get(token.accountId);
  const profile =
    app.oidc?.idTokenUserinfoAssertion === true && user !== undefined ? claimsOfUser(user, token.scopes) : {};
  const extra = { ...profile, ...tokens.claimsFor(app, token.accountId, token.scopes, 'id') };
  return withZitadelIdToken(body, extra, tokens);
}

/** Addresses under the issuer, whatever name or scheme the request came in by. */
function underIssuer(message: object, issuer: string): object {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]: [string, unknown]) => {
      if (name === 'issuer' || typeof value !== 'string' || !/^https?:\/\//.test(value)) return [name, value];
      const { pathname, search } = new URL(value);
      return [name, `${issuer}${pathname}${search}`];
    }),
  );
}

function discoveryLikeZitadel(metadata: object, issuer: string): object {
  return {
    ...underIssuer(metadata, issuer),
    grant_types_supported: ['refresh_token', jwtBearerGrantType, deviceCodeGrantType],
    response_types_supported: ['code'],
    introspection_endpoint: `${issuer}/oauth/v2/introspect`,
    userinfo_endpoint: `${issuer}/oidc/v1/userinfo`,
    end_session_endpoint: `${issuer}/oidc/v1/end_session`,
    token_endpoint_auth_methods_supported: [
      'none',
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'auth_time', 'amr', 'azp', ...userClaims],
    ui_locales_supported: ['en'],
  };
}
