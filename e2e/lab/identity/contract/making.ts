import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { type Answer, at, type Subject, textOf } from './subject.ts';

/** Things the contract needs, made over v1. */

const v1 = '/management/v1';

export async function makeProject(subject: Subject, name: string, more: object = {}): Promise<string> {
  const answer = await subject.ask('POST', `${v1}/projects`, { name: `${subject.prefix}-${name}`, ...more });
  const id = textOf(answer, 'id');
  subject.deleteAfterwards(`${v1}/projects/${id}`);
  return id;
}

export async function makeMachine(subject: Subject, name: string, jwt = true): Promise<string> {
  const answer = await subject.ask('POST', `${v1}/users/machine`, {
    userName: `${subject.prefix}-${name}`,
    name,
    accessTokenType: jwt ? 'ACCESS_TOKEN_TYPE_JWT' : 'ACCESS_TOKEN_TYPE_BEARER',
  });
  const id = textOf(answer, 'userId');
  subject.deleteAfterwards(`${v1}/users/${id}`);
  return id;
}

export interface KeyFile {
  readonly keyId: string;
  readonly userId: string;
  readonly privateKey: KeyObject;
  /** Every member of the file, the private key among them. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** A day ahead, as RFC 3339. */
export const tomorrow = (): string => new Date(Date.now() + 86_400_000).toISOString();

export async function makeKey(subject: Subject, userId: string): Promise<KeyFile> {
  const answer = await subject.ask('POST', `${v1}/users/${userId}/keys`, {
    type: 'KEY_TYPE_JSON',
    expirationDate: tomorrow(),
  });
  return readKeyFile(answer, 'keyDetails');
}

export function readKeyFile(answer: Answer, field: string): KeyFile {
  const members = JSON.parse(Buffer.from(textOf(answer, field), 'base64').toString('utf8'));
  const { keyId, userId, clientId, key } = members as Record<string, string>;
  return {
    keyId: keyId ?? '',
    userId: userId ?? clientId ?? '',
    privateKey: createPrivateKey(key ?? ''),
    members,
  };
}

/** The body of a native application that signs in with the device grant. */
export function deviceApp(subject: Subject, name: string): Readonly<Record<string, unknown>> {
  return {
    name: `${subject.prefix}-${name}`,
    redirectUris: [],
    responseTypes: ['OIDC_RESPONSE_TYPE_CODE'],
    grantTypes: ['OIDC_GRANT_TYPE_DEVICE_CODE', 'OIDC_GRANT_TYPE_REFRESH_TOKEN'],
    appType: 'OIDC_APP_TYPE_NATIVE',
    authMethodType: 'OIDC_AUTH_METHOD_TYPE_NONE',
    accessTokenType: 'OIDC_TOKEN_TYPE_JWT',
  };
}

/** A fresh pair: the private half, and the public half as the `publicKey` field wants it. */
export function freshPair(): { readonly privateKey: KeyObject; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { privateKey, publicKey: Buffer.from(pem).toString('base64') };
}

export interface Wrong {
  readonly audience?: string;
  readonly iatOffsetSeconds?: number;
  readonly expOffsetSeconds?: number;
  readonly keyId?: string;
}

export function signAssertion(
  subject: Subject,
  key: Pick<KeyFile, 'keyId' | 'userId' | 'privateKey'>,
  wrong: Wrong = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    ...{ iss: key.userId, sub: key.userId, aud: wrong.audience ?? subject.issuer },
    ...{ iat: now + (wrong.iatOffsetSeconds ?? -10), exp: now + (wrong.expOffsetSeconds ?? 600) },
  })
    .setProtectedHeader({ alg: 'RS256', kid: wrong.keyId ?? key.keyId })
    .sign(key.privateKey);
}

/** A machine user's login with its key. */
export async function login(
  subject: Subject,
  key: Pick<KeyFile, 'keyId' | 'userId' | 'privateKey'>,
  scope: string,
  wrong: Wrong = {},
): Promise<Answer> {
  return subject.form('/oauth/v2/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await signAssertion(subject, key, wrong),
    scope,
  });
}

export const detailId = (answer: Answer): unknown => at(answer, 'details', 0, 'id');
