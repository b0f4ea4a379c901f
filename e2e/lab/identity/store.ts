import type { ManagerRole } from './people.ts';

interface Dated {
  readonly createdAt: number;
  changedAt: number;
  /** Set once deleted. The entry stays as a tombstone so that `inspect()` can tell the whole story. */
  deletedAt: number | undefined;
  sequence: bigint;
}

export interface Project extends Dated {
  readonly id: string;
  readonly name: string;
  readonly projectRoleAssertion: boolean;
  readonly projectRoleCheck: boolean;
  readonly hasProjectCheck: boolean;
  readonly roles: Map<string, ProjectRole>;
}

export interface ProjectRole extends Dated {
  readonly key: string;
  readonly displayName: string;
  readonly group: string;
}

export type AccessTokenType = 'ACCESS_TOKEN_TYPE_BEARER' | 'ACCESS_TOKEN_TYPE_JWT';

export interface MachineProfile {
  name: string;
  description: string;
  accessTokenType: AccessTokenType;
}

export interface HumanProfile {
  readonly displayName: string;
  readonly about: string;
  readonly password: string;
}

export interface User extends Dated {
  readonly id: string;
  readonly userName: string;
  readonly loginName: string;
  readonly managerRole: ManagerRole | undefined;
  readonly machine?: MachineProfile;
  readonly human?: HumanProfile;
}

export interface MachineKey extends Dated {
  readonly id: string;
  readonly userId: string;
  readonly publicPem: string;
  readonly origin: 'minted' | 'registered';
  readonly expiresAt: number;
  lastUsedAt: number | undefined;
}

export interface UserGrant extends Dated {
  readonly id: string;
  readonly userId: string;
  readonly projectId: string;
  roleKeys: readonly string[];
}

export interface Organisation {
  readonly id: string;
  readonly name: string;
  readonly primaryDomain: string;
  readonly createdAt: number;
}

/** Everything the lab's Zitadel knows, in memory. Reads by id are current; searches lag behind writes. */
export class Store {
  readonly org: Organisation;
  readonly projects = new Map<string, Project>();
  readonly users = new Map<string, User>();
  readonly keys = new Map<string, MachineKey>();
  readonly grants = new Map<string, UserGrant>();
  /** How often each kind of change really happened. */
  readonly mutations = new Map<string, number>();
  readonly #searchLagMs: number;
  #sequence = 0n;

  constructor(org: Omit<Organisation, 'createdAt'>, searchLagMs: number) {
    this.org = { ...org, createdAt: Date.now() };
    this.#searchLagMs = searchLagMs;
  }

  get sequence(): bigint {
    return this.#sequence;
  }

  /** Dates and sequence number of an entry made now. */
  born(): Dated {
    const now = Date.now();
    return { createdAt: now, changedAt: now, deletedAt: undefined, sequence: ++this.#sequence };
  }

  /** Notes that a change of this kind happened. */
  count(mutation: string): void {
    this.mutations.set(mutation, (this.mutations.get(mutation) ?? 0) + 1);
  }

  touch(entry: Dated): void {
    entry.changedAt = Date.now();
    entry.sequence = ++this.#sequence;
  }

  bury(entry: Dated): void {
    this.touch(entry);
    entry.deletedAt = entry.changedAt;
  }

  /** The entry, unless it is missing or deleted. */
  live<T extends Dated>(entries: ReadonlyMap<string, T>, id: string): T | undefined {
    const entry = entries.get(id);
    return entry === undefined || entry.deletedAt !== undefined ? undefined : entry;
  }

  findLive<T extends Dated>(entries: ReadonlyMap<string, T>, matches: (entry: T) => boolean): T | undefined {
    for (const entry of entries.values()) if (entry.deletedAt === undefined && matches(entry)) return entry;
    return undefined;
  }

  /** What a search sees: entries as they were `searchLagMs` ago, deleted ones lingering that long. */
  searchable<T extends Dated>(entries: ReadonlyMap<string, T>): T[] {
    const asOf = Date.now() - this.#searchLagMs;
    return [...entries.values()].filter(
      (entry) => entry.createdAt <= asOf && (entry.deletedAt === undefined || entry.deletedAt > asOf),
    );
  }

  grantsOfUser(userId: string): UserGrant[] {
    return [...this.grants.values()].filter(
      (grant) => grant.userId === userId && grant.deletedAt === undefined,
    );
  }

  /** Deletes a user with its keys and grants. */
  buryUser(user: User): void {
    this.bury(user);
    for (const key of this.keys.values())
      if (key.userId === user.id && key.deletedAt === undefined) this.bury(key);
    for (const grant of this.grantsOfUser(user.id)) this.bury(grant);
  }
}
