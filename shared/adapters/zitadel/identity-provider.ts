import type {
  AccessTokenSource,
  Clock,
  DeviceAccount,
  IdentityProvider,
  Logger,
  MachineKeyEntry,
  Random,
} from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { type DeviceId, machineUserName } from '../../model/device-id.ts';
import { printable } from '../../model/printable.ts';
import type { Profile } from '../../model/profile.ts';
import type { HttpClient } from '../http/http.ts';
import { CallFailure, type CallFailureKind } from './call-failure.ts';
import {
  type Endpoint,
  endpoints,
  type GrantReply,
  type MachineFields,
  type ProjectReply,
  type UserReply,
} from './endpoints.ts';
import { createLoginProof } from './login-proof.ts';
import { readMintedKey } from './machine-key.ts';
import { once } from './once.ts';
import { RegisteredKeys } from './registered-keys.ts';
import { createZitadelCaller, type ZitadelCallerOptions } from './zitadel-caller.ts';

export interface ZitadelOptions extends Pick<ZitadelCallerOptions, 'api' | 'onPause'> {
  readonly profile: Profile;
  readonly tokens: AccessTokenSource;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const PAGE_SIZE = 100;
const MOST_PAGES = 20;
/** Searches lag behind writes: after "exists already" it is looked again this often before that is believed. */
const LOOKS_AFTER_CONFLICT = 8;
const FIRST_LOOK_WAIT_MS = 100;
const JWT_TOKENS = 'ACCESS_TOKEN_TYPE_JWT';
/** A project that was seen is not looked for again for every device of a batch. */
const PROJECT_SEEN_FOR_MS = 5 * 60_000;

/** Zitadel as the pipeline's identity provider, in the generation of its API that is asked for. */
export function createZitadelIdentityProvider(options: ZitadelOptions): IdentityProvider {
  const { clock, logger } = options;
  const { identity } = options.profile;
  const { project_id: projectId, device_role: role } = identity;
  const caller = createZitadelCaller({ ...options, identity });
  const prover = createLoginProof({ ...options, identity });
  /** Machine users whose tokens are JWTs, by user name: seen by this run, so that a search is spared. */
  const knownUsers = new Map<string, string>();
  const registeredKeys = new RegisteredKeys();
  let projectSeenAtMs = Number.NEGATIVE_INFINITY;
  const visibleProjects = once(async (signal) => {
    projectSeenAtMs = clock.monotonicMs();
    return allPages((page) => call(endpoints.searchProjects, page, signal));
  });

  async function call<Input, Reply>(
    endpoint: Endpoint<Input, Reply>,
    input: Input,
    signal: AbortSignal,
  ): Promise<Reply> {
    const outcome = await caller.call(endpoint, input, { signal });
    if (outcome instanceof CallFailure) throw outcome;
    return outcome;
  }

  /** The reply, or the name of the failure where it is one the caller deals with. */
  async function attempt<Input, Reply, Kind extends CallFailureKind>(
    endpoint: Endpoint<Input, Reply>,
    input: Input,
    expected: readonly Kind[],
    signal: AbortSignal,
  ): Promise<{ readonly reply: Reply } | { readonly failed: CallFailure }> {
    const outcome = await caller.call(endpoint, input, { signal, expected });
    return outcome instanceof CallFailure ? { failed: outcome } : { reply: outcome };
  }

  /** All results of a search that comes in pages. */
  async function allPages<Item>(
    search: (page: { offset: number; limit: number }) => Promise<{ result: Item[] }>,
  ): Promise<Item[]> {
    const items: Item[] = [];
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const { result } = await search({ offset: items.length, limit: PAGE_SIZE });
      items.push(...result);
      if (result.length < PAGE_SIZE) break;
    }
    return items;
  }

  /** Looks until the search shows what a conflict says is there, or gives up. */
  async function lookAgain<T>(
    look: () => Promise<T | undefined>,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    for (let number = 0; number < LOOKS_AFTER_CONFLICT; number += 1) {
      const found = await look();
      if (found !== undefined) return found;
      await clock.sleep(FIRST_LOOK_WAIT_MS * 2 ** Math.min(number, 4), signal);
    }
    return look();
  }

  async function findUser(userName: string, signal: AbortSignal): Promise<UserReply | undefined> {
    const { result } = await call(endpoints.searchUsers, { userName }, signal);
    return result.find((user) => user.userName === userName);
  }

  /** The machine's fields of a user. @throws IDENTITY_CALL_FAILED where the name belongs to a person */
  function machineOf(user: UserReply): NonNullable<UserReply['machine']> {
    if (user.machine !== undefined) return user.machine;
    throw refused(
      'create machine users',
      `that ${user.userName} is a person`,
      `${user.userName} (${user.id})`,
    );
  }

  async function withJwtTokens(user: UserReply, signal: AbortSignal): Promise<string> {
    const machine = machineOf(user);
    if (machine.accessTokenType !== JWT_TOKENS) {
      // NATS and other verifiers check tokens by themselves, which they can do with JWTs only.
      const fields: MachineFields = {
        name: machine.name === '' ? user.userName : machine.name,
        description: machine.description,
        accessTokenType: JWT_TOKENS,
      };
      await attempt(endpoints.updateMachineUser, { userId: user.id, fields }, ['no-changes'], signal);
      logger.log('info', 'machine-user-set-to-jwt', { userName: user.userName });
    }
    knownUsers.set(user.userName, user.id);
    return user.id;
  }

  function refused(action: string, status: string, evidence: string, cause?: unknown): EnrollmentError {
    return new EnrollmentError('IDENTITY_CALL_FAILED', {
      details: { action, status },
      subject: identity.issuer,
      evidence,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  async function findGrant(userId: string, signal: AbortSignal): Promise<GrantReply | undefined> {
    const { result } = await call(endpoints.searchGrants, { userId, projectId }, signal);
    return result.find((grant) => grant.projectId === projectId && grant.userId === userId);
  }

  /** Adds the role to a grant that may hold others. True when it was not there. */
  async function addRole(grant: GrantReply, userId: string, signal: AbortSignal): Promise<boolean> {
    if (grant.roleKeys.includes(role)) return false;
    const input = { userId, grantId: grant.id, roleKeys: [...grant.roleKeys, role] };
    const outcome = await attempt(endpoints.updateGrant, input, ['no-changes'], signal);
    return 'reply' in outcome;
  }

  /** Finds or makes the user. One that is expected to be new is made first: a conflict costs one call, a search too. */
  async function ensureUser(
    deviceId: DeviceId,
    expected: 'new' | 'unknown',
    signal: AbortSignal,
  ): Promise<{ readonly userId: string; readonly created: boolean }> {
    const userName = machineUserName(deviceId);
    const found = expected === 'new' ? undefined : await findUser(userName, signal);
    if (found !== undefined) return { userId: await withJwtTokens(found, signal), created: false };
    const fields = {
      userName,
      name: userName,
      description: `Device ${deviceId}`,
      accessTokenType: JWT_TOKENS,
    } as const;
    const made = await attempt(endpoints.createMachineUser, fields, ['already-exists'], signal);
    if ('reply' in made) {
      knownUsers.set(userName, made.reply.userId);
      return { userId: made.reply.userId, created: true };
    }
    const other = await lookAgain(() => findUser(userName, signal), signal);
    if (other !== undefined) return { userId: await withJwtTokens(other, signal), created: false };
    const status = `that ${userName} exists already, but this sign-in does not see it: it is in another organisation`;
    throw refused('create machine users', status, made.failed.evidence, made.failed);
  }

  /** Finds or makes the grant; a user made just now has none. True when the role was not there. */
  async function ensureGrant(userId: string, isNewUser: boolean, signal: AbortSignal): Promise<boolean> {
    const found = isNewUser ? undefined : await findGrant(userId, signal);
    if (found !== undefined) return addRole(found, userId, signal);
    const input = { userId, projectId, roleKeys: [role] };
    const made = await attempt(endpoints.createGrant, input, ['already-exists'], signal);
    if ('reply' in made) return true;
    const other = await lookAgain(() => findGrant(userId, signal), signal);
    if (other !== undefined) return addRole(other, userId, signal);
    const status = 'that the grant exists already, but this sign-in does not see it';
    throw refused('grant roles', status, made.failed.evidence, made.failed);
  }

  /**
   * What this sign-in sees where the project is missing. The second generation says nothing of an organisation that does not
   * exist and shows no project of it: it is asked for the projects of all, and for the organisation.
   * @throws IDENTITY_ORGANISATION_UNKNOWN
   */
  async function projectsInstead(
    found: readonly ProjectReply[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    if ((await caller.generation(signal)) === 'v1') return found.map(nameOfProject);
    const seen = await allPages((page) => call(endpoints.searchProjectsAnywhere, page, signal));
    const names = seen.map(nameOfProject);
    try {
      await caller.organisation(signal);
    } catch (thrown) {
      // Who may not look at organisations may still see projects.
      if (thrown instanceof EnrollmentError && thrown.code === 'IDENTITY_ROLE_MISSING') return names;
      throw withProjects(thrown, names);
    }
    return names;
  }

  function nameOfProject({ name, id, orgId }: ProjectReply): string {
    const isElsewhere = orgId !== undefined && identity.org_id !== undefined && orgId !== identity.org_id;
    return printable(`${name} (${id}${isElsewhere ? `, of organisation ${orgId}` : ''})`);
  }

  return {
    forgetSignIn: () => {
      caller.forgetSignIn();
      visibleProjects.forget();
      knownUsers.clear();
    },

    requireProject: async (signal) => {
      if (clock.monotonicMs() - projectSeenAtMs >= PROJECT_SEEN_FOR_MS) visibleProjects.forget();
      const projects = await visibleProjects.ask(signal);
      if (projects.some((project) => project.id === projectId)) return;
      visibleProjects.forget();
      const names = await projectsInstead(projects, signal);
      const visible = names.length === 0 ? 'no project' : names.slice(0, 20).join(', ');
      throw new EnrollmentError('IDENTITY_PROJECT_NOT_VISIBLE', {
        details: { projectId, visible },
        subject: identity.issuer,
        evidence: projectList(names),
      });
    },

    ensureAccount: async (deviceId, expected, signal): Promise<DeviceAccount> => {
      const userName = machineUserName(deviceId);
      const known = knownUsers.get(userName);
      if (known !== undefined) {
        // The grant goes with its user: where it is, the user is.
        const grant = await findGrant(known, signal);
        if (grant !== undefined)
          return { userId: known, created: false, granted: await addRole(grant, known, signal) };
        knownUsers.delete(userName);
      }
      const user = await ensureUser(deviceId, known === undefined ? expected : 'unknown', signal);
      return { ...user, granted: await ensureGrant(user.userId, user.created, signal) };
    },

    findMachineUser: async (deviceId, signal) => {
      const user = await findUser(machineUserName(deviceId), signal);
      if (user === undefined) return undefined;
      const machine = machineOf(user);
      const grant = await findGrant(user.id, signal);
      return {
        userId: user.id,
        hasJwtTokens: machine.accessTokenType === JWT_TOKENS,
        hasGrant: grant?.roleKeys.includes(role) === true,
      };
    },

    listKeys: async (userId, signal): Promise<readonly MachineKeyEntry[]> => {
      const keys = await allPages((page) => call(endpoints.searchKeys, { userId, page }, signal));
      return keys.map(({ id, expirationDate, creationDate, details }) => ({
        keyId: id,
        expiresAt: instantOf(expirationDate),
        createdAt: instantOf(creationDate ?? details?.creationDate),
      }));
    },

    mintKey: async (userId, expiresAt, signal) => {
      const expirationDate = new Date(expiresAt).toISOString();
      const reply = await call(endpoints.mintKey, { userId, expirationDate }, signal);
      return readMintedKey({ keyId: reply.keyId, keyDetails: reply.keyDetails }, userId);
    },

    registerKey: async (userId, publicKeyPem, expiresAt, signal) => {
      const input = {
        userId,
        expirationDate: new Date(expiresAt).toISOString(),
        publicKey: Buffer.from(publicKeyPem, 'utf8').toString('base64'),
      };
      const { keyId, keyDetails } = await call(endpoints.registerKey, input, signal);
      if (keyDetails === '') return { ...prover.challenge(userId, keyId), publicKeyPem };
      registeredKeys.notTaken();
      // It has made a pair of its own, whose private half nobody shall have.
      await attempt(endpoints.deleteKey, { userId, keyId }, ['not-found'], signal);
      return undefined;
    },

    get takesPublicKeys() {
      return registeredKeys.areTaken;
    },

    get machineTokensLastMs() {
      return prover.tokensLastMs;
    },

    challengeLogin: prover.challenge,

    provesLogin: async (challenge, signature, signal) => {
      const proof = await prover.proves(challenge, signature, signal);
      if ('publicKeyPem' in challenge) {
        if (proof === 'logs-in') registeredKeys.loggedIn(challenge.userId);
        else if (proof === 'refused') registeredKeys.wasRefused(challenge.userId);
      }
      return proof;
    },

    logsIn: async (key, signal) => {
      const logsIn = await prover.logsIn(key, signal);
      registeredKeys.mintedKeyTried(key.userId, logsIn);
      return logsIn;
    },

    deleteKey: async (userId, keyId, signal) => {
      await attempt(endpoints.deleteKey, { userId, keyId }, ['not-found'], signal);
    },

    deleteMachineUser: async (userId, signal) => {
      for (const [userName, known] of knownUsers) if (known === userId) knownUsers.delete(userName);
      await attempt(endpoints.deleteUser, { userId }, ['not-found'], signal);
    },
  };
}

function projectList(names: readonly string[]): string {
  return `Visible projects:\n${names.join('\n')}`;
}

/** The error about an organisation, with the projects there are instead; any other as it is. */
function withProjects(thrown: unknown, names: readonly string[]): unknown {
  if (!(thrown instanceof EnrollmentError) || thrown.code !== 'IDENTITY_ORGANISATION_UNKNOWN') return thrown;
  const { code, details, evidence = '' } = thrown;
  return new EnrollmentError(code, {
    details,
    ...(thrown.subject === undefined ? {} : { subject: thrown.subject }),
    evidence: `${evidence}\n${projectList(names)}`,
    cause: thrown,
  });
}

/** An RFC 3339 time as an instant; undefined for none, or for one that is none. */
function instantOf(text: string | undefined): number | undefined {
  const instant = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(instant) ? undefined : instant;
}
