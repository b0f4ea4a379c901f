import type { MintedKey } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Administration, AppKind, FoundApp, Made } from '../../setup/administration.ts';
import {
  type AppReply,
  administrationEndpoints,
  DEVICE_APP,
  type OidcSettings,
  type ProjectSettings,
} from './administration-endpoints.ts';
import { CallFailure, type CallFailureKind } from './call-failure.ts';
import { type Endpoint, endpoints } from './endpoints.ts';
import { readMintedKey } from './machine-key.ts';
import { missingRights, ownAccount } from './own-account.ts';
import { createZitadelCaller, type ZitadelCallerOptions } from './zitadel-caller.ts';

const JWT_TOKENS = 'ACCESS_TOKEN_TYPE_JWT';
const KEYS_ON_A_PAGE = 100;
const MOST_PAGES = 20;

/** What an account needs for all of a set-up. */
const neededRights = [
  'project.read',
  'project.create',
  'project.write',
  'project.role.write',
  'project.app.write',
  'user.read',
  'user.write',
  'user.grant.write',
] as const;

/** Zitadel as an administrator sets it up. */
export function createZitadelAdministration(options: ZitadelCallerOptions): Administration {
  const caller = createZitadelCaller(options);
  const { issuer } = options.identity;

  async function call<Input, Reply>(
    endpoint: Endpoint<Input, Reply>,
    input: Input,
    signal: AbortSignal,
  ): Promise<Reply> {
    const outcome = await caller.call(endpoint, input, { signal });
    if (outcome instanceof CallFailure) throw outcome;
    return outcome;
  }

  /** Undefined where the call failed in one of the ways that are expected. */
  async function attempt<Input, Reply>(
    endpoint: Endpoint<Input, Reply>,
    input: Input,
    expected: readonly CallFailureKind[],
    signal: AbortSignal,
  ): Promise<Reply | undefined> {
    const outcome = await caller.call(endpoint, input, { signal, expected });
    return outcome instanceof CallFailure ? undefined : outcome;
  }

  async function make<Input, Reply>(
    endpoint: Endpoint<Input, Reply>,
    input: Input,
    idOf: (reply: Reply) => string,
    signal: AbortSignal,
  ): Promise<Made> {
    const reply = await attempt(endpoint, input, ['already-exists'], signal);
    return reply === undefined ? 'exists' : { id: idOf(reply) };
  }

  async function projectNamed(name: string, signal: AbortSignal): Promise<ProjectSettings | undefined> {
    const { result } = await call(administrationEndpoints.findProjects, { name }, signal);
    return result.find((project) => project.name === name);
  }

  async function appNamed(
    projectId: string,
    name: string,
    signal: AbortSignal,
  ): Promise<AppReply | undefined> {
    const { result } = await call(administrationEndpoints.findApps, { projectId, name }, signal);
    return result.find((app) => app.name === name);
  }

  /** What goes by this name now, to be changed without losing what else it has. */
  function stillThere<T>(found: T | undefined, what: string): T {
    if (found !== undefined) return found;
    throw new EnrollmentError('IDENTITY_SETUP_CONFLICT', {
      details: { what, problem: 'it was removed while the set-up ran' },
      subject: issuer,
    });
  }

  return {
    organisation: async (signal) => {
      const { id, name } = await caller.organisation(signal);
      return { id, name };
    },

    caller: async (signal) => ({
      api: await caller.generation(signal),
      account: await ownAccount(caller, signal),
    }),
    missingRights: (signal) => missingRights(caller, neededRights, signal),

    findProject: async (name, signal) => {
      const found = await projectNamed(name, signal);
      return found === undefined
        ? undefined
        : { id: found.id, name: found.name, assertsRoles: found.projectRoleAssertion };
    },
    createProject: (name, signal) =>
      make(administrationEndpoints.createProject, { name }, ({ id }) => id, signal),
    changeProject: async ({ name }, signal) => {
      const found = stillThere(await projectNamed(name, signal), `the project ${name}`);
      const settings = { ...found, projectRoleAssertion: true };
      await attempt(administrationEndpoints.updateProject, { settings }, ['no-changes'], signal);
    },

    findRole: async (projectId, key, signal) => {
      const { result } = await call(administrationEndpoints.findRoles, { projectId, key }, signal);
      return result.find((role) => role.key === key);
    },
    createRole: (projectId, key, signal) =>
      make(administrationEndpoints.createRole, { projectId, key }, () => key, signal),

    findApp: async (projectId, name, signal) => {
      const found = await appNamed(projectId, name, signal);
      return found === undefined ? undefined : readApp(found);
    },
    createApp: async (projectId, name, kind, signal) => {
      const { createApiApp, createDeviceApp } = administrationEndpoints;
      const endpoint = kind === 'api' ? createApiApp : createDeviceApp;
      const made = await attempt(endpoint, { projectId, name }, ['already-exists'], signal);
      return made === undefined ? 'exists' : { id: made.appId, clientId: made.clientId };
    },
    changeApp: async (projectId, { name }, kind, signal) => {
      const found = stillThere(await appNamed(projectId, name, signal), `the application ${name}`);
      const place = { projectId, appId: found.id };
      if (!found.isActive) {
        await attempt(administrationEndpoints.reactivateApp, place, ['no-changes'], signal);
      }
      if (kind === 'api' || found.oidc === undefined || oidcDrift(found.oidc).length === 0) return;
      const input = { ...place, settings: putRight(found.oidc) };
      await attempt(administrationEndpoints.updateOidcApp, input, ['no-changes'], signal);
    },

    findUser: async (userName, signal) => {
      const { result } = await call(endpoints.searchUsers, { userName }, signal);
      const found = result.find((user) => user.userName === userName);
      if (found === undefined) return undefined;
      const { id, machine } = found;
      if (machine === undefined) return { id, userName };
      const { name, description, accessTokenType } = machine;
      return { id, userName, machine: { name, description, hasJwtTokens: accessTokenType === JWT_TOKENS } };
    },
    createUser: (userName, signal) => {
      const machine = {
        name: userName,
        description: 'Set up by Muster',
        accessTokenType: JWT_TOKENS,
      } as const;
      return make(endpoints.createMachineUser, { userName, ...machine }, ({ userId }) => userId, signal);
    },
    changeUser: async ({ id, userName, machine }, signal) => {
      const { name = '', description = '' } = machine ?? {};
      const fields = {
        name: name === '' ? userName : name,
        description,
        accessTokenType: JWT_TOKENS,
      } as const;
      await attempt(endpoints.updateMachineUser, { userId: id, fields }, ['no-changes'], signal);
    },

    findGrant: async (userId, projectId, signal) => {
      const { result } = await call(endpoints.searchGrants, { userId, projectId }, signal);
      const found = result.find((grant) => grant.userId === userId && grant.projectId === projectId);
      return found === undefined ? undefined : { id: found.id, roles: found.roleKeys };
    },
    createGrant: (userId, projectId, roleKeys, signal) =>
      make(endpoints.createGrant, { userId, projectId, roleKeys }, ({ userGrantId }) => userGrantId, signal),
    changeGrant: async (userId, grantId, roleKeys, signal) => {
      await attempt(endpoints.updateGrant, { userId, grantId, roleKeys }, ['no-changes'], signal);
    },

    listKeys: async (userId, signal) => {
      const keys: { keyId: string; expiresAt: number | undefined }[] = [];
      for (let number = 0; number < MOST_PAGES; number += 1) {
        const page = { offset: keys.length, limit: KEYS_ON_A_PAGE };
        const { result } = await call(endpoints.searchKeys, { userId, page }, signal);
        for (const { id, expirationDate } of result) {
          const expiresAt = expirationDate === undefined ? Number.NaN : Date.parse(expirationDate);
          keys.push({ keyId: id, expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt });
        }
        if (result.length < KEYS_ON_A_PAGE) break;
      }
      return keys;
    },
    mintKey: async (userId, expiresAt, signal): Promise<MintedKey> => {
      const input = { userId, expirationDate: new Date(expiresAt).toISOString() };
      return readMintedKey(await call(endpoints.mintKey, input, signal), userId);
    },
    deleteKey: async (userId, keyId, signal) => {
      await attempt(endpoints.deleteKey, { userId, keyId }, ['not-found'], signal);
    },
  };
}

function readApp({ id, name, isActive, oidc, apiClientId }: AppReply): FoundApp {
  const isOff = isActive ? [] : ['it was switched off'];
  if (apiClientId !== undefined) return { id, name, kind: 'api', clientId: apiClientId, drift: isOff };
  if (oidc === undefined) return { id, name, kind: 'other', clientId: '', drift: [] };
  // A native application is one of ours; what else it lacks can be put right.
  const kind: AppKind | 'other' = oidc.appType === DEVICE_APP.appType ? 'device' : 'other';
  return { id, name, kind, clientId: oidc.clientId, drift: [...isOff, ...oidcDrift(oidc)] };
}

/** What a device-code application lacks, in words. */
function oidcDrift(settings: OidcSettings): readonly string[] {
  const { grantTypes, responseTypes } = settings;
  const [deviceCode, refresh] = DEVICE_APP.grantTypes;
  const checks: readonly (readonly [boolean, string])[] = [
    [grantTypes.includes(deviceCode), 'the device-code grant'],
    [grantTypes.includes(refresh), 'the refresh-token grant'],
    [responseTypes.includes(DEVICE_APP.responseType), 'the response type code'],
    [settings.authMethodType === DEVICE_APP.authMethodType, 'sign-in without a secret'],
    [settings.accessTokenType === DEVICE_APP.accessTokenType, 'JWT access tokens'],
    [settings.accessTokenRoleAssertion, 'roles in access tokens'],
    [settings.idTokenRoleAssertion, 'roles in id tokens'],
  ];
  return checks.filter(([isRight]) => !isRight).map(([, words]) => words);
}

/** The settings with what is needed, and everything else as somebody set it. */
function putRight(settings: OidcSettings): OidcSettings {
  return {
    ...settings,
    responseTypes: [...new Set([...settings.responseTypes, DEVICE_APP.responseType])],
    grantTypes: [...new Set([...settings.grantTypes, ...DEVICE_APP.grantTypes])],
    authMethodType: DEVICE_APP.authMethodType,
    accessTokenType: DEVICE_APP.accessTokenType,
    accessTokenRoleAssertion: true,
    idTokenRoleAssertion: true,
  };
}
