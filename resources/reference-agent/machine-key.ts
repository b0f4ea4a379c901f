import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { AgentError, reasonOf } from './agent-error.ts';

/** The device's identity at the issuer, ready to sign. The key object does not print its material. */
export interface MachineKey {
  readonly keyId: string;
  readonly userId: string;
  readonly privateKey: KeyObject;
}

/**
 * Reads the issuer's key file: `{"type":"serviceaccount","keyId","key","userId"}`, `key` an RSA key in PEM.
 * @throws {AgentError} key. The message never quotes the file.
 */
export function parseMachineKey(json: string): MachineKey {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new AgentError('key', 'The key file is not valid JSON.');
  }
  const entry = (name: string): string => {
    const found = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    if (typeof found === 'string' && found.length > 0) return found;
    throw new AgentError('key', `The key file has no ${name}.`);
  };
  const keyId = entry('keyId');
  const userId = entry('userId');
  const pem = entry('key');
  try {
    return { keyId, userId, privateKey: createPrivateKey(pem) };
  } catch (error) {
    throw new AgentError('key', `The private key in the key file cannot be read (${reasonOf(error)}).`);
  }
}

/** The issuer allows a clock one second ahead at most, so the assertion claims to be a little older. */
const ASSERTION_BACKDATE_SECONDS = 10;
const ASSERTION_VALID_SECONDS = 5 * 60;

const base64url = (text: string): string => Buffer.from(text).toString('base64url');

/** A JWT (RS256) by which the machine user proves itself to `issuer` (RFC 7523). `nowMs`: UTC milliseconds. */
export function signAssertion(key: MachineKey, issuer: string, nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  const header = { alg: 'RS256', typ: 'JWT', kid: key.keyId };
  const claims = {
    iss: key.userId,
    sub: key.userId,
    aud: issuer,
    iat: now - ASSERTION_BACKDATE_SECONDS,
    exp: now + ASSERTION_VALID_SECONDS,
  };
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), key.privateKey).toString('base64url')}`;
}
