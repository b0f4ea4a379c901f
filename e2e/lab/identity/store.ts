import type { LabClock } from './clock.ts';
import type {
  App,
  AppKey,
  Dated,
  MachineKey,
  Member,
  Organisation,
  Pat,
  Project,
  ProjectRole,
  User,
  UserGrant,
} from './model.ts';

export const collections = [
  'orgs',
  'projects',
  'roles',
  'users',
  'keys',
  'pats',
  'grants',
  'apps',
  'appKeys',
  'members',
] as const;

/** What searches go over; each is a projection of its own and may lag by its own time. */
export type Collection = (typeof collections)[number];

/** Milliseconds by which searches lag behind writes, for all collections or for each. */
export type SearchLag = number | Readonly<Partial<Record<Collection, number>>>;

interface Past {
  /** Until when the entry looked like this. */
  readonly until: number;
  readonly entry: Dated;
}

/** Everything the lab's Zitadel knows, in memory. Reads by id are current; searches lag behind writes. */
export class Store {
  readonly orgs = new Map<string, Organisation>();
  readonly projects = new Map<string, Project>();
  readonly users = new Map<string, User>();
  readonly keys = new Map<string, MachineKey>();
  readonly pats = new Map<string, Pat>();
  readonly grants = new Map<string, UserGrant>();
  readonly apps = new Map<string, App>();
  readonly appKeys = new Map<string, AppKey>();
  readonly members = new Map<string, Member>();
  /** How often each kind of change really happened. */
  readonly mutations = new Map<string, number>();
  readonly #past = new WeakMap<Dated, Past[]>();
  readonly #clock: LabClock;
  #searchLag: SearchLag;
  #sequence = 0n;

  constructor(searchLag: SearchLag, clock: LabClock) {
    this.#clock = clock;
    this.#searchLag = searchLag;
  }

  get sequence(): bigint {
    return this.#sequence;
  }

  setSearchLag(searchLag: SearchLag): void {
    this.#searchLag = searchLag;
  }

  /** Dates and sequence number of an entry made now. */
  born(): Dated {
    const now = this.#clock.recorded();
    return { createdAt: now, changedAt: now, deletedAt: undefined, sequence: ++this.#sequence };
  }

  /** Notes that a change of this kind happened. */
  count(mutation: string): void {
    this.mutations.set(mutation, (this.mutations.get(mutation) ?? 0) + 1);
  }

  /** Changes fields of an entry; searches go on seeing the old ones for as long as they lag. */
  change<T extends Dated>(entry: T, fields: Partial<T>): void {
    const now = this.#clock.recorded();
    const past = this.#past.get(entry) ?? [];
    past.push({ until: now, entry: { ...entry } });
    this.#past.set(entry, past.slice(-8));
    Object.assign(entry, fields, { changedAt: now, sequence: ++this.#sequence });
  }

  bury(entry: Dated): void {
    const now = this.#clock.recorded();
    Object.assign(entry, { changedAt: now, deletedAt: now, sequence: ++this.#sequence });
  }

  /** The entry, unless it is missing or deleted. */
  live<T extends Dated>(entries: ReadonlyMap<string, T>, id: string): T | undefined {
    const entry = entries.get(id);
    return entry === undefined || entry.deletedAt !== undefined ? undefined : entry;
  }

  /** Every entry that is there now and matches. */
  allLive<T extends Dated>(entries: ReadonlyMap<string, T>, matches: (entry: T) => boolean): T[] {
    return [...entries.values()].filter((entry) => entry.deletedAt === undefined && matches(entry));
  }

  findLive<T extends Dated>(entries: ReadonlyMap<string, T>, matches: (entry: T) => boolean): T | undefined {
    for (const entry of entries.values()) if (entry.deletedAt === undefined && matches(entry)) return entry;
    return undefined;
  }

  /** What a search of this collection sees: entries as they were when its projection last caught up. */
  searchable<T extends Dated>(collection: Collection, entries: ReadonlyMap<string, T>): T[] {
    const lag = typeof this.#searchLag === 'number' ? this.#searchLag : (this.#searchLag[collection] ?? 0);
    const asOf = this.#clock.recorded() - lag;
    return [...entries.values()]
      .filter((entry) => entry.createdAt <= asOf && (entry.deletedAt === undefined || entry.deletedAt > asOf))
      .map((entry) => this.#asItWas(entry, asOf));
  }

  searchableRoles(project: Project): ProjectRole[] {
    return this.searchable('roles', project.roles);
  }

  grantsOfUser(userId: string): UserGrant[] {
    return this.allLive(this.grants, (grant) => grant.userId === userId);
  }

  /** The application with this client id, when it, its project and its organisation are there. */
  appOfClient(clientId: string): App | undefined {
    return this.findLive(this.apps, (app) => app.clientId === clientId);
  }

  #asItWas<T extends Dated>(entry: T, asOf: number): T {
    const past = this.#past.get(entry)?.find((one) => one.until > asOf);
    return past === undefined ? entry : (past.entry as T);
  }
}
