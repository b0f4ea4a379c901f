import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import { type App, type AppKey, type OidcConfig, oidcEnums } from '../model.ts';
import {
  addApp,
  changeApiConfig,
  changeOidcConfig,
  deleteApp,
  findApp,
  renameApp,
  renewAppSecret,
  setAppActive,
} from '../operations/apps.ts';
import { addAppKey, expiryOf } from '../operations/keys.ts';
import { flag, prefixedEnum, readBody, requiredText } from './gateway-json.ts';
import { appMessage, complianceMessage, detailsOf, keyMessage, listMessage } from './messages.ts';
import { projectOf, projectToFill } from './project-routes.ts';
import type { Route, RouteContext } from './routes.ts';
import { search, textQuery } from './search.ts';

const uris = z.array(z.string().max(2000)).max(200).nullish();
const list = <T>(item: z.ZodType<T>) => z.array(item).max(20).nullish();

const oidcConfigBody = z
  .object({
    redirectUris: uris,
    responseTypes: list(prefixedEnum('OIDC_RESPONSE_TYPE_', oidcEnums.responseType)),
    grantTypes: list(prefixedEnum('OIDC_GRANT_TYPE_', oidcEnums.grantType)),
    appType: prefixedEnum('OIDC_APP_TYPE_', oidcEnums.appType).nullish(),
    authMethodType: prefixedEnum('OIDC_AUTH_METHOD_TYPE_', oidcEnums.authMethod).nullish(),
    postLogoutRedirectUris: uris,
    devMode: flag,
    accessTokenType: prefixedEnum('OIDC_TOKEN_TYPE_', oidcEnums.tokenType).nullish(),
    accessTokenRoleAssertion: flag,
    idTokenRoleAssertion: flag,
    idTokenUserinfoAssertion: flag,
  })
  .transform(
    ({ authMethodType, accessTokenType, ...asked }): OidcConfig => ({
      ...asked,
      redirectUris: asked.redirectUris ?? [],
      responseTypes: asked.responseTypes ?? [],
      grantTypes: asked.grantTypes ?? [],
      appType: asked.appType ?? 'WEB',
      authMethod: authMethodType ?? 'BASIC',
      postLogoutRedirectUris: asked.postLogoutRedirectUris ?? [],
      tokenType: accessTokenType ?? 'BEARER',
    }),
  );
const apiConfigBody = z
  .object({ authMethodType: prefixedEnum('API_AUTH_METHOD_TYPE_', oidcEnums.apiAuthMethod).nullish() })
  .transform(({ authMethodType }) => ({ authMethod: authMethodType ?? ('BASIC' as const) }));
const nameBody = z.object({ name: requiredText() });
const keyBody = z.object({
  type: z.literal('KEY_TYPE_JSON'),
  expirationDate: z.iso.datetime({ offset: true }).nullish(),
});

function appOf(context: RouteContext): App {
  const app = findApp(context.world, projectOf(context).id, context.param('appId'));
  if (app === undefined) throw apiErrors.appNotFound();
  return app;
}

function keyOf(context: RouteContext): AppKey {
  const { store } = context.world;
  const key = store.live(store.appKeys, context.param('keyId'));
  if (key === undefined || key.appId !== appOf(context).id) throw apiErrors.appKeyNotFound();
  return key;
}

const apps = '/management/v1/projects/{projectId}/apps';

function createApp(context: RouteContext, kind: 'oidc' | 'api'): object {
  const { world, body } = context;
  const project = projectToFill(context);
  const { name } = readBody(body, nameBody);
  const config =
    kind === 'oidc' ? { oidc: readBody(body, oidcConfigBody) } : { api: readBody(body, apiConfigBody) };
  const app = addApp(world, project, { name, ...config });
  world.store.count(`app.${kind}-created`);
  return {
    appId: app.id,
    details: detailsOf(app),
    clientId: app.clientId,
    clientSecret: app.clientSecret,
    ...(kind === 'oidc' ? complianceMessage(app) : {}),
  };
}

/** A route that changes one application and answers with its details. */
const changing = (
  method: Route['method'],
  path: string,
  change: (context: RouteContext, app: App) => object | undefined,
): Route => ({
  method,
  path: `${apps}/{appId}${path}`,
  permission: method === 'DELETE' ? 'project.app.delete' : 'project.app.write',
  handle: (context) => {
    const app = appOf(context);
    return { ...change(context, app), details: detailsOf(app) };
  },
});

const renewSecret = ({ world }: RouteContext, app: App): object => ({
  clientSecret: renewAppSecret(world, app),
});

export const appRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: `${apps}/_search`,
    permission: 'project.app.read',
    handle: (context) => {
      const { store } = context.world;
      const { id } = projectOf(context);
      const found = search(
        store.searchable('apps', store.apps).filter((app) => app.projectId === id),
        readBody(context.body, z.unknown()),
        { nameQuery: textQuery('name', (app) => app.name) },
      );
      return listMessage(store, found.total, found.page.map(appMessage));
    },
  },
  {
    method: 'POST',
    path: `${apps}/oidc`,
    permission: 'project.app.write',
    handle: (context) => createApp(context, 'oidc'),
  },
  {
    method: 'POST',
    path: `${apps}/api`,
    permission: 'project.app.write',
    handle: (context) => createApp(context, 'api'),
  },
  {
    method: 'GET',
    path: `${apps}/{appId}`,
    permission: 'project.app.read',
    handle: (context) => ({ app: appMessage(appOf(context)) }),
  },
  changing('PUT', '', ({ world, body }, app) => {
    renameApp(world, app, readBody(body, nameBody).name);
    return undefined;
  }),
  changing('PUT', '/oidc_config', ({ world, body }, app) => {
    changeOidcConfig(world, app, readBody(body, oidcConfigBody));
    return undefined;
  }),
  changing('PUT', '/api_config', ({ world, body }, app) => {
    changeApiConfig(world, app, readBody(body, apiConfigBody));
    return undefined;
  }),
  changing('POST', '/oidc_config/_generate_client_secret', renewSecret),
  changing('POST', '/api_config/_generate_client_secret', renewSecret),
  changing('POST', '/_deactivate', ({ world }, app) => {
    setAppActive(world, app, false);
    return undefined;
  }),
  changing('POST', '/_reactivate', ({ world }, app) => {
    setAppActive(world, app, true);
    return undefined;
  }),
  changing('DELETE', '', ({ world }, app) => {
    deleteApp(world, app);
    return undefined;
  }),
  {
    method: 'POST',
    path: `${apps}/{appId}/keys/_search`,
    permission: 'project.app.read',
    handle: (context) => {
      const { store } = context.world;
      const { id } = appOf(context);
      const keys = store.searchable('appKeys', store.appKeys).filter((key) => key.appId === id);
      const found = search(keys, readBody(context.body, z.unknown()), {});
      return listMessage(store, found.total, found.page.map(keyMessage));
    },
  },
  {
    method: 'POST',
    path: `${apps}/{appId}/keys`,
    permission: 'project.app.write',
    handle: async (context) => {
      const expiresAt = expiryOf(readBody(context.body, keyBody).expirationDate);
      const { key, file } = await addAppKey(context.world, expiresAt, () => appOf(context));
      return { id: key.id, details: detailsOf(key), keyDetails: file };
    },
  },
  {
    method: 'GET',
    path: `${apps}/{appId}/keys/{keyId}`,
    permission: 'project.app.read',
    handle: (context) => ({ key: keyMessage(keyOf(context)) }),
  },
  {
    method: 'DELETE',
    path: `${apps}/{appId}/keys/{keyId}`,
    permission: 'project.app.write',
    handle: (context) => {
      const key = keyOf(context);
      context.world.store.bury(key);
      context.world.store.count('app-key.deleted');
      return { details: detailsOf(key) };
    },
  },
];
