import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { App, OidcConfig } from '../model.ts';
import type { Store } from '../store.ts';

export const deviceCodeGrantType = 'urn:ietf:params:oauth:grant-type:device_code';

const authMethods = { NONE: 'none', BASIC: 'client_secret_basic', POST: 'client_secret_post' } as const;
const grantOfType: Readonly<Record<string, OidcConfig['grantTypes'][number]>> = {
  [deviceCodeGrantType]: 'DEVICE_CODE',
  refresh_token: 'REFRESH_TOKEN',
  authorization_code: 'AUTHORIZATION_CODE',
};

/**
 * The application that may sign people in with this client id. Not there, deactivated, in a deactivated project or
 * an API application is all the same to the caller, as with Zitadel.
 */
export function activeOidcApp(store: Store, clientId: string): App | undefined {
  const app = store.appOfClient(clientId);
  const project = app === undefined ? undefined : store.live(store.projects, app.projectId);
  const active = app?.active === true && project?.active === true && app.oidc !== undefined;
  return active ? app : undefined;
}

/** Whether the token endpoint knows this kind of grant for applications. */
export function isKnownGrant(grantType: string): boolean {
  return Object.hasOwn(grantOfType, grantType);
}

/** Whether the application may use this grant. */
export function mayUseGrant(app: App, grantType: string): boolean {
  const grant = grantOfType[grantType];
  return grant !== undefined && app.oidc?.grantTypes.includes(grant) === true;
}

/** Applications as oidc-provider wants its clients: looked up at every request, so that changes count at once. */
export function clientAdapter(store: Store): Adapter {
  const nothing = async (): Promise<undefined> => undefined;
  return {
    async find(id): Promise<AdapterPayload | undefined> {
      const app = activeOidcApp(store, id);
      const method = app?.oidc?.authMethod;
      if (app === undefined || method === undefined || method === 'PRIVATE_KEY_JWT') return undefined;
      return {
        client_id: app.clientId,
        client_name: app.name,
        application_type: 'native',
        token_endpoint_auth_method: authMethods[method],
        ...(method === 'NONE' ? {} : { client_secret: app.clientSecret }),
        // Codes are given out to applications without the grant too; only the poll is refused.
        grant_types: [deviceCodeGrantType, 'refresh_token'],
        response_types: [],
        redirect_uris: [],
      };
    },
    findByUid: nothing,
    findByUserCode: nothing,
    upsert: nothing,
    consume: nothing,
    destroy: nothing,
    revokeByGrantId: nothing,
  };
}
