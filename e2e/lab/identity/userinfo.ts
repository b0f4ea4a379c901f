import type { Exchange, Reply } from './http-exchange.ts';
import { oauthError } from './oauth-errors.ts';
import { organisationClaims, roleClaims } from './scopes.ts';
import type { Store } from './store.ts';
import type { Tokens } from './tokens.ts';
import { claimsOfUser } from './user-claims.ts';

/** The userinfo endpoint. Served here because oidc-provider's own takes opaque tokens only. */
export async function answerUserinfo(exchange: Exchange, store: Store, tokens: Tokens): Promise<Reply> {
  const bearer = /^Bearer\s+(\S+)$/i.exec(exchange.headers.authorization ?? '')?.[1];
  if (bearer === undefined) return oauthError(401, 'invalid_request', 'access token missing');
  const token = await tokens.verify(bearer);
  const user = token === undefined ? undefined : store.live(store.users, token.subject);
  if (token === undefined || user === undefined)
    return oauthError(401, 'access_denied', 'access token invalid');
  const { scopes, audience } = token;
  const ownProjectId = store.appOfClient(token.clientId)?.projectId;
  const roles = {
    ...organisationClaims(store, user.id, scopes),
    ...roleClaims(store, user.id, { scopes, audience, ownProjectId }),
  };
  return {
    status: 200,
    headers: { 'cache-control': 'no-store' },
    body: { ...claimsOfUser(user, scopes), ...roles },
  };
}
