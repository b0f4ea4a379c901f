import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import * as openid from 'openid-client';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { type LabIdentityProvider, startLabIdentityProvider } from './identity-provider.ts';
import { approveAsLabOperator } from './operator-walk.ts';
import type { LabIdentityOptions } from './options.ts';
import { zitadelAudienceScope } from './scopes.ts';

/** Helpers of this folder's tests. */

export const operatorScope = `openid offline_access ${zitadelAudienceScope}`;
export { unlessItHangs };

/** A lab for one test file; the short interval keeps polls quick. */
export function startTestLab(options: Partial<LabIdentityOptions> = {}): Promise<LabIdentityProvider> {
  return startLabIdentityProvider({
    signal: new AbortController().signal,
    pollIntervalSeconds: 1,
    keyPoolSize: 0,
    ...options,
  });
}

export function stationClient(
  lab: LabIdentityProvider,
  clientId = lab.clientId,
): Promise<openid.Configuration> {
  return openid.discovery(new URL(lab.issuer), clientId, undefined, openid.None(), {
    execute: [openid.allowInsecureRequests],
  });
}

/** Access and refresh token of a person of the lab, through the whole device flow. */
export async function signIn(
  lab: LabIdentityProvider,
  loginName = lab.operator.loginName,
  scope = operatorScope,
): Promise<Awaited<ReturnType<typeof openid.pollDeviceAuthorizationGrant>>> {
  const client = await stationClient(lab);
  const device = await openid.initiateDeviceAuthorization(client, { scope });
  await approveAsLabOperator({
    verificationUriComplete: device.verification_uri_complete ?? '',
    loginName,
    signal: unlessItHangs(),
  });
  return openid.pollDeviceAuthorizationGrant(client, device, undefined, { signal: unlessItHangs() });
}

/** Members of the answers that tests look into; each answer has some of them. */
export interface ApiBody {
  readonly result: readonly { readonly id: string; readonly userName: string }[] | undefined;
  readonly details: {
    readonly [index: number]: { readonly id: string };
    readonly totalResult?: string;
    readonly processedSequence: string;
    readonly sequence: string;
    readonly resourceOwner: string;
  };
  readonly code: number;
  readonly id: string;
  readonly org: object;
  readonly user: { readonly machine: object };
  readonly userId: string;
  readonly userGrantId: string;
  readonly keyId: string;
  readonly keyDetails: string;
  readonly access_token: string;
  readonly sub: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: ApiBody;
}

export type Api = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ApiAnswer>;

/** Calls the management API with this bearer token. */
export function apiOf(lab: LabIdentityProvider, token: string): Api {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`${lab.issuer}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      signal: unlessItHangs(),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as ApiBody };
  };
}

export interface ServiceAccountKey {
  readonly type: string;
  readonly keyId: string;
  readonly key: string;
  readonly userId: string;
  readonly expirationDate: string;
}

export function readKeyDetails(keyDetails: string): ServiceAccountKey {
  return JSON.parse(Buffer.from(keyDetails, 'base64').toString('utf8')) as ServiceAccountKey;
}

/** An assertion as a device signs it; any claim can be made wrong. */
export function assertion(
  lab: LabIdentityProvider,
  key: { readonly keyId: string; readonly userId: string; readonly privateKey: KeyObject | string },
  wrong: { iatOffsetSeconds?: number; expOffsetSeconds?: number; audience?: string } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: key.userId,
    sub: key.userId,
    aud: wrong.audience ?? lab.issuer,
    iat: now + (wrong.iatOffsetSeconds ?? -10),
    exp: now + (wrong.expOffsetSeconds ?? 600),
  })
    .setProtectedHeader({ alg: 'RS256', kid: key.keyId })
    .sign(typeof key.privateKey === 'string' ? createPrivateKey(key.privateKey) : key.privateKey);
}

/** A machine user's token request. */
export async function postToken(lab: LabIdentityProvider, form: Record<string, string>): Promise<ApiAnswer> {
  const response = await fetch(`${lab.issuer}/oauth/v2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    signal: unlessItHangs(),
  });
  return { status: response.status, body: (await response.json()) as ApiBody };
}

/** Repeats until the value is there; searches lag behind writes. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  const until = unlessItHangs();
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    until.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
