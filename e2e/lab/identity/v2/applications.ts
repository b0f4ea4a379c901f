import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import { flag, prefixedEnum, readMessage, requiredText, text } from '../management/gateway-json.ts';
import { timestamp } from '../management/messages.ts';
import { type App, type AppKey, type OidcConfig, oidcEnums } from '../model.ts';
import {
  addApp,
  changeApiConfig,
  changeOidcConfig,
  complianceProblems,
  deleteApp,
  findApp,
  renameApp,
  renewAppSecret,
  setAppActive,
} from '../operations/apps.ts';
import { addAppKey, expiryOf } from '../operations/keys.ts';
import { type Filters, idFilter, list, textFilter } from './filters.ts';
import { type Call, type Method, require, sees } from './method.ts';
import { projectToFill } from './projects.ts';

const uris = z.array(z.string().max(2000)).max(200).nullish();
const listOf = <T>(item: z.ZodType<T>) => z.array(item).max(20).nullish();

const oidcFields = {
  redirectUris: uris,
  responseTypes: listOf(prefixedEnum('OIDC_RESPONSE_TYPE_', oidcEnums.responseType)),
  grantTypes: listOf(prefixedEnum('OIDC_GRANT_TYPE_', oidcEnums.grantType)),
  applicationType: prefixedEnum('OIDC_APP_TYPE_', oidcEnums.appType).nullish(),
  authMethodType: prefixedEnum('OIDC_AUTH_METHOD_TYPE_', oidcEnums.authMethod).nullish(),
  postLogoutRedirectUris: uris,
  accessTokenType: prefixedEnum('OIDC_TOKEN_TYPE_', oidcEnums.tokenType).nullish(),
};
const newOidc = z.object({
  ...oidcFields,
  developmentMode: flag,
  accessTokenRoleAssertion: flag,
  idTokenRoleAssertion: flag,
  idTokenUserinfoAssertion: flag,
});
const maybeFlag = z.boolean().nullish();
const oidcChange = z.object({
  ...oidcFields,
  developmentMode: maybeFlag,
  accessTokenRoleAssertion: maybeFlag,
  idTokenRoleAssertion: maybeFlag,
  idTokenUserinfoAssertion: maybeFlag,
});
const api = z.object({
  authMethodType: prefixedEnum('API_AUTH_METHOD_TYPE_', oidcEnums.apiAuthMethod).nullish(),
});
const newApp = z
  .object({
    projectId: requiredText(),
    applicationId: text(),
    name: requiredText(),
    oidcConfiguration: newOidc.nullish(),
    apiConfiguration: api.nullish(),
  })
  .refine(
    (one) => (one.oidcConfiguration == null) !== (one.apiConfiguration == null),
    'one kind is required',
  );
const inProject = z.object({ projectId: requiredText(), applicationId: requiredText() });
const appChange = inProject.extend({
  name: text(),
  oidcConfiguration: oidcChange.nullish(),
  apiConfiguration: api.nullish(),
});
const newKey = inProject.extend({ expirationDate: z.iso.datetime({ offset: true }).nullish() });

type AskedOidc = z.output<typeof oidcChange>;

/** The configuration with what was asked for in place of what there is; an empty list asks for nothing. */
function merged(asked: AskedOidc, base: OidcConfig): OidcConfig {
  const filled = <T>(wanted: readonly T[] | null | undefined, old: readonly T[]) =>
    wanted == null || wanted.length === 0 ? old : wanted;
  return {
    redirectUris: filled(asked.redirectUris, base.redirectUris),
    responseTypes: filled(asked.responseTypes, base.responseTypes),
    grantTypes: filled(asked.grantTypes, base.grantTypes),
    appType: asked.applicationType ?? base.appType,
    authMethod: asked.authMethodType ?? base.authMethod,
    postLogoutRedirectUris: filled(asked.postLogoutRedirectUris, base.postLogoutRedirectUris),
    devMode: asked.developmentMode ?? base.devMode,
    tokenType: asked.accessTokenType ?? base.tokenType,
    accessTokenRoleAssertion: asked.accessTokenRoleAssertion ?? base.accessTokenRoleAssertion,
    idTokenRoleAssertion: asked.idTokenRoleAssertion ?? base.idTokenRoleAssertion,
    idTokenUserinfoAssertion: asked.idTokenUserinfoAssertion ?? base.idTokenUserinfoAssertion,
  };
}

const zeroConfig: OidcConfig = {
  redirectUris: [],
  responseTypes: [],
  grantTypes: [],
  appType: 'WEB',
  authMethod: 'BASIC',
  postLogoutRedirectUris: [],
  devMode: false,
  tokenType: 'BEARER',
  accessTokenRoleAssertion: false,
  idTokenRoleAssertion: false,
  idTokenUserinfoAssertion: false,
};

/** Here it is spelled `nonCompliant`. */
function complianceMessage(config: OidcConfig): object {
  const problems = complianceProblems(config);
  return {
    nonCompliant: problems.length > 0,
    complianceProblems: problems.map((key) => ({ key, localizedMessage: key })),
  };
}

function oidcMessage({ oidc, clientId }: App): object | undefined {
  if (oidc === undefined) return undefined;
  const written = (prefix: string, value: string, zero: string) =>
    value === zero ? undefined : `${prefix}${value}`;
  return {
    redirectUris: oidc.redirectUris,
    responseTypes: oidc.responseTypes.map((type) => `OIDC_RESPONSE_TYPE_${type}`),
    grantTypes: oidc.grantTypes.map((type) => `OIDC_GRANT_TYPE_${type}`),
    applicationType: written('OIDC_APP_TYPE_', oidc.appType, 'WEB'),
    clientId,
    authMethodType: written('OIDC_AUTH_METHOD_TYPE_', oidc.authMethod, 'BASIC'),
    postLogoutRedirectUris: oidc.postLogoutRedirectUris,
    ...complianceMessage(oidc),
    developmentMode: oidc.devMode,
    accessTokenType: written('OIDC_TOKEN_TYPE_', oidc.tokenType, 'BEARER'),
    accessTokenRoleAssertion: oidc.accessTokenRoleAssertion,
    idTokenRoleAssertion: oidc.idTokenRoleAssertion,
    idTokenUserinfoAssertion: oidc.idTokenUserinfoAssertion,
    clockSkew: '0s',
  };
}

function appMessage(app: App): object {
  const authMethodType =
    app.api?.authMethod === 'PRIVATE_KEY_JWT' ? 'API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT' : undefined;
  return {
    applicationId: app.id,
    creationDate: timestamp(app.createdAt),
    changeDate: timestamp(app.changedAt),
    state: app.active ? 'APPLICATION_STATE_ACTIVE' : 'APPLICATION_STATE_INACTIVE',
    name: app.name,
    oidcConfiguration: oidcMessage(app),
    ...(app.api === undefined ? {} : { apiConfiguration: { clientId: app.clientId, authMethodType } }),
  };
}

const placeOf = (app: App | AppKey) => ({ orgId: app.orgId, projectId: app.projectId });

function appOf(call: Call, asked: z.output<typeof inProject>): App {
  const app = findApp(call.world, asked.projectId, asked.applicationId);
  if (app === undefined) throw apiErrors.appNotFound();
  require(call, 'project.app.write', placeOf(app));
  return app;
}

const createApplication: Method = (call) => {
  const asked = readMessage(call.message, newApp);
  const project = projectToFill(call, asked.projectId);
  require(call, 'project.app.write', { orgId: project.orgId, projectId: project.id });
  const { oidcConfiguration: oidc, apiConfiguration } = asked;
  const app = addApp(call.world, project, {
    id: asked.applicationId === '' ? undefined : asked.applicationId,
    name: asked.name,
    ...(oidc == null ? {} : { oidc: merged(oidc, zeroConfig) }),
    ...(apiConfiguration == null ? {} : { api: { authMethod: apiConfiguration.authMethodType ?? 'BASIC' } }),
  });
  const credentials = { clientId: app.clientId, clientSecret: app.clientSecret };
  call.world.store.count(app.oidc === undefined ? 'app.api-created' : 'app.oidc-created');
  return {
    applicationId: app.id,
    creationDate: timestamp(app.createdAt),
    ...(app.oidc === undefined
      ? { apiConfiguration: credentials }
      : { oidcConfiguration: { ...credentials, ...complianceMessage(app.oidc) } }),
  };
};

const updateApplication: Method = (call) => {
  const asked = readMessage(call.message, appChange);
  const app = appOf(call, asked);
  if (asked.name !== '' && asked.name !== app.name) renameApp(call.world, app, asked.name);
  if (asked.oidcConfiguration != null) {
    changeOidcConfig(call.world, app, merged(asked.oidcConfiguration, app.oidc ?? zeroConfig));
  }
  const authMethod = asked.apiConfiguration?.authMethodType;
  if (authMethod != null) changeApiConfig(call.world, app, { authMethod });
  return { changeDate: timestamp(app.changedAt) };
};

const switchState =
  (active: boolean): Method =>
  (call) => {
    const app = appOf(call, readMessage(call.message, inProject));
    setAppActive(call.world, app, active);
    return active
      ? { reactivationDate: timestamp(app.changedAt) }
      : { deactivationDate: timestamp(app.changedAt) };
  };

const stateValue = z.enum(['APPLICATION_STATE_ACTIVE', 'APPLICATION_STATE_INACTIVE']);
const typeValue = z.enum(['APPLICATION_TYPE_OIDC', 'APPLICATION_TYPE_API', 'APPLICATION_TYPE_SAML']);
const appFilters: Filters<App> = {
  projectIdFilter: idFilter((app) => app.projectId, 'projectId'),
  nameFilter: textFilter('name', (app) => app.name),
  stateFilter: stateValue.transform(
    (state) => (app: App) => app.active === (state === stateValue.options[0]),
  ),
  typeFilter: typeValue.transform(
    (type) => (app: App) =>
      (type === 'APPLICATION_TYPE_OIDC' && app.oidc !== undefined) ||
      (type === 'APPLICATION_TYPE_API' && app.api !== undefined),
  ),
};

const keyFilters: Filters<AppKey> = {
  applicationIdFilter: idFilter((key) => key.appId, 'applicationId'),
  projectIdFilter: idFilter((key) => key.projectId, 'projectId'),
  organizationIdFilter: idFilter((key) => key.orgId, 'organizationId'),
};

const createKey: Method = async (call) => {
  const asked = readMessage(call.message, newKey);
  const expiresAt = expiryOf(asked.expirationDate);
  const { key, file } = await addAppKey(call.world, expiresAt, () => appOf(call, asked));
  return { keyId: key.id, creationDate: timestamp(key.createdAt), keyDetails: file };
};

const deleteKey: Method = (call) => {
  const { keyId } = readMessage(call.message, z.object({ keyId: requiredText() }));
  const { store } = call.world;
  const key = store.live(store.appKeys, keyId);
  if (key === undefined) throw apiErrors.appKeyNotFound();
  require(call, 'project.app.write', placeOf(key));
  store.bury(key);
  store.count('app-key.deleted');
  return { deletionDate: timestamp(key.changedAt) };
};

/** Methods of `zitadel.application.v2.ApplicationService`. */
export const applicationMethods: Readonly<Record<string, Method>> = {
  CreateApplication: createApplication,
  UpdateApplication: updateApplication,
  GetApplication: (call) => {
    const { store } = call.world;
    const { applicationId } = readMessage(call.message, z.object({ applicationId: requiredText() }));
    const app = store.live(store.apps, applicationId);
    if (app === undefined) throw apiErrors.appNotFound();
    require(call, 'project.app.read', placeOf(app));
    return { application: appMessage(app) };
  },
  DeleteApplication: (call) => {
    const app = appOf(call, readMessage(call.message, inProject));
    deleteApp(call.world, app);
    return { deletionDate: timestamp(app.changedAt) };
  },
  DeactivateApplication: switchState(false),
  ReactivateApplication: switchState(true),
  GenerateClientSecret: (call) => {
    const app = appOf(call, readMessage(call.message, inProject));
    return { clientSecret: renewAppSecret(call.world, app), creationDate: timestamp(app.changedAt) };
  },
  ListApplications: (call) => {
    const { store } = call.world;
    const visible = store
      .searchable('apps', store.apps)
      .filter((app) => sees(call, 'project.app.read', placeOf(app)));
    const { page, pagination } = list(visible, call.message, appFilters);
    return { pagination, applications: page.map(appMessage) };
  },
  CreateApplicationKey: createKey,
  DeleteApplicationKey: deleteKey,
  ListApplicationKeys: (call) => {
    const { store } = call.world;
    const visible = store
      .searchable('appKeys', store.appKeys)
      .filter((key) => sees(call, 'project.app.read', placeOf(key)));
    const { page, pagination } = list(visible, call.message, keyFilters);
    const keys = page.map((key) => ({
      ...{ keyId: key.id, applicationId: key.appId, projectId: key.projectId, organizationId: key.orgId },
      ...{ creationDate: timestamp(key.createdAt), expirationDate: timestamp(key.expiresAt) },
    }));
    return { pagination, keys };
  },
};
