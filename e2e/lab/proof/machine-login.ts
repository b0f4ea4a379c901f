import { sign } from 'node:crypto';
import { unlessItHangs } from '#shared/testing/patience.ts';

export interface MachineKeyFile {
  readonly keyId: string;
  readonly userId: string;
  /** PEM, PKCS#1 or PKCS#8. */
  readonly key: string;
}

/** Marks requests of devices and of this proof itself, which are no station's: no fault hits them. */
export const asideHeader = 'x-muster-aside';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Logs in with a machine key, as an agent does (RFC 7523), and gives the access token; undefined when the provider
 * does not take the key.
 */
export async function logInWithKey(
  issuer: string,
  file: MachineKeyFile,
  nowMs: number,
  scope = 'openid',
): Promise<string | undefined> {
  const { userId, keyId } = file;
  const issuedAt = Math.floor(nowMs / 1000) - 30;
  const claims = { iss: userId, sub: userId, aud: issuer, iat: issuedAt, exp: issuedAt + 600 };
  const input = `${part({ alg: 'RS256', typ: 'JWT', kid: keyId })}.${part(claims)}`;
  const assertion = `${input}.${sign('sha256', Buffer.from(input), file.key).toString('base64url')}`;
  const response = await fetch(`${issuer}/oauth/v2/token`, {
    method: 'POST',
    headers: { [asideHeader]: 'yes' },
    body: new URLSearchParams({
      ...{ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion, scope },
    }),
    signal: unlessItHangs(),
  });
  const body = (await response.json()) as { access_token?: string };
  return response.ok ? body.access_token : undefined;
}
