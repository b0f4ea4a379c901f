import { createPublicKey } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Reply } from './http-exchange.ts';
import type { MachineKey } from './model.ts';
import { oauthError } from './oauth-errors.ts';
import { knownScopes } from './scopes.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

export const jwtBearerGrantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const clockOffsetSeconds = 1;
const maxIssuedAgeSeconds = 3600;

const formSchema = z.object({ assertion: z.string().min(1), scope: z.string().default('') });
const assertedSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  iat: z.number(),
  exp: z.number(),
});

/**
 * Token request of a machine user with a self-signed assertion. Claims are judged first, then the user, then the key.
 * As with Zitadel, whatever is wrong with the assertion itself comes back as a 500 that says nothing;
 * only a user who does not exist is a 404.
 */
export async function answerJwtBearer(world: World, tokens: Tokens, form: URLSearchParams): Promise<Reply> {
  const { store } = world;
  const parsed = formSchema.safeParse(Object.fromEntries(form));
  if (!parsed.success) return oauthError(400, 'invalid_request', 'assertion missing');
  const { assertion, scope } = parsed.data;
  const userId = assertedUser(assertion, tokens);
  if (userId === undefined) return internalError();
  const user = store.live(store.users, userId);
  if (user?.machine === undefined || !user.active) {
    return oauthError(404, 'invalid_request', 'Errors.User.NotFound');
  }
  const key = await verifyingKey(world, tokens, assertion, userId);
  if (key === undefined) return internalError();
  const scopes = knownScopes(scope);
  if (scopes.length === 0) return oauthError(400, 'invalid_request', 'The scope of your request is missing.');
  key.lastUsedAt = Date.now();
  const issued = await tokens.issueForMachine(user, scopes);
  return {
    status: 200,
    headers: { 'cache-control': 'no-store', pragma: 'no-cache' },
    body: {
      access_token: issued.accessToken,
      token_type: 'Bearer',
      expires_in: issued.expiresInSeconds,
      ...(issued.idToken === undefined ? {} : { id_token: issued.idToken }),
    },
  };
}

function internalError(): Reply {
  return oauthError(500, 'server_error', 'Errors.Internal');
}

/** Who the assertion is about, when its claims are acceptable at this time; its signature is not looked at yet. */
function assertedUser(assertion: string, { issuer, clock }: Tokens): string | undefined {
  try {
    const { iss, sub, aud, iat, exp } = assertedSchema.parse(decodeJwt(assertion));
    const now = clock.now() / 1000;
    const inTime =
      exp > now + clockOffsetSeconds && iat <= now + clockOffsetSeconds && iat >= now - maxIssuedAgeSeconds;
    return inTime && iss === sub && [aud].flat().includes(issuer) ? sub : undefined;
  } catch {
    // No JWT, or one without these claims.
    return undefined;
  }
}

/** The live key of this user that signed the assertion, or undefined when none did. */
async function verifyingKey(
  { store, quirks }: World,
  { clock }: Tokens,
  assertion: string,
  userId: string,
): Promise<MachineKey | undefined> {
  try {
    const { kid } = decodeProtectedHeader(assertion);
    const key = kid === undefined ? undefined : store.live(store.keys, kid);
    const now = clock.now();
    if (key === undefined || key.userId !== userId || key.expiresAt <= now) return undefined;
    if (key.origin === 'registered' && quirks.registeredKeysCannotLogIn) return undefined;
    const currentDate = new Date(now);
    await jwtVerify(assertion, createPublicKey(key.publicPem), { algorithms: ['RS256'], currentDate });
    return key;
  } catch {
    // Zitadel maps every flaw of an assertion to the same answer; so does the caller of this function.
    return undefined;
  }
}
