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
const assertedSchema = z.object({ iss: z.string(), sub: z.string(), iat: z.number(), exp: z.number() });

/**
 * Token request of a machine user with a self-signed assertion.
 * As with Zitadel, whatever is wrong with the assertion itself comes back as a 500 that says nothing;
 * only a user who does not exist is a 400.
 */
export async function answerJwtBearer(world: World, tokens: Tokens, form: URLSearchParams): Promise<Reply> {
  const { store } = world;
  const parsed = formSchema.safeParse(Object.fromEntries(form));
  if (!parsed.success) return oauthError(400, 'invalid_request', 'assertion missing');
  const { assertion, scope } = parsed.data;
  const userId = unverifiedIssuer(assertion);
  if (userId === undefined) return internalError();
  const user = store.live(store.users, userId);
  if (user?.machine === undefined || !user.active)
    return oauthError(400, 'invalid_request', 'Errors.User.NotFound');
  const key = await verifyingKey(world, tokens, assertion, userId);
  if (key === undefined) return internalError();
  key.lastUsedAt = Date.now();
  const scopes = knownScopes(scope);
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

function unverifiedIssuer(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).iss;
  } catch {
    return undefined;
  }
}

/** The live key that signed the assertion, or undefined when anything about the assertion is wrong. */
async function verifyingKey(
  { store, quirks }: World,
  { issuer, clock }: Tokens,
  assertion: string,
  userId: string,
): Promise<MachineKey | undefined> {
  try {
    const { kid } = decodeProtectedHeader(assertion);
    const key = kid === undefined ? undefined : store.live(store.keys, kid);
    const now = clock.now();
    if (key === undefined || key.userId !== userId || key.expiresAt <= now) return undefined;
    if (key.origin === 'registered' && quirks.registeredKeysCannotLogIn) return undefined;
    const { payload } = await jwtVerify(assertion, createPublicKey(key.publicPem), {
      algorithms: ['RS256'],
      audience: issuer,
      currentDate: new Date(now),
    });
    const asserted = assertedSchema.parse(payload);
    const nowSeconds = now / 1000;
    const inTime =
      asserted.exp > nowSeconds + clockOffsetSeconds &&
      asserted.iat <= nowSeconds + clockOffsetSeconds &&
      asserted.iat >= nowSeconds - maxIssuedAgeSeconds;
    return inTime && asserted.sub === userId ? key : undefined;
  } catch {
    // Zitadel maps every flaw of an assertion to the same answer; so does the caller of this function.
    return undefined;
  }
}
