import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { createIdSource } from './ids.ts';
import type { LabIdentity } from './lab-identity-file.ts';
import { audienceOf, roleClaims } from './scopes.ts';
import type { Store, User } from './store.ts';

/** What the provider remembers of an access token it gave out. */
export interface IssuedToken {
  readonly id: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly scopes: ReadonlySet<string>;
  readonly expiresAt: number;
  /** The sign-in a human's token belongs to; revoking the sign-in revokes it. */
  readonly grantId?: string;
  /** A personal access token skips the audience check of the management API. */
  readonly personal: boolean;
}

export interface MachineTokens {
  readonly accessToken: string;
  readonly idToken: string | undefined;
  readonly expiresInSeconds: number;
}

/** Signs, remembers, verifies and revokes access tokens, for humans (through oidc-provider) and machines. */
export class Tokens {
  readonly issuer: string;
  readonly #identity: LabIdentity;
  readonly #store: Store;
  readonly #lifetimeSeconds: number;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #issued = new Map<string, IssuedToken>();
  readonly #nextId = createIdSource();

  constructor(issuer: string, identity: LabIdentity, store: Store, lifetimeSeconds: number) {
    this.issuer = issuer;
    this.#identity = identity;
    this.#store = store;
    this.#lifetimeSeconds = lifetimeSeconds;
    this.#privateKey = createPrivateKey({ key: identity.signingJwk, format: 'jwk' });
    this.#publicKey = createPublicKey(this.#privateKey);
    this.remember({
      id: identity.adminToken,
      subject: identity.operatorIds.admin,
      audience: [],
      scopes: new Set(),
      expiresAt: Number.POSITIVE_INFINITY,
      personal: true,
    });
  }

  get zitadelProjectId(): string {
    return this.#identity.zitadelProjectId;
  }

  remember(token: IssuedToken): void {
    const now = Date.now();
    for (const [id, old] of this.#issued) {
      if (old.expiresAt > now) break;
      this.#issued.delete(id);
    }
    this.#issued.set(token.id, token);
  }

  sign(payload: JWTPayload): Promise<string> {
    const header = { alg: 'RS256', kid: this.#identity.signingJwk.kid, typ: 'JWT' };
    return new SignJWT(payload).setProtectedHeader(header).sign(this.#privateKey);
  }

  /** Audience and role claims of a human's token for the station's own application. */
  claimsForOperator(userId: string, scopes: ReadonlySet<string>): JWTPayload & { aud: string[] } {
    const { clientId, projectId, zitadelProjectId } = this.#identity;
    const aud = [...audienceOf(scopes, [clientId, projectId], zitadelProjectId)];
    return { aud, ...roleClaims(this.#store, userId, scopes, aud, projectId) };
  }

  /** Tokens of a machine user, JWT or opaque as the user's `accessTokenType` says. */
  async issueForMachine(user: User, scopeList: readonly string[]): Promise<MachineTokens> {
    const scopes = new Set(scopeList);
    const audience = audienceOf(scopes, [], this.#identity.zitadelProjectId);
    const issuedAt = Math.floor(Date.now() / 1000);
    const exp = issuedAt + this.#lifetimeSeconds;
    const jwt = user.machine?.accessTokenType === 'ACCESS_TOKEN_TYPE_JWT';
    const id = jwt ? `V2_${this.#nextId()}-at_${this.#nextId()}` : randomBytes(40).toString('base64url');
    const common = { iss: this.issuer, sub: user.id, aud: [...audience], iat: issuedAt, exp };
    const roles = roleClaims(this.#store, user.id, scopes, audience);
    this.remember({ id, subject: user.id, audience, scopes, expiresAt: exp * 1000, personal: false });
    return {
      accessToken: jwt
        ? await this.sign({ ...common, nbf: issuedAt, jti: id, client_id: user.userName, ...roles })
        : id,
      idToken: scopes.has('openid')
        ? await this.sign({ ...common, auth_time: issuedAt, ...roles })
        : undefined,
      expiresInSeconds: this.#lifetimeSeconds,
    };
  }

  /** The token behind a bearer value, or undefined when it is unknown, forged, expired, revoked or ownerless. */
  async verify(bearer: string): Promise<IssuedToken | undefined> {
    const id = looksLikeJwt(bearer) ? await this.#verifiedId(bearer) : bearer;
    const token = id === undefined ? undefined : this.#issued.get(id);
    if (token === undefined || token.expiresAt <= Date.now()) return undefined;
    return this.#store.live(this.#store.users, token.subject) === undefined ? undefined : token;
  }

  /** Forgets the access token; true when there was one. */
  async revoke(bearer: string): Promise<boolean> {
    const token = await this.verify(bearer);
    return token !== undefined && !token.personal && this.#issued.delete(token.id);
  }

  /** Forgets every access token of one sign-in. */
  revokeGrant(grantId: string): void {
    for (const token of this.#issued.values()) if (token.grantId === grantId) this.#issued.delete(token.id);
  }

  async #verifiedId(jwt: string): Promise<string | undefined> {
    try {
      const { payload } = await jwtVerify(jwt, this.#publicKey, {
        issuer: this.issuer,
        algorithms: ['RS256'],
      });
      return payload.jti;
    } catch {
      // Any flaw means the same to the caller: not a token of ours.
      return undefined;
    }
  }
}

export function looksLikeJwt(value: string): boolean {
  return value.split('.').length === 3;
}
