import type { MintedKey } from '../engine/ports.ts';

/**
 * What setting up needs from an identity provider. Each method is one thing an administrator could do by hand; what is
 * to be there, and in which order, is decided in `set-up.ts` alone. Every method takes a signal, rejects with its reason
 * when it is aborted, and throws an EnrollmentError for every failure it knows.
 */
export interface Administration {
  /**
   * The organisation everything is made in.
   * @throws IDENTITY_ORGANISATION_UNKNOWN, IDENTITY_ROLE_MISSING, IDENTITY_SESSION_ENDED
   */
  organisation(signal: AbortSignal): Promise<{ readonly id: string; readonly name: string }>;
  /** Whose token it is, as the provider names the account, and which API of the provider is spoken. */
  caller(signal: AbortSignal): Promise<Caller>;
  /** What the caller may not do of all that setting up needs; empty where nothing is missing or nobody can tell. */
  missingRights(signal: AbortSignal): Promise<readonly string[]>;

  findProject(name: string, signal: AbortSignal): Promise<FoundProject | undefined>;
  createProject(name: string, signal: AbortSignal): Promise<Made>;
  /** Puts role assertion on. */
  changeProject(project: FoundProject, signal: AbortSignal): Promise<void>;

  findRole(
    projectId: string,
    key: string,
    signal: AbortSignal,
  ): Promise<{ readonly key: string } | undefined>;
  createRole(projectId: string, key: string, signal: AbortSignal): Promise<Made>;

  findApp(projectId: string, name: string, signal: AbortSignal): Promise<FoundApp | undefined>;
  createApp(projectId: string, name: string, kind: AppKind, signal: AbortSignal): Promise<MadeApp>;
  /** Puts the settings of an application right, and switches it on. */
  changeApp(projectId: string, app: FoundApp, kind: AppKind, signal: AbortSignal): Promise<void>;

  findUser(userName: string, signal: AbortSignal): Promise<FoundUser | undefined>;
  createUser(userName: string, signal: AbortSignal): Promise<Made>;
  /** Puts JWT access tokens on. */
  changeUser(user: FoundUser, signal: AbortSignal): Promise<void>;

  findGrant(userId: string, projectId: string, signal: AbortSignal): Promise<FoundGrant | undefined>;
  createGrant(
    userId: string,
    projectId: string,
    roles: readonly string[],
    signal: AbortSignal,
  ): Promise<Made>;
  changeGrant(userId: string, grantId: string, roles: readonly string[], signal: AbortSignal): Promise<void>;

  listKeys(userId: string, signal: AbortSignal): Promise<readonly FoundKey[]>;
  /** Not repeated: a lost reply leaves a live key, which is found again by its expiry. */
  mintKey(userId: string, expiresAt: number, signal: AbortSignal): Promise<MintedKey>;
  deleteKey(userId: string, keyId: string, signal: AbortSignal): Promise<void>;
}

export interface Caller {
  /** Login name. Undefined where the provider does not tell. */
  readonly account: string | undefined;
  readonly api: 'v1' | 'v2';
}

/** `device`: native, signs in by device code. `api`: a resource server, which asks about tokens. */
export type AppKind = 'device' | 'api';

/** A thing that was made, or the news that somebody else has made it. */
export type Made = { readonly id: string } | 'exists';
export type MadeApp = { readonly id: string; readonly clientId: string } | 'exists';

export interface FoundProject {
  readonly id: string;
  readonly name: string;
  /** Tokens name the roles. */
  readonly assertsRoles: boolean;
}

export interface FoundApp {
  readonly id: string;
  readonly name: string;
  readonly kind: AppKind | 'other';
  readonly clientId: string;
  /** What is not as it has to be, in words: `the device-code grant`. Empty where nothing has to change. */
  readonly drift: readonly string[];
}

export interface FoundUser {
  readonly id: string;
  readonly userName: string;
  /** Absent for a person. */
  readonly machine?: { readonly name: string; readonly description: string; readonly hasJwtTokens: boolean };
}

export interface FoundGrant {
  readonly id: string;
  readonly roles: readonly string[];
}

export interface FoundKey {
  readonly keyId: string;
  readonly expiresAt: number | undefined;
}

/** The folder the results are kept in. Names are relative, with `/`. */
export interface SetUpFolder {
  /** For the report. */
  readonly path: string;
  /** The whole file, or undefined where there is none. @throws STATION_SETUP_FILE_REFUSED */
  read(name: string, signal: AbortSignal): Promise<string | undefined>;
  /** Writes a new file, for this account only. @throws STATION_SETUP_FILE_REFUSED where there is one already */
  create(name: string, text: string, signal: AbortSignal): Promise<void>;
  /** Replaces a file in one go. */
  replace(name: string, text: string, signal: AbortSignal): Promise<void>;
  remove(name: string, signal: AbortSignal): Promise<void>;
}
