import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { LabClock } from './clock.ts';
import { createIdSource } from './ids.ts';
import type { LabIdentity } from './lab-identity-file.ts';
import type { App, User } from './model.ts';
import { audienceOf, organisationClaims, roleClaims } from './scopes.ts';
import type { Store } from './store.ts';

/** What the provider remembers of an access token it gave out. */
export interface IssuedToken {
  readonly id: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly scopes: ReadonlySet<string>;
  /** On the provider's clock. */
  readonly expiresAt: number;
  readonly issuedAt: number;
  /** The application it was given to, or the machine user that asked for it. */
  readonly clientId: string;
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
  readonly clock: LabClock;
  readonly #identity: LabIdentity;
  readonly #store: Store;
  readonly #lifetimeSeconds: number;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #issued = new Map<string, IssuedToken>();
  readonly #nextId = createIdSource();

  constructor(issuer: string, clock: LabClock, identity: LabIdentity, store: Store, lifetimeSeconds: number) {
    this.issuer = issuer;
    this.clock = clock;
    this.#identity = identity;
    this.#store = store;
    this.#lifetimeSeconds = lifetimeSeconds;
    this.#privateKey = createPrivateKey({ key: identity.signingJwk, format: 'jwk' });
    this.#publicKey = createPublicKey(this.#privateKey);
  }

  get zitadelProjectId(): string {
    return this.#identity.zitadelProjectId;
  }

  remember(token: IssuedToken): void {
    const now = this.clock.now();
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

  /**
   * What a human's tokens for an application carry: every application of its project as audience, and the
   * role claims that were asked for by scope, or that project and application assert by themselves.
   */
  claimsFor(
    app: App,
    userId: string,
    scopes: ReadonlySet<string>,
    token: 'access' | 'id',
  ): JWTPayload & { aud: string[] } {
    const store = this.#store;
    const clients = store.allLive(store.apps, (one) => one.projectId === app.projectId);
    const own = [app.clientId, ...clients.map((one) => one.clientId), app.projectId];
    const aud = [...audienceOf(scopes, own, this.zitadelProjectId)];
    const flag = token === 'access' ? app.oidc?.accessTokenRoleAssertion : app.oidc?.idTokenRoleAssertion;
    const asserted = flag === true && store.projects.get(app.projectId)?.projectRoleAssertion === true;
    return {
      aud,
      ...organisationClaims(store, userId, scopes),
      ...roleClaims(store, userId, { scopes, audience: aud, ownProjectId: app.projectId, asserted }),
    };
  }

  /** Tokens of a machine user, JWT or opaque as the user's `accessTokenType` says. */
  async issueForMachine(user: User, scopeList: readonly string[]): Promise<MachineTokens> {
    const scopes = new Set(scopeList);
    const audience = audienceOf(scopes, [], this.#identity.zitadelProjectId);
    const issuedAt = Math.floor(this.clock.now() / 1000);
    const exp = issuedAt + this.#lifetimeSeconds;
    const jwt = user.machine?.accessTokenType === 'ACCESS_TOKEN_TYPE_JWT';
    const id = jwt ? `V2_${this.#nextId()}-at_${this.#nextId()}` : randomBytes(40).toString('base64url');
    const common = { iss: this.issuer, sub: user.id, aud: [...audience], iat: issuedAt, exp };
    const roles = {
      ...organisationClaims(this.#store, user.id, scopes),
      ...roleClaims(this.#store, user.id, { scopes, audience }),
    };
    this.remember({
      ...{ id, subject: user.id, audience, scopes, personal: false, clientId: user.id },
      ...{ issuedAt: issuedAt * 1000, expiresAt: exp * 1000 },
    });
    return {
      accessToken: jwt
        ? await this.sign({ ...common, nbf: issuedAt, jti: id, client_id: user.id, ...roles })
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
    const token = id === undefined ? undefined : (this.#issued.get(id) ?? this.#personal(id));
    if (token === undefined || token.expiresAt <= this.clock.now()) return undefined;
    return this.#store.live(this.#store.users, token.subject) === undefined ? undefined : token;
  }

  /** Forgets the access token, when there is one and it belongs to this client. */
  async revoke(bearer: string, clientId?: string): Promise<'revoked' | 'unknown' | 'of another client'> {
    const token = await this.verify(bearer);
    if (token === undefined || token.personal) return 'unknown';
    if (clientId !== undefined && token.clientId !== clientId) return 'of another client';
    return this.#issued.delete(token.id) ? 'revoked' : 'unknown';
  }

  /** Forgets every access token of one sign-in. */
  revokeGrant(grantId: string): void {
    for (const token of this.#issued.values()) if (token.grantId === grantId) this.#issued.delete(token.id);
  }

  /** Forgets every access token there is; personal access tokens stay. */
  revokeAll(): void {
    this.#issued.clear();
  }

  #personal(value: string): IssuedToken | undefined {
    const { pats } = this.#store;
    const pat = this.#store.findLive(pats, (one) => one.token === value);
    if (pat === undefined) return undefined;
    pat.lastUsedAt = Date.now();
    return {
      ...{ id: pat.id, subject: pat.userId, audience: [], scopes: new Set<string>(), personal: true },
      ...{ issuedAt: pat.createdAt, expiresAt: pat.expiresAt },
      clientId: pat.userId,
    };
  }

  async #verifiedId(jwt: string): Promise<string | undefined> {
    try {
      const { payload } = await jwtVerify(jwt, this.#publicKey, {
        issuer: this.issuer,
        algorithms: ['RS256'],
        currentDate: new Date(this.clock.now()),
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
