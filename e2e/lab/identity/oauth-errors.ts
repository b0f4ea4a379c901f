import type { Reply } from './http-exchange.ts';

/** An error of the OIDC endpoints: always `{error, error_description?}`, never cached. */
export function oauthError(status: number, error: string, description?: string): Reply {
  return {
    status,
    headers: { 'cache-control': 'no-store' },
    body: { error, ...(description === undefined ? {} : { error_description: description }) },
  };
}

interface OauthErrorBody {
  readonly error: string;
  readonly error_description?: string;
}

export function isOauthErrorBody(body: unknown): body is OauthErrorBody {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string';
}

/**
 * Turns an error of oidc-provider into the one Zitadel gives for the same cause.
 * Zitadel answers 400 to an unknown client, and `access_denied` to a device code that is unknown or was redeemed.
 */
export function asZitadelError(
  grantType: string | undefined,
  status: number,
  body: OauthErrorBody,
  deadRefreshToken: 'invalid_grant' | 'invalid_request',
): Reply {
  switch (body.error) {
    case 'invalid_client':
      return oauthError(400, 'invalid_client', 'no active client not found');
    case 'invalid_grant':
      if (grantType === 'refresh_token') {
        return oauthError(400, deadRefreshToken, 'Errors.OIDCSession.RefreshTokenInvalid');
      }
      return oauthError(400, 'access_denied', 'The authorization request was denied.');
    case 'unsupported_grant_type':
      return oauthError(400, 'unsupported_grant_type', body.error_description);
    case 'server_error':
      return oauthError(500, 'server_error', 'Errors.Internal');
    default:
      return oauthError(status, body.error, body.error_description);
  }
}
