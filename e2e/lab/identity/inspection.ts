import type { App, Dated, Member } from './model.ts';
import type { LoggedRequest, RequestLog } from './request-log.ts';
import type { Store } from './store.ts';

interface InspectedEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly deletedAt: number | undefined;
  readonly live: boolean;
}

interface OwnedEntry extends InspectedEntry {
  readonly orgId: string;
}

export interface InspectedUser extends OwnedEntry {
  readonly userName: string;
  readonly kind: 'human' | 'machine';
  readonly active: boolean;
  readonly accessTokenType: string | undefined;
}

export interface InspectedKey extends OwnedEntry {
  readonly userId: string;
  readonly origin: 'minted' | 'registered';
  readonly expiresAt: number;
  readonly lastUsedAt: number | undefined;
}

export interface InspectedPat extends OwnedEntry {
  readonly userId: string;
  readonly expiresAt: number;
  readonly lastUsedAt: number | undefined;
}

export interface InspectedGrant extends OwnedEntry {
  readonly userId: string;
  readonly projectId: string;
  readonly roleKeys: readonly string[];
}

export interface InspectedProject extends OwnedEntry {
  readonly name: string;
  readonly roleKeys: readonly string[];
}

export interface InspectedApp extends OwnedEntry {
  readonly projectId: string;
  readonly name: string;
  readonly active: boolean;
  readonly clientId: string;
  readonly oidc: App['oidc'];
  readonly api: App['api'];
}

export interface InspectedMember extends OwnedEntry {
  readonly userId: string;
  readonly scope: Member['scope'];
  readonly roles: readonly string[];
}

/** The provider's state seen from outside, deleted entries included; copies, so that tests cannot change it. */
export interface Inspection {
  readonly projects: readonly InspectedProject[];
  readonly users: readonly InspectedUser[];
  readonly keys: readonly InspectedKey[];
  readonly pats: readonly InspectedPat[];
  readonly grants: readonly InspectedGrant[];
  readonly apps: readonly InspectedApp[];
  /** Keys of applications; `userId` is the application's id. */
  readonly appKeys: readonly Omit<InspectedPat, 'lastUsedAt'>[];
  readonly members: readonly InspectedMember[];
  /** How often each kind of change happened: `user.created`, `key.minted`, `key.deleted`, … */
  readonly mutations: Readonly<Record<string, number>>;
  readonly requests: readonly LoggedRequest[];
  /** How many requests came to each route, ids in the path written as `{id}`: `POST /management/v1/users/{id}/keys`. */
  readonly calls: Readonly<Record<string, number>>;
  /** How long requests were with the provider, all together, latency included. */
  readonly servedMs: number;
}

export function inspectStore(store: Store, log: RequestLog): Inspection {
  const all = <T, R>(entries: ReadonlyMap<string, T>, look: (entry: T) => R): R[] =>
    [...entries.values()].map(look);
  return {
    projects: all(store.projects, (project) => ({
      ...owned(project),
      name: project.name,
      roleKeys: [...project.roles.values()]
        .filter((one) => one.deletedAt === undefined)
        .map(({ key }) => key),
    })),
    users: all(store.users, (user) => ({
      ...owned(user),
      userName: user.userName,
      kind: user.machine === undefined ? ('human' as const) : ('machine' as const),
      active: user.active,
      accessTokenType: user.machine?.accessTokenType,
    })),
    keys: all(store.keys, (key) => ({
      ...owned(key),
      userId: key.userId,
      origin: key.origin,
      expiresAt: key.expiresAt,
      lastUsedAt: key.lastUsedAt,
    })),
    pats: all(store.pats, (pat) => ({
      ...owned(pat),
      userId: pat.userId,
      expiresAt: pat.expiresAt,
      lastUsedAt: pat.lastUsedAt,
    })),
    grants: all(store.grants, (grant) => ({
      ...owned(grant),
      userId: grant.userId,
      projectId: grant.projectId,
      roleKeys: [...grant.roleKeys],
    })),
    apps: all(store.apps, (app) => ({
      ...owned(app),
      projectId: app.projectId,
      name: app.name,
      active: app.active,
      clientId: app.clientId,
      oidc: structuredClone(app.oidc),
      api: structuredClone(app.api),
    })),
    appKeys: all(store.appKeys, (key) => ({ ...owned(key), userId: key.appId, expiresAt: key.expiresAt })),
    members: all(store.members, (member) => ({
      ...owned(member),
      userId: member.userId,
      scope: { ...member.scope },
      roles: [...member.roles],
    })),
    mutations: Object.fromEntries(store.mutations),
    requests: log.requests,
    calls: log.calls,
    servedMs: log.servedMs,
  };
}

function owned(entry: Dated & { readonly id: string; readonly orgId: string }): OwnedEntry {
  const { id, orgId, createdAt, deletedAt } = entry;
  return { id, orgId, createdAt, deletedAt, live: deletedAt === undefined };
}
