import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { decodeJwt, exportJWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';

export interface TestIssuer {
  readonly url: string;
  /** A token of this issuer; `claims` win over the defaults: `iss`, `iat`, `exp` in an hour. */
  mint(claims: JWTPayload): Promise<string>;
  /** Registers a machine user; the JSON is its key file. Its tokens carry `claims`. */
  addMachine(userId: string, claims: JWTPayload): string;
  /** The last assertion a machine sent. */
  lastAssertion(): JWTPayload | undefined;
  stop(): Promise<void>;
}

const KEY_ID = 'test-key';

export const newRsaPair = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Signs like the issuer does, with any key: also for tokens that must not be believed. */
export function signToken(privateKey: KeyObject, claims: JWTPayload, kid: string = KEY_ID): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iat: now, exp: now + 3600, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' })
    .sign(privateKey);
}

/** A small OpenID issuer on loopback: discovery, keys, and tokens for machine users (JWT bearer). */
export async function startTestIssuer(): Promise<TestIssuer> {
  const signing = newRsaPair();
  const machines = new Map<string, { readonly publicKey: KeyObject; readonly claims: JWTPayload }>();
  let assertion: JWTPayload | undefined;

  const answerToken = async (form: URLSearchParams): Promise<readonly [number, unknown]> => {
    try {
      const jwt = form.get('assertion') ?? '';
      assertion = decodeJwt(jwt);
      const machine = machines.get(assertion.iss ?? '');
      if (machine === undefined)
        return [400, { error: 'invalid_request', error_description: 'Errors.User.NotFound' }];
      await jwtVerify(jwt, machine.publicKey, { audience: url });
      return [200, { access_token: await signToken(signing.privateKey, { iss: url, ...machine.claims }) }];
    } catch {
      return [500, { error: 'server_error', error_description: 'Errors.Internal' }];
    }
  };
  const server = createServer((request, response) => {
    const reply = async (): Promise<readonly [number, unknown]> => {
      if (request.url === '/.well-known/openid-configuration') {
        return [200, { issuer: url, jwks_uri: `${url}/keys`, token_endpoint: `${url}/token` }];
      }
      if (request.url === '/keys') {
        const jwk = await exportJWK(signing.publicKey);
        return [200, { keys: [{ ...jwk, kid: KEY_ID, alg: 'RS256', use: 'sig' }] }];
      }
      if (request.url === '/token') return answerToken(new URLSearchParams(await text(request)));
      return [404, {}];
    };
    void reply().then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    mint: (claims) => signToken(signing.privateKey, { iss: url, ...claims }),
    addMachine(userId, claims) {
      const { privateKey } = newRsaPair();
      machines.set(userId, { publicKey: createPublicKey(privateKey), claims: { sub: userId, ...claims } });
      const key = privateKey.export({ type: 'pkcs1', format: 'pem' });
      return JSON.stringify({ type: 'serviceaccount', keyId: `key-of-${userId}`, key, userId });
    },
    lastAssertion: () => assertion,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
