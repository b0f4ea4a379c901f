import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { z } from 'zod';
import type { Clock, LoginChallenge, LoginProof, MintedKey, RegisteredKey } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Profile } from '../../model/profile.ts';
import type { HttpClient } from '../http/http.ts';
import { findHttpFailure } from '../http/http-failure.ts';
import { identityFailure } from '../http/identity-failure.ts';
import { discoverProvider } from '../oidc/discovery.ts';
import { privateKeyPem } from './machine-key.ts';
import { once } from './once.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/**
 * The provider lets an assertion be an hour old and a second early. A station whose clock is up to two minutes ahead is
 * let sign in; it must not take its own keys for refused ones.
 */
const ISSUED_BEFORE_SECONDS = 180;
const VALID_FOR_SECONDS = 10 * 60;
/** A key that was just registered is found only when the provider's projections have caught up. */
const WAITS_MS = [150, 300, 600, 1200, 2400];

/** Too many requests, and a proxy that finds no provider behind it. */
const BUSY = new Set([429, 502, 503, 504]);

const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/**
 * Header and payload of an assertion by which a machine user logs in with one of its keys (RFC 7523; the provider asks
 * for its issuer as audience), as the text that is signed.
 */
export function loginAssertion(userId: string, keyId: string, issuer: string, nowMs: number): string {
  const issuedAt = Math.floor(nowMs / 1000) - ISSUED_BEFORE_SECONDS;
  const header = { alg: 'RS256', typ: 'JWT', kid: keyId };
  const payload = { iss: userId, sub: userId, aud: issuer, iat: issuedAt, exp: issuedAt + VALID_FOR_SECONDS };
  return `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
}

const tokenReply = z.object({ expires_in: z.number().positive() });

function lifeOfToken(text: string): number | undefined {
  try {
    return tokenReply.parse(JSON.parse(text)).expires_in * 1000;
  } catch {
    // It logged in all the same; how long for is not known.
    return undefined;
  }
}

/** Whether a signature (base64) was made with the private half of this key. A key that is none verifies nothing. */
function isSignedWith(publicKeyPem: string, { signingInput }: LoginChallenge, signature: string): boolean {
  try {
    const bytes = Buffer.from(signature, 'base64');
    return verify('sha256', Buffer.from(signingInput), createPublicKey(publicKeyPem), bytes);
  } catch {
    return false;
  }
}

/** Finds out whether a key logs in, by logging in with it. */
export interface LoginProver {
  /** How long a token lasts, ms, as the last login told; undefined before the first. */
  readonly tokensLastMs: number | undefined;
  challenge(userId: string, keyId: string): LoginChallenge;
  /** @throws IDENTITY_UNREACHABLE: then nothing is known */
  proves(
    challenge: LoginChallenge | RegisteredKey,
    signature: string,
    signal: AbortSignal,
  ): Promise<LoginProof>;
  /** @throws IDENTITY_UNREACHABLE: then nothing is known */
  logsIn(key: MintedKey, signal: AbortSignal): Promise<boolean>;
}

/** The prover of a profile's provider. */
export function createLoginProof(options: {
  readonly identity: Profile['identity'];
  readonly http: HttpClient;
  readonly clock: Clock;
}): LoginProver {
  const { identity, http, clock } = options;
  const provider = once((signal) => discoverProvider(identity, http, signal));

  let tokensLastMs: number | undefined;

  /** The status of the exchange. The reply holds a token, of which only the life is looked at. */
  async function exchange(assertion: string, signal: AbortSignal): Promise<number> {
    try {
      const { token_endpoint: tokenEndpoint } = await provider.ask(signal);
      const scope = `openid urn:zitadel:iam:org:project:id:${identity.project_id}:aud`;
      const { status, text } = await http.request({
        method: 'POST',
        url: new URL(tokenEndpoint),
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: new URLSearchParams({ grant_type: JWT_BEARER, assertion, scope }).toString(),
        signal,
      });
      if (status < 300) tokensLastMs = lifeOfToken(text) ?? tokensLastMs;
      return status;
    } catch (thrown) {
      const failure = findHttpFailure(thrown);
      throw failure === undefined ? thrown : identityFailure(failure, identity.issuer, 'prove a key');
    }
  }

  const challenge = (userId: string, keyId: string): LoginChallenge => ({
    ...{ userId, keyId },
    signingInput: loginAssertion(userId, keyId, identity.issuer, clock.nowMs()),
  });

  async function isTaken(signingInput: string, signature: Buffer, signal: AbortSignal): Promise<boolean> {
    let status = 0;
    const assertion = `${signingInput}.${base64url(signature)}`;
    for (const waitMs of [0, ...WAITS_MS]) {
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      status = await exchange(assertion, signal);
      if (status < 300) return true;
    }
    // A refused assertion is a 500 that says nothing more (zitadel/oidc). These say that nobody has looked at it.
    if (!BUSY.has(status)) return false;
    throw new EnrollmentError('IDENTITY_UNREACHABLE', {
      details: { issuer: identity.issuer, action: 'prove a key' },
      subject: identity.issuer,
      evidence: `The token endpoint answered ${status}.`,
    });
  }

  return {
    get tokensLastMs() {
      return tokensLastMs;
    },
    challenge,
    proves: async (asked, signature, signal) => {
      if ('publicKeyPem' in asked && !isSignedWith(asked.publicKeyPem, asked, signature))
        return 'not-its-signature';
      const bytes = Buffer.from(signature, 'base64');
      return (await isTaken(asked.signingInput, bytes, signal)) ? 'logs-in' : 'refused';
    },
    logsIn: async (key, signal) => {
      const { signingInput } = challenge(key.userId, key.keyId);
      const privateKey = createPrivateKey(privateKeyPem(key));
      return isTaken(signingInput, sign('sha256', Buffer.from(signingInput), privateKey), signal);
    },
  };
}
