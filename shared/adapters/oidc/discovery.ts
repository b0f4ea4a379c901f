import * as oidc from 'openid-client';
import { z } from 'zod';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { issuerProblem, type Profile } from '../../model/profile.ts';
import { fetchOnHttp } from '../http/fetch-on-http.ts';
import type { HttpClient, HttpReply } from '../http/http.ts';
import { findHttpFailure } from '../http/http-failure.ts';
import { identityFailure } from '../http/identity-failure.ts';
import { maskReply } from '../http/mask.ts';

const metadata = z.looseObject({
  issuer: z.string().min(1),
  token_endpoint: z.url(),
  device_authorization_endpoint: z.url(),
  userinfo_endpoint: z.url().optional(),
  revocation_endpoint: z.url().optional(),
  jwks_uri: z.url().optional(),
});
export type ProviderMetadata = z.infer<typeof metadata>;

/**
 * An ID token says who signed in, and nothing else depends on it. It has just come from the provider itself: dated by a
 * clock that differs from this one, it is told as such (`provider-clock.ts`), not thrown away with the tokens beside it.
 */
const ANY_TIME_SECONDS = 100 * 365 * 86_400;
const WELL_KNOWN = '.well-known/openid-configuration';

function unreadable(issuer: string, reply: HttpReply, cause?: unknown): EnrollmentError {
  return new EnrollmentError('IDENTITY_REPLY_UNREADABLE', {
    details: { action: 'discovery' },
    subject: issuer,
    evidence: `GET /${WELL_KNOWN} answered ${reply.status}\n${maskReply(reply.text)}`,
    ...(reply.status === 429 || reply.status >= 500 ? { noEffect: {} } : {}),
    ...(cause === undefined ? {} : { cause }),
  });
}

function mismatch(issuer: string, actual: string, evidence: string): EnrollmentError {
  return new EnrollmentError('IDENTITY_ISSUER_MISMATCH', {
    details: { expected: issuer, actual },
    subject: issuer,
    evidence,
  });
}

function readMetadata(issuer: string, reply: HttpReply): ProviderMetadata {
  // Zitadel answers every path of a host it does not know with 404.
  if (reply.status === 404 && /instance not found|ExternalDomain/i.test(reply.text)) {
    throw mismatch(issuer, 'by another name', maskReply(reply.text));
  }
  if (reply.status !== 200) throw unreadable(issuer, reply);
  let content: unknown;
  try {
    content = JSON.parse(reply.text);
  } catch (cause) {
    throw unreadable(issuer, reply, cause);
  }
  const named = z.looseObject({ issuer: z.string() }).safeParse(content);
  if (named.success && named.data.issuer !== issuer) {
    throw mismatch(
      issuer,
      named.data.issuer,
      `Discovery at ${issuer} names the issuer ${named.data.issuer}.`,
    );
  }
  const parsed = metadata.safeParse(content);
  if (!parsed.success) throw unreadable(issuer, reply, parsed.error);
  return parsed.data;
}

/**
 * Asks the issuer of the profile for its addresses.
 * @throws IDENTITY_UNREACHABLE, _CERTIFICATE_REFUSED, _ISSUER_MISMATCH, _REPLY_UNREADABLE
 */
export async function discoverProvider(
  identity: Profile['identity'],
  http: HttpClient,
  signal: AbortSignal,
): Promise<ProviderMetadata> {
  const { issuer } = identity;
  const problem = issuerProblem(identity);
  if (problem !== undefined) {
    const details = { path: 'the profile', problem: `identity.issuer: ${problem}` };
    throw new EnrollmentError('STATION_PROFILE_INVALID', { details });
  }
  const url = new URL(WELL_KNOWN, `${issuer.replace(/\/$/, '')}/`);
  try {
    const reply = await http.request({ method: 'GET', url, headers: { accept: 'application/json' }, signal });
    return readMetadata(issuer, reply);
  } catch (thrown) {
    const failure = findHttpFailure(thrown);
    throw failure === undefined ? thrown : identityFailure(failure, issuer, 'discovery', true);
  }
}

/** `openid-client`'s configuration for one operation, whose requests end with `signal`. */
export function clientConfiguration(
  identity: Profile['identity'],
  provider: ProviderMetadata,
  http: HttpClient,
  signal: AbortSignal,
): oidc.Configuration {
  const configuration = new oidc.Configuration(
    { ...provider } as oidc.ServerMetadata,
    identity.client_id,
    { [oidc.clockTolerance]: ANY_TIME_SECONDS },
    oidc.None(),
  );
  configuration[oidc.customFetch] = fetchOnHttp(http, signal);
  // Plain http got this far only where issuerProblem allows it: on loopback, or where the profile says so.
  if (new URL(provider.issuer).protocol === 'http:') oidc.allowInsecureRequests(configuration);
  return configuration;
}
