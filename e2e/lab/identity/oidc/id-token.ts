import { decodeJwt, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { Tokens } from '../tokens.ts';

const withIdToken = z.looseObject({ id_token: z.string() });

/**
 * The token answer with an id_token as Zitadel writes it: every audience of the project, `azp`, `client_id`,
 * `auth_time`, `amr`, and role claims when they were asked for. Answers without an id_token pass unchanged.
 */
export async function withZitadelIdToken(body: object, extra: JWTPayload, tokens: Tokens): Promise<object> {
  const answer = withIdToken.safeParse(body);
  if (!answer.success) return body;
  const { aud: clientId, ...claims } = decodeJwt(answer.data.id_token);
  const azp = typeof clientId === 'string' ? clientId : clientId?.[0];
  const shift = tokens.clock.offsetSeconds;
  const idToken = await tokens.sign({
    ...claims,
    iat: (claims.iat ?? 0) + shift,
    exp: (claims.exp ?? 0) + shift,
    amr: ['pwd'],
    auth_time: claims.auth_time ?? claims.iat,
    azp,
    client_id: azp,
    ...extra,
  });
  return { ...answer.data, id_token: idToken };
}
