import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';

/** The claims of a verified access token that a permission decision needs. */
export interface VerifiedToken {
  readonly subject: string;
  readonly audience: readonly string[];
  /** End of validity, seconds since 1970. */
  readonly expiresAtSeconds: number;
  readonly payload: JWTPayload;
}

export interface AccessTokenVerifier {
  /** @throws {TokenRefusedError} with a sentence that quotes no token. */
  verify(token: string): Promise<VerifiedToken>;
}

/** Why a bearer token was not believed. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError';
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });
const ISSUER_TIMEOUT_MS = 20_000;
const CLOCK_TOLERANCE_SECONDS = 5;

async function discoverKeySet(issuer: string): Promise<ReturnType<typeof createRemoteJWKSet>> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(ISSUER_TIMEOUT_MS) });
  const discovered = discoverySchema.parse(await response.json());
  if (discovered.issuer !== issuer) throw new Error(`the issuer calls itself ${discovered.issuer}`);
  // An unknown key id is looked up again, but forged ids cannot make us ask more than once a second.
  return createRemoteJWKSet(new URL(discovered.jwks_uri), {
    timeoutDuration: ISSUER_TIMEOUT_MS,
    cooldownDuration: 1000,
  });
}

function refusalOf(error: unknown): TokenRefusedError {
  if (error instanceof errors.JWTExpired) return new TokenRefusedError('the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenRefusedError(`the claim ${error.claim} of the token is not right`);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return new TokenRefusedError('the token was not signed by the issuer');
  }
  if (error instanceof errors.JOSEError)
    return new TokenRefusedError(`the token is not a usable JWT (${error.code})`);
  return new TokenRefusedError(
    `the issuer cannot be asked: ${error instanceof Error ? error.message : 'unknown'}`,
  );
}

/**
 * Verifies access tokens in JWT form against the keys the issuer publishes: signature, issuer, expiry,
 * not-before. The issuer is discovered at the first token and asked again after a failure, so the order in
 * which the lab's parts start does not matter.
 */
export function createAccessTokenVerifier(issuer: string): AccessTokenVerifier {
  let keySet: ReturnType<typeof discoverKeySet> | undefined;
  const discovered = (): ReturnType<typeof discoverKeySet> => {
    keySet ??= discoverKeySet(issuer).catch((error: unknown) => {
      keySet = undefined;
      throw error;
    });
    return keySet;
  };
  return {
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, await discovered(), {
          issuer,
          algorithms: ['RS256', 'ES256'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          requiredClaims: ['sub', 'aud', 'exp'],
        });
        const { sub: subject = '', aud = [], exp: expiresAtSeconds = 0 } = payload;
        return { subject, audience: typeof aud === 'string' ? [aud] : aud, expiresAtSeconds, payload };
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}

const OWN_PROJECT_ROLES = 'urn:zitadel:iam:org:project:roles';
const anyProjectRoles = /^urn:zitadel:iam:org:project:[^:]+:roles$/;

/**
 * The role keys a token carries for one project. Zitadel puts them into an object keyed by role. The claim
 * without a project id speaks of the client's own project, so it counts only where no claim names a project.
 */
export function projectRoles(payload: JWTPayload, projectId: string): readonly string[] {
  const named = Object.keys(payload).some((claim) => anyProjectRoles.test(claim));
  const claim = named ? `urn:zitadel:iam:org:project:${projectId}:roles` : OWN_PROJECT_ROLES;
  const roles = payload[claim];
  return typeof roles === 'object' && roles !== null && !Array.isArray(roles) ? Object.keys(roles) : [];
}
