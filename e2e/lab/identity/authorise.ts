import { apiErrors } from './api-error.ts';
import type { Exchange } from './http-exchange.ts';
import type { User } from './model.ts';
import type { Store } from './store.ts';
import type { Tokens } from './tokens.ts';

/** Whose token this is. Token before audience, as Zitadel looks. @throws {ApiError} 401 */
export async function callerOf(exchange: Exchange, store: Store, tokens: Tokens): Promise<User> {
  const header = exchange.headers.authorization;
  if (header === undefined) throw apiErrors.missingToken();
  const bearer = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
  const token = bearer === undefined ? undefined : await tokens.verify(bearer);
  const caller = token === undefined ? undefined : store.live(store.users, token.subject);
  if (token === undefined || caller === undefined || !caller.active) throw apiErrors.badToken();
  if (!token.personal && !token.audience.includes(tokens.zitadelProjectId)) throw apiErrors.badAudience();
  return caller;
}
