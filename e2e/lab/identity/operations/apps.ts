import { randomBytes } from 'node:crypto';
import { ApiError, apiErrors } from '../api-error.ts';
import type { App, OidcConfig, Project } from '../model.ts';
import type { World } from '../world.ts';

export interface NewApp {
  readonly id?: string | undefined;
  readonly clientId?: string;
  readonly name: string;
  readonly oidc?: OidcConfig;
  readonly api?: NonNullable<App['api']>;
}

/** A response type asks for its grant type: `CODE` for the device code or the code flow, the others for implicit. */
function hasRequiredGrants({ responseTypes, grantTypes }: OidcConfig): boolean {
  const code = grantTypes.includes('DEVICE_CODE') || grantTypes.includes('AUTHORIZATION_CODE');
  return (
    responseTypes.length > 0 &&
    responseTypes.every((type) => (type === 'CODE' ? code : grantTypes.includes('IMPLICIT')))
  );
}

function needsSecret({ oidc, api }: Pick<NewApp, 'oidc' | 'api'>): boolean {
  return oidc === undefined
    ? api?.authMethod === 'BASIC'
    : oidc.authMethod === 'BASIC' || oidc.authMethod === 'POST';
}

function newSecret(): string {
  return randomBytes(48).toString('base64url');
}

/**
 * Adds an application to a project.
 * @throws {ApiError} 409 when the project has one of this name, 400 when response and grant types do not fit.
 */
export function addApp(world: World, project: Project, asked: NewApp): App {
  const { store } = world;
  if (asked.oidc !== undefined && !hasRequiredGrants(asked.oidc)) {
    throw new ApiError(3, 'Errors.Project.App.Invalid', 'PROJECT-1n8df');
  }
  if (asked.id !== undefined && store.apps.has(asked.id)) {
    const id = asked.oidc === undefined ? 'PROJECT-mabu12' : 'PROJECT-lxowmp';
    throw new ApiError(9, 'Errors.Project.App.AlreadyExisting', id);
  }
  if (appNameTaken(world, project.id, asked.name)) {
    throw apiErrors.alreadyExists('Errors.Project.App.AlreadyExisting');
  }
  const digits = asked.clientId ?? world.nextId();
  const app: App = {
    id: asked.id ?? world.nextId(),
    orgId: project.orgId,
    projectId: project.id,
    name: asked.name,
    active: true,
    clientId:
      world.quirks.clientIdsNameTheProject && asked.clientId === undefined
        ? `${digits}@${project.name.toLowerCase().replaceAll(' ', '_')}`
        : digits,
    clientSecret: needsSecret(asked) ? newSecret() : undefined,
    ...(asked.oidc === undefined ? {} : { oidc: asked.oidc }),
    ...(asked.api === undefined ? {} : { api: asked.api }),
    ...store.born(),
  };
  store.apps.set(app.id, app);
  return app;
}

function appNameTaken(world: World, projectId: string, name: string): boolean {
  const { store } = world;
  return store.findLive(store.apps, (one) => one.projectId === projectId && one.name === name) !== undefined;
}

export function findApp(world: World, projectId: string, id: string): App | undefined {
  const app = world.store.live(world.store.apps, id);
  return app?.projectId === projectId ? app : undefined;
}

/** @throws {ApiError} 409 for a taken name, 400 (code 9) when it is the old one. */
export function renameApp(world: World, app: App, name: string): void {
  if (app.name === name) throw new ApiError(9, 'Errors.NoChangesFound', 'COMMAND-2m8vx');
  if (appNameTaken(world, app.projectId, name)) {
    throw apiErrors.alreadyExists('Errors.Project.App.AlreadyExisting');
  }
  world.store.change(app, { name });
  world.store.count('app.changed');
}

/** Replaces members of the configuration. @throws {ApiError} 400: code 3 when it is not valid, 9 when the same. */
export function changeOidcConfig(world: World, app: App, wanted: Partial<OidcConfig>): void {
  if (app.oidc === undefined) throw new ApiError(3, 'Errors.Project.App.IsNotOIDC', 'COMMAND-GBr34');
  const next: OidcConfig = { ...app.oidc, ...wanted };
  if (!hasRequiredGrants(next)) {
    throw new ApiError(3, 'Errors.Project.App.OIDCConfigInvalid', 'COMMAND-5m9fs');
  }
  if (JSON.stringify(sorted(next)) === JSON.stringify(sorted(app.oidc))) {
    throw new ApiError(9, 'Errors.NoChangesFound', 'COMMAND-1m88i');
  }
  world.store.change(app, { oidc: next });
  world.store.count('app.changed');
}

function sorted(config: OidcConfig): unknown[] {
  return Object.entries(config).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** @throws {ApiError} 400: code 3 when the application is no API application, 9 when nothing differs. */
export function changeApiConfig(world: World, app: App, wanted: NonNullable<App['api']>): void {
  if (app.api === undefined) throw new ApiError(3, 'Errors.Project.App.IsNotAPI', 'COMMAND-Gnwt3');
  if (app.api.authMethod === wanted.authMethod) {
    throw new ApiError(9, 'Errors.NoChangesFound', 'COMMAND-1m88i');
  }
  world.store.change(app, { api: wanted });
  world.store.count('app.changed');
}

/** A new client secret in place of the old one. @throws {ApiError} 400 when the application takes none. */
export function renewAppSecret(world: World, app: App): string {
  if (!needsSecret(app)) throw new ApiError(9, 'Errors.Project.App.AuthMethodNoSecret', 'COMMAND-NONrt');
  const clientSecret = newSecret();
  world.store.change(app, { clientSecret });
  world.store.count('app.secret-renewed');
  return clientSecret;
}

/** @throws {ApiError} 400 when the application is in that state already. */
export function setAppActive(world: World, app: App, active: boolean): void {
  if (app.active === active) {
    const id = active ? 'COMMAND-1n8cM' : 'COMMAND-dsh35';
    throw new ApiError(9, active ? 'Errors.Project.App.NotInactive' : 'Errors.Project.App.NotActive', id);
  }
  world.store.change(app, { active });
  world.store.count(active ? 'app.reactivated' : 'app.deactivated');
}

export function deleteApp(world: World, app: App): void {
  const { store } = world;
  store.bury(app);
  for (const key of store.allLive(store.appKeys, (one) => one.appId === app.id)) store.bury(key);
  store.count('app.deleted');
}

/** What Zitadel finds wrong with a configuration; it is created all the same. */
export function complianceProblems(config: OidcConfig): readonly string[] {
  const { grantTypes, redirectUris, appType, authMethod } = config;
  const device = grantTypes.includes('DEVICE_CODE');
  const code = grantTypes.includes('AUTHORIZATION_CODE');
  const problems: string[] = [];
  if (redirectUris.length === 0 && (!device || code)) problems.push('Application.OIDC.V1.NoRedirectUris');
  if (!device && !code && grantTypes.includes('REFRESH_TOKEN')) {
    problems.push('Application.OIDC.V1.GrantType.Refresh.NoAuthCode');
  }
  if (appType === 'NATIVE' && authMethod !== 'NONE') {
    problems.push('Application.OIDC.V1.Native.AuthMethodType.NotNone');
  }
  if (appType === 'USER_AGENT' && authMethod !== 'NONE') {
    problems.push('Application.OIDC.V1.UserAgent.AuthMethodType.NotNone');
  }
  return problems.length === 0 ? [] : ['Application.OIDC.V1.NotCompliant', ...problems];
}
