import type { LoggedRequest, RequestLog } from './request-log.ts';
import type { Store } from './store.ts';

interface InspectedEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly deletedAt: number | undefined;
  readonly live: boolean;
}

export interface InspectedUser extends InspectedEntry {
  readonly userName: string;
  readonly kind: 'human' | 'machine';
  readonly accessTokenType: string | undefined;
}

export interface InspectedKey extends InspectedEntry {
  readonly userId: string;
  readonly origin: 'minted' | 'registered';
  readonly expiresAt: number;
  readonly lastUsedAt: number | undefined;
}

export interface InspectedGrant extends InspectedEntry {
  readonly userId: string;
  readonly projectId: string;
  readonly roleKeys: readonly string[];
}

export interface InspectedProject extends InspectedEntry {
  readonly name: string;
  readonly roleKeys: readonly string[];
}

/** The provider's state seen from outside, deleted entries included; copies, so that tests cannot change it. */
export interface Inspection {
  readonly projects: readonly InspectedProject[];
  readonly users: readonly InspectedUser[];
  readonly keys: readonly InspectedKey[];
  readonly grants: readonly InspectedGrant[];
  /** How often each kind of change happened: `user.created`, `key.minted`, `key.deleted`, … */
  readonly mutations: Readonly<Record<string, number>>;
  readonly requests: readonly LoggedRequest[];
}

export function inspectStore(store: Store, log: RequestLog): Inspection {
  return {
    projects: [...store.projects.values()].map((project) => ({
      ...entryOf(project.id, project),
      name: project.name,
      roleKeys: [...project.roles.keys()],
    })),
    users: [...store.users.values()].map((user) => ({
      ...entryOf(user.id, user),
      userName: user.userName,
      kind: user.machine === undefined ? ('human' as const) : ('machine' as const),
      accessTokenType: user.machine?.accessTokenType,
    })),
    keys: [...store.keys.values()].map((key) => ({
      ...entryOf(key.id, key),
      userId: key.userId,
      origin: key.origin,
      expiresAt: key.expiresAt,
      lastUsedAt: key.lastUsedAt,
    })),
    grants: [...store.grants.values()].map((grant) => ({
      ...entryOf(grant.id, grant),
      userId: grant.userId,
      projectId: grant.projectId,
      roleKeys: [...grant.roleKeys],
    })),
    mutations: Object.fromEntries(store.mutations),
    requests: log.requests,
  };
}

function entryOf(id: string, entry: { createdAt: number; deletedAt: number | undefined }): InspectedEntry {
  return { id, createdAt: entry.createdAt, deletedAt: entry.deletedAt, live: entry.deletedAt === undefined };
}
