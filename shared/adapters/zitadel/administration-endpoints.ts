import { z } from 'zod';
import { anything, type Endpoint, endpoint, id, listOf, ONE_PAGE, pageQuery, segment } from './endpoints.ts';

/** The management API, version 1, as far as setting up uses it. */

const flag = z.boolean().default(false);
const texts = z.array(z.string()).default([]);

/** A project as both generations of the API are read. */
const project = z.looseObject({
  id,
  name: z.string().default(''),
  projectRoleAssertion: flag,
  projectRoleCheck: flag,
  hasProjectCheck: flag,
});

/** An OIDC application's settings, enums with the prefix they have on the wire. */
export const oidc = z.looseObject({
  clientId: z.string().default(''),
  redirectUris: texts,
  responseTypes: texts,
  grantTypes: texts,
  appType: z.string().default('OIDC_APP_TYPE_WEB'),
  authMethodType: z.string().default('OIDC_AUTH_METHOD_TYPE_BASIC'),
  postLogoutRedirectUris: texts,
  devMode: flag,
  accessTokenType: z.string().default('OIDC_TOKEN_TYPE_BEARER'),
  accessTokenRoleAssertion: flag,
  idTokenRoleAssertion: flag,
  idTokenUserinfoAssertion: flag,
  clockSkew: z.string().optional(),
  additionalOrigins: texts,
  skipNativeAppSuccessPage: flag,
  backChannelLogoutUri: z.string().optional(),
});
const app = z
  .looseObject({
    id,
    name: z.string().default(''),
    state: z.string().default(''),
    oidcConfig: oidc.optional(),
    apiConfig: z.looseObject({ clientId: z.string().default('') }).optional(),
  })
  .transform((one) => ({
    ...{ id: one.id, name: one.name, isActive: one.state === 'APP_STATE_ACTIVE' },
    ...{ oidc: one.oidcConfig, apiClientId: one.apiConfig?.clientId },
  }));

export type ProjectSettings = z.infer<typeof project>;
export type OidcSettings = z.infer<typeof oidc>;
export type AppReply = z.infer<typeof app>;

type InProject = { readonly projectId: string };
type InApp = InProject & { readonly appId: string };
type NewApp = InProject & { readonly name: string };
type Named = { readonly name: string };

const madeApp = z.looseObject({ appId: id, clientId: id });
const equals = 'TEXT_QUERY_METHOD_EQUALS';

export const DEVICE_APP = {
  responseType: 'OIDC_RESPONSE_TYPE_CODE',
  grantTypes: ['OIDC_GRANT_TYPE_DEVICE_CODE', 'OIDC_GRANT_TYPE_REFRESH_TOKEN'],
  appType: 'OIDC_APP_TYPE_NATIVE',
  authMethodType: 'OIDC_AUTH_METHOD_TYPE_NONE',
  accessTokenType: 'OIDC_TOKEN_TYPE_JWT',
} as const;

/** What the device-code application is made with. */
export const newDeviceApp = {
  redirectUris: [],
  responseTypes: [DEVICE_APP.responseType],
  grantTypes: DEVICE_APP.grantTypes,
  appType: DEVICE_APP.appType,
  authMethodType: DEVICE_APP.authMethodType,
  accessTokenType: DEVICE_APP.accessTokenType,
  accessTokenRoleAssertion: true,
  idTokenRoleAssertion: true,
};

/** Asked of the caller's own account, whatever the generation. */
export const ownEndpoints = {
  organisation: endpoint({
    action: 'show its organisation',
    method: 'GET',
    path: () => 'orgs/me',
    body: (_: object) => undefined,
    reply: z.looseObject({ org: z.looseObject({ id, name: z.string().default('') }) }),
    repeat: 'safe',
  }),
  account: {
    action: 'show the account of this token',
    method: 'GET',
    path: () => 'auth/v1/users/me',
    body: () => undefined,
    reply: z.looseObject({
      user: z.looseObject({ userName: z.string().default(''), preferredLoginName: z.string().default('') }),
    }),
    repeat: 'safe',
  } satisfies Endpoint<object, { user: { userName: string; preferredLoginName: string } }>,
  /**
   * The same of OpenID Connect, for a server that has the first generation no more. Without the scope for names it tells the
   * id alone.
   */
  claims: {
    action: 'show the account of this token',
    method: 'GET',
    path: () => 'oidc/v1/userinfo',
    body: () => undefined,
    reply: z.looseObject({ preferred_username: z.string().default(''), sub: z.string().default('') }),
    repeat: 'safe',
  } satisfies Endpoint<object, { preferred_username: string; sub: string }>,
  permissions: {
    action: 'show the rights of this account',
    method: 'POST',
    path: () => 'auth/v1/permissions/zitadel/me/_search',
    body: () => ({}),
    reply: listOf(z.string()),
    repeat: 'safe',
  } satisfies Endpoint<object, { result: string[] }>,
} as const;

export const administrationEndpoints = {
  findProjects: endpoint({
    action: 'look for projects',
    method: 'POST',
    path: () => 'projects/_search',
    body: ({ name }: Named) => ({
      query: pageQuery(ONE_PAGE),
      queries: [{ nameQuery: { name, method: equals } }],
    }),
    reply: listOf(project),
    repeat: 'safe',
  }),
  createProject: endpoint({
    action: 'create projects',
    method: 'POST',
    path: () => 'projects',
    body: ({ name }: Named) => ({ name, projectRoleAssertion: true }),
    reply: z.looseObject({ id }),
    repeat: 'safe',
  }),
  updateProject: endpoint({
    action: 'change projects',
    method: 'PUT',
    path: ({ settings }: { settings: ProjectSettings }) => `projects/${segment(settings.id)}`,
    body: ({ settings }: { settings: ProjectSettings }) => ({
      name: settings.name,
      projectRoleAssertion: settings.projectRoleAssertion,
      projectRoleCheck: settings.projectRoleCheck,
      hasProjectCheck: settings.hasProjectCheck,
    }),
    reply: anything,
    repeat: 'safe',
  }),
  findRoles: endpoint({
    action: 'look for roles',
    method: 'POST',
    path: ({ projectId }: InProject & { key: string }) => `projects/${segment(projectId)}/roles/_search`,
    body: ({ key }: InProject & { key: string }) => ({
      query: pageQuery(ONE_PAGE),
      queries: [{ keyQuery: { key, method: equals } }],
    }),
    reply: listOf(z.looseObject({ key: z.string().default('') })),
    repeat: 'safe',
  }),
  createRole: endpoint({
    action: 'create roles',
    method: 'POST',
    path: ({ projectId }: InProject & { key: string }) => `projects/${segment(projectId)}/roles`,
    body: ({ key }: InProject & { key: string }) => ({ roleKey: key, displayName: key }),
    reply: anything,
    repeat: 'safe',
  }),
  findApps: endpoint({
    action: 'look for applications',
    method: 'POST',
    path: ({ projectId }: NewApp) => `projects/${segment(projectId)}/apps/_search`,
    body: ({ name }: NewApp) => ({
      query: pageQuery(ONE_PAGE),
      queries: [{ nameQuery: { name, method: equals } }],
    }),
    reply: listOf(app),
    repeat: 'safe',
  }),
  createDeviceApp: endpoint({
    action: 'create applications',
    method: 'POST',
    path: ({ projectId }: NewApp) => `projects/${segment(projectId)}/apps/oidc`,
    body: ({ name }: NewApp) => ({ name, ...newDeviceApp }),
    reply: madeApp,
    repeat: 'safe',
  }),
  createApiApp: endpoint({
    action: 'create applications',
    method: 'POST',
    path: ({ projectId }: NewApp) => `projects/${segment(projectId)}/apps/api`,
    body: ({ name }: NewApp) => ({ name, authMethodType: 'API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT' }),
    reply: madeApp,
    repeat: 'safe',
  }),
  /** Replaces every setting: those that are not named fall back to their zero values. */
  updateOidcApp: endpoint({
    action: 'change applications',
    method: 'PUT',
    path: ({ projectId, appId }: InApp & { settings: OidcSettings }) =>
      `projects/${segment(projectId)}/apps/${segment(appId)}/oidc_config`,
    body: ({ settings: { clientId: _own, ...settings } }: InApp & { settings: OidcSettings }) => settings,
    reply: anything,
    repeat: 'safe',
  }),
  reactivateApp: endpoint({
    action: 'switch applications on',
    method: 'POST',
    path: ({ projectId, appId }: InApp) =>
      `projects/${segment(projectId)}/apps/${segment(appId)}/_reactivate`,
    body: (_: InApp) => ({}),
    reply: anything,
    repeat: 'safe',
  }),
} as const;
