import * as oidc from 'openid-client';
import type { Clock, Logger, TokenSet } from '../../engine/ports.ts';
import { describeThrown } from '../../errors/enrollment-error.ts';
import { printable } from '../../model/printable.ts';
import { Secret } from '../../model/secret.ts';

export type TokenReply = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;
type Claims = Readonly<Record<string, unknown>>;

const ORGANISATION_CLAIM = 'urn:zitadel:iam:user:resourceowner:name';
/** A provider that does not say how long a token lives gets it renewed soon. */
const UNKNOWN_LIFE_SECONDS = 300;
const LONGEST_NAME = 200;

function text(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' && value !== '' ? printable(value).slice(0, LONGEST_NAME) : undefined;
}

/** Life of the tokens of a reply, by the station's clock. */
function lifeOf(reply: TokenReply, clock: Pick<Clock, 'nowMs'>) {
  const receivedAt = clock.nowMs();
  return { receivedAt, expiresAt: receivedAt + (reply.expires_in ?? UNKNOWN_LIFE_SECONDS) * 1000 };
}

async function userInfo(
  configuration: oidc.Configuration,
  reply: TokenReply,
  subject: string | undefined,
  logger: Logger,
  signal: AbortSignal,
): Promise<Claims> {
  if (configuration.serverMetadata().userinfo_endpoint === undefined) return {};
  try {
    return await oidc.fetchUserInfo(configuration, reply.access_token, subject ?? oidc.skipSubjectCheck);
  } catch (thrown) {
    signal.throwIfAborted();
    // Only the name on screen depends on it.
    logger.log('warn', 'user-info-unavailable', { reason: describeThrown(thrown) });
    return {};
  }
}

/**
 * The tokens of a new sign-in, with the names of account and organisation out of the ID token or, where it lacks one, user info.
 * @param configuration whose requests end with `signal`
 * @throws the signal's reason
 */
export async function newTokenSet(
  configuration: oidc.Configuration,
  reply: TokenReply,
  clock: Pick<Clock, 'nowMs'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<TokenSet> {
  const idToken: Claims = reply.claims() ?? {};
  const hasAccount = text(idToken, 'preferred_username') !== undefined || text(idToken, 'name') !== undefined;
  const hasNames = hasAccount && text(idToken, ORGANISATION_CLAIM) !== undefined;
  const info = hasNames ? {} : await userInfo(configuration, reply, text(idToken, 'sub'), logger, signal);
  const claims = { ...info, ...idToken };
  const subject = text(claims, 'sub') ?? '';
  return {
    accessToken: new Secret(reply.access_token),
    refreshToken: reply.refresh_token === undefined ? undefined : new Secret(reply.refresh_token),
    ...lifeOf(reply, clock),
    subject,
    account: text(claims, 'preferred_username') ?? text(claims, 'name') ?? (subject || 'unknown account'),
    organisation: text(claims, ORGANISATION_CLAIM),
  };
}

/** The tokens after a refresh: the person stays the same, and so does the refresh token unless it was rotated. */
export function renewedTokenSet(old: TokenSet, reply: TokenReply, clock: Pick<Clock, 'nowMs'>): TokenSet {
  return {
    ...old,
    accessToken: new Secret(reply.access_token),
    refreshToken: reply.refresh_token === undefined ? old.refreshToken : new Secret(reply.refresh_token),
    ...lifeOf(reply, clock),
  };
}
