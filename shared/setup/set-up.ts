import type { Clock, Random } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Administration, AppKind, FoundUser, SetUpFolder } from './administration.ts';
import { type ClientConfig, readClientConfig, writeClientConfig } from './client-config.ts';
import { type Ensured, ensure } from './ensure.ts';
import { createKeyFiles, type KeyFiles, keyFileName } from './key-files.ts';
import { type ProfileFacts, profileText } from './profile-text.ts';
import type { SetUpItem, SetUpReport } from './report.ts';
import { rolesOf, type SetUpRequest } from './request.ts';

export const CLIENT_CONFIG_FILE = 'client-config.json';
export const PROFILE_FILE = 'profile.toml';

export interface SetUpOptions {
  readonly request: SetUpRequest;
  readonly administration: Administration;
  readonly folder: SetUpFolder;
  readonly clock: Clock;
  readonly random: Random;
  /** What the profile says beside the ids that are found here. */
  readonly profile: Pick<ProfileFacts, 'caFile' | 'acceptInvalidCertificates' | 'natsUrls' | 'agentBinaries'>;
  /** The identity section of a profile's text. Undefined where it is not a profile. */
  readIdentity(text: string): ProfileIdentity | undefined;
  /** A dry run: nothing is made or written. */
  readonly preview: boolean;
  readonly signal: AbortSignal;
  onItem(item: SetUpItem): void;
}

export interface ProfileIdentity {
  readonly issuer: string;
  readonly client_id: string;
  readonly project_id: string;
}

type MachineUser = SetUpRequest['machineUsers'][number];

/**
 * Sets up an identity provider: project, roles, the two applications, machine users with their grants and keys, and the
 * files that name them. Everything is found or made, so that it may be run again: then it changes nothing, and after an
 * interruption it goes on. What is there and does not fit is refused before the first change.
 * @throws IDENTITY_ORGANISATION_UNKNOWN, IDENTITY_ROLE_MISSING, IDENTITY_SETUP_CONFLICT, STATION_SETUP_FILE_REFUSED
 */
export async function setUp(options: SetUpOptions): Promise<SetUpReport> {
  const { request, administration, signal } = options;
  const keys = createKeyFiles({ ...options, validForDays: request.keyValidForDays });

  // All that can be refused without the provider comes first, then what it refuses without a look at each thing.
  const before = await readFolder(options);
  const keyOwners = new Set<string>();
  for (const { name } of request.machineUsers) {
    if ((await keys.kept(name, signal)) !== undefined) keyOwners.add(name);
  }
  const organisation = await administration.organisation(signal);
  await requireRights(administration, request, signal);

  const start = { keys, before, keyOwners, organisation };
  // A dry run refuses all that a real one does, so one of them goes ahead of the first change.
  if (!options.preview) await followPlan({ ...options, preview: true, onItem: () => undefined }, start);
  return followPlan(options, start);
}

/** What is known before the first thing is looked for. */
interface Start {
  readonly keys: KeyFiles;
  readonly before: FolderBefore;
  /** The machine users whose key files are here. */
  readonly keyOwners: ReadonlySet<string>;
  readonly organisation: { readonly id: string; readonly name: string };
}

/** Finds or makes each thing in turn; in a dry run it is only looked for. */
async function followPlan(
  options: SetUpOptions,
  { keys, before, keyOwners, organisation }: Start,
): Promise<SetUpReport> {
  const { request, administration, folder, preview, signal, clock } = options;
  const items: SetUpItem[] = [];
  const tell = (item: SetUpItem): void => {
    items.push(item);
    options.onItem(item);
  };
  tell({ kind: 'organisation', name: organisation.name, state: 'already', id: organisation.id });

  const how = { preview, clock, signal };
  const hasProfile = before.profile !== undefined;
  const projectId = await ensureProject(options, hasProfile, tell);
  for (const key of rolesOf(request)) {
    const role =
      projectId === undefined
        ? ({ state: 'would-create' } as const)
        : await ensure(
            {
              what: `the role ${key}`,
              find: () => administration.findRole(projectId, key, signal),
              create: () => administration.createRole(projectId, key, signal),
            },
            how,
          );
    tell({ kind: 'role', name: key, state: role.state });
  }
  const deviceClientId = await ensureApp(options, projectId, request.deviceApp, 'device', hasProfile, tell);
  const apiClientId = await ensureApp(options, projectId, request.apiApp, 'api', false, tell);

  const userIds: Record<string, string> = {};
  const grantIds: Record<string, string> = {};
  for (const wanted of request.machineUsers) {
    const user = await ensureUser(options, wanted, keyOwners.has(wanted.name), tell);
    if (user !== undefined) userIds[wanted.name] = user;
    const grant = await ensureGrant(options, wanted, user, projectId, tell);
    if (grant !== undefined) grantIds[wanted.name] = grant;
    await tellKey(wanted.name, user);
  }

  await writeFiles();
  const changes = items.filter(({ state }) => state !== 'already').length;
  return { items, changes };

  async function tellKey(userName: string, userId: string | undefined): Promise<void> {
    const note = `${folder.path}/${keyFileName(userName)}`;
    const item = { kind: 'key', name: userName, note } as const;
    if (preview || userId === undefined) {
      const kept = await keys.check(userName, userId, signal);
      return tell(
        kept === undefined
          ? { ...item, state: 'would-create' }
          : { ...item, state: 'already', id: kept.keyId },
      );
    }
    const key = await keys.ensure({ id: userId, userName }, signal);
    tell({ ...item, state: key.created ? 'created' : 'already', id: key.keyId });
  }

  async function writeFiles(): Promise<void> {
    const mine = before.profile;
    // A person edits the profile: it is compared and never written over. What is still to be made has another id.
    if (mine !== undefined && (mine.client_id !== deviceClientId || mine.project_id !== projectId)) {
      throw fileRefused(folder, PROFILE_FILE, 'it names another project or client id than this set-up made');
    }
    if (projectId === undefined || deviceClientId === undefined || apiClientId === undefined) {
      const state = before.configText === undefined ? 'would-create' : 'would-change';
      tell({ kind: 'file', name: CLIENT_CONFIG_FILE, state });
      const profileState = mine === undefined ? 'would-create' : 'already';
      return tell({ kind: 'file', name: PROFILE_FILE, state: profileState });
    }
    const earlier = before.config;
    const config = writeClientConfig({
      ...earlier,
      issuer: request.issuer,
      org_id: organisation.id,
      projects: { ...earlier?.projects, [request.project]: projectId },
      apps: {
        ...earlier?.apps,
        [request.deviceApp]: deviceClientId,
        [request.apiApp]: apiClientId,
      },
      machine_user_ids: { ...earlier?.machine_user_ids, ...userIds },
      user_grants: { ...earlier?.user_grants, ...grantIds },
    });
    await keepFile(CLIENT_CONFIG_FILE, before.configText, config);
    if (mine !== undefined) return tell({ kind: 'file', name: PROFILE_FILE, state: 'already' });
    const facts = {
      ...options.profile,
      ...{ name: request.project, issuer: request.issuer, orgId: organisation.id },
      ...{ clientId: deviceClientId, projectId },
    };
    await keepFile(PROFILE_FILE, undefined, profileText(facts));
  }

  async function keepFile(name: string, old: string | undefined, text: string): Promise<void> {
    if (old === text) return tell({ kind: 'file', name, state: 'already' });
    if (!preview) await (old === undefined ? folder.create : folder.replace)(name, text, signal);
    const done = old === undefined ? 'created' : 'changed';
    const would = old === undefined ? 'would-create' : 'would-change';
    tell({ kind: 'file', name, state: preview ? would : done });
  }
}

type Tell = (item: SetUpItem) => void;

function fileRefused(folder: SetUpFolder, name: string, problem: string): EnrollmentError {
  const path = `${folder.path}/${name}`;
  return new EnrollmentError('STATION_SETUP_FILE_REFUSED', { details: { path, problem }, subject: path });
}

interface FolderBefore {
  readonly configText: string | undefined;
  readonly config: ClientConfig | undefined;
  readonly profile: ProfileIdentity | undefined;
}

/** What the folder holds. @throws STATION_SETUP_FILE_REFUSED where it belongs to another provider */
async function readFolder({ folder, request, readIdentity, signal }: SetUpOptions): Promise<FolderBefore> {
  const other = (name: string, issuer: string) =>
    fileRefused(folder, name, `it is for ${issuer}, not for ${request.issuer}`);
  const configText = await folder.read(CLIENT_CONFIG_FILE, signal);
  let config: ClientConfig | undefined;
  if (configText !== undefined) {
    const read = readClientConfig(configText);
    if (!read.ok) throw fileRefused(folder, CLIENT_CONFIG_FILE, read.problem);
    config = read.config;
    if (config.issuer !== undefined && config.issuer !== request.issuer)
      throw other(CLIENT_CONFIG_FILE, config.issuer);
  }
  const profileContent = await folder.read(PROFILE_FILE, signal);
  if (profileContent === undefined) return { configText, config, profile: undefined };
  const profile = readIdentity(profileContent);
  if (profile === undefined) throw fileRefused(folder, PROFILE_FILE, 'it is not a profile');
  if (profile.issuer !== request.issuer) throw other(PROFILE_FILE, profile.issuer);
  return { configText, config, profile };
}

async function requireRights(
  administration: Administration,
  { issuer }: SetUpRequest,
  signal: AbortSignal,
): Promise<void> {
  const missing = await administration.missingRights(signal);
  if (missing.length === 0) return;
  throw new EnrollmentError('IDENTITY_ROLE_MISSING', {
    details: { action: 'set up the fleet' },
    subject: issuer,
    evidence: `Missing permissions: ${missing.join(', ')}. Nothing was changed.`,
  });
}

/** The project's id, or undefined where a dry run makes none. */
async function ensureProject(
  { request, administration, preview, clock, signal }: SetUpOptions,
  isExpected: boolean,
  tell: Tell,
): Promise<string | undefined> {
  const project = await ensure(
    {
      what: `the project ${request.project}`,
      isExpected,
      find: () => administration.findProject(request.project, signal),
      create: () => administration.createProject(request.project, signal),
      // Without it tokens name no roles, and nothing that checks them lets a device in.
      drift: (found) => (found.assertsRoles ? [] : ['roles in tokens']),
      change: (found) => administration.changeProject(found, signal),
    },
    { preview, clock, signal },
  );
  const id = idOf(project);
  tell({ kind: 'project', name: request.project, ...outcomeOf(project, id) });
  return id;
}

/** The client id, or undefined where a dry run makes none. */
async function ensureApp(
  { administration, preview, clock, signal }: SetUpOptions,
  projectId: string | undefined,
  name: string,
  kind: AppKind,
  isExpected: boolean,
  tell: Tell,
): Promise<string | undefined> {
  const item = { kind: `${kind}-app`, name } as const;
  if (projectId === undefined) {
    tell({ ...item, state: 'would-create' });
    return undefined;
  }
  const app = await ensure(
    {
      what: `the application ${name}`,
      isExpected,
      find: () => administration.findApp(projectId, name, signal),
      create: () => administration.createApp(projectId, name, kind, signal),
      drift: (found) => {
        if (found.kind === kind) return found.drift;
        const is = found.kind === 'api' ? 'an API application' : 'an application of another kind';
        throw conflict(`the application ${name}`, `it is ${is}, and its kind cannot be changed`);
      },
      change: (found) => administration.changeApp(projectId, found, kind, signal),
    },
    { preview, clock, signal },
  );
  const clientId =
    app.state === 'created' ? app.made.clientId : 'found' in app ? app.found.clientId : undefined;
  tell({ ...item, ...outcomeOf(app, clientId) });
  return clientId;
}

async function ensureUser(
  { administration, preview, clock, signal }: SetUpOptions,
  { name }: MachineUser,
  isExpected: boolean,
  tell: Tell,
): Promise<string | undefined> {
  const user = await ensure(
    {
      what: `the machine user ${name}`,
      isExpected,
      find: () => administration.findUser(name, signal),
      create: () => administration.createUser(name, signal),
      drift: (found: FoundUser) => {
        if (found.machine === undefined) throw conflict(`the user ${name}`, 'it is a person');
        return found.machine.hasJwtTokens ? [] : ['JWT access tokens'];
      },
      change: (found) => administration.changeUser(found, signal),
    },
    { preview, clock, signal },
  );
  const id = idOf(user);
  tell({ kind: 'machine-user', name, ...outcomeOf(user, id) });
  return id;
}

async function ensureGrant(
  { administration, preview, clock, signal }: SetUpOptions,
  { name, roles }: MachineUser,
  userId: string | undefined,
  projectId: string | undefined,
  tell: Tell,
): Promise<string | undefined> {
  if (userId === undefined || projectId === undefined) {
    tell({ kind: 'grant', name, state: 'would-create', note: roles.join(', ') });
    return undefined;
  }
  const grant = await ensure(
    {
      what: `the grant of ${name}`,
      find: () => administration.findGrant(userId, projectId, signal),
      create: () => administration.createGrant(userId, projectId, roles, signal),
      drift: (found) => roles.filter((role) => !found.roles.includes(role)),
      // Roles that somebody else gave are kept.
      change: (found) =>
        administration.changeGrant(userId, found.id, [...new Set([...found.roles, ...roles])], signal),
    },
    { preview, clock, signal },
  );
  const id = idOf(grant);
  const outcome = outcomeOf(grant, id);
  tell({ kind: 'grant', name, ...outcome, note: outcome.note ?? roles.join(', ') });
  return id;
}

function conflict(what: string, problem: string): EnrollmentError {
  return new EnrollmentError('IDENTITY_SETUP_CONFLICT', { details: { what, problem }, subject: what });
}

function idOf(one: Ensured<{ readonly id: string }, { readonly id: string }>): string | undefined {
  if (one.state === 'created') return one.made.id;
  return 'found' in one ? one.found.id : undefined;
}

function outcomeOf(
  one: Ensured<unknown, unknown>,
  id: string | undefined,
): Pick<SetUpItem, 'state' | 'id' | 'note'> {
  const drift = 'drift' in one ? one.drift : [];
  return {
    state: one.state,
    ...(id === undefined ? {} : { id }),
    ...(drift.length === 0 ? {} : { note: drift.join(', ') }),
  };
}
