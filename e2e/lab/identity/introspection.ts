import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import type { Exchange, Reply } from './http-exchange.ts';
import type { App } from './model.ts';
import { oauthError } from './oauth-errors.ts';
import { sameSecret } from './pages/browser-sessions.ts';
import { roleClaims } from './scopes.ts';
import type { Store } from './store.ts';
import type { Tokens } from './tokens.ts';

/**
 * Token introspection. The caller authenticates as an application of a project the token is for, with its secret
 * or with an assertion signed by one of its keys; to any other caller the token is not active.
 */
export async function answerIntrospection(exchange: Exchange, store: Store, tokens: Tokens): Promise<Reply> {
  const form = new URLSearchParams(exchange.body);
  const { authorization } = exchange.headers;
  if (authorization === undefined && !form.has('client_assertion')) {
    return oauthError(400, 'invalid_client', 'client must be authenticated');
  }
  const app = await authenticatedApp(authorization, form, store, tokens);
  if (app === undefined) return oauthError(400, 'unauthorized_client');
  if (!form.has('token')) return oauthError(400, 'invalid_request', 'token missing');
  const token = await tokens.verify(form.get('token') ?? '');
  const user = token === undefined ? undefined : store.live(store.users, token.subject);
  const forCaller = token?.audience.some((one) => one === app.projectId || one === app.clientId) === true;
  if (token === undefined || user === undefined || !forCaller)
    return { status: 200, body: { active: false } };
  const { audience, scopes } = token;
  return {
    status: 200,
    headers: { 'cache-control': 'no-store' },
    body: {
      active: true,
      scope: [...scopes].join(' '),
      client_id: token.clientId,
      token_type: 'Bearer',
      exp: Math.floor(token.expiresAt / 1000),
      iat: Math.floor(token.issuedAt / 1000),
      nbf: Math.floor(token.issuedAt / 1000),
      sub: user.id,
      aud: audience,
      iss: tokens.issuer,
      jti: token.id,
      username: user.loginName,
      ...roleClaims(store, user.id, { scopes, audience, ownProjectId: app.projectId }),
    },
  };
}

async function authenticatedApp(
  authorization: string | undefined,
  form: URLSearchParams,
  store: Store,
  tokens: Tokens,
): Promise<App | undefined> {
  const assertion = form.get('client_assertion');
  if (assertion !== null) return appOfAssertion(assertion, store, tokens);
  const basic = /^Basic\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined) return undefined;
  const pair = Buffer.from(basic, 'base64').toString('utf8').split(':').map(decodeURIComponent);
  const [clientId = '', secret = ''] = pair;
  const app = store.appOfClient(clientId);
  return app?.active === true && app.clientSecret !== undefined && sameSecret(app.clientSecret, secret)
    ? app
    : undefined;
}

async function appOfAssertion(assertion: string, store: Store, tokens: Tokens): Promise<App | undefined> {
  try {
    const key = store.live(store.appKeys, decodeProtectedHeader(assertion).kid ?? '');
    if (key === undefined || key.expiresAt <= tokens.clock.now()) return undefined;
    await jwtVerify(assertion, createPublicKey(key.publicPem), {
      ...{ algorithms: ['RS256'], audience: tokens.issuer, issuer: key.clientId, subject: key.clientId },
      currentDate: new Date(tokens.clock.now()),
    });
    const app = store.live(store.apps, key.appId);
    return app?.active === true ? app : undefined;
  } catch {
    // Whatever is wrong with it, the caller is not who it says.
    return undefined;
  }
}
