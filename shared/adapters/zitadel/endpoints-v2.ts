import { z } from 'zod';
import {
  administrationEndpoints,
  newDeviceApp,
  type OidcSettings,
  oidc,
} from './administration-endpoints.ts';
import { anything, type Endpoint, endpoints, id, type Page, type Place, segment } from './endpoints.ts';
import { inV2 } from './generation.ts';

/**
 * The second generation of Zitadel's API: users over REST, everything else over Connect. Each call takes and gives what
 * its counterpart of the first generation does, so that whoever calls need not know which one is spoken.
 */

type Definition<Input, Reply> = Omit<Endpoint<Input, Reply>, 'action' | 'repeat' | 'secretReply'>;

/** The counterpart of a call: how it is named and repeated does not depend on the generation. */
function counterpart<Input, Reply>(
  first: Endpoint<Input, Reply>,
  definition: Definition<Input, Reply>,
): void {
  const { action, repeat, secretReply } = first;
  inV2(first, { action, repeat, ...(secretReply === undefined ? {} : { secretReply }), ...definition });
}

/** A method of a service, with a JSON message. */
function connect(service: string, method: string) {
  return { method: 'POST', path: () => `zitadel.${service}/${method}` } as const;
}

const projects = (method: string) => connect('project.v2.ProjectService', method);
const applications = (method: string) => connect('application.v2.ApplicationService', method);
const authorizations = (method: string) => connect('authorization.v2.AuthorizationService', method);

const text = z.string().default('');
const flag = z.boolean().default(false);
const equals = 'TEXT_FILTER_METHOD_EQUALS';
const onePage = { offset: '0', limit: 100, asc: true };
const pagination = ({ offset, limit }: Page) => ({ offset: String(offset), limit, asc: true });

/** Lists are not limited to an organisation by a header, as they were, but by a filter. */
const ofOrganisation = ({ orgId }: Place) =>
  orgId === undefined ? [] : [{ organizationIdFilter: { organizationId: orgId } }];

const project = z
  .looseObject({
    projectId: id,
    name: text,
    organizationId: z.string().optional(),
    projectRoleAssertion: flag,
    authorizationRequired: flag,
    projectAccessRequired: flag,
  })
  .transform((one) => ({
    ...{ id: one.projectId, name: one.name, projectRoleAssertion: one.projectRoleAssertion },
    ...{ projectRoleCheck: one.authorizationRequired, hasProjectCheck: one.projectAccessRequired },
    ...(one.organizationId === undefined ? {} : { orgId: one.organizationId }),
  }));
const projectList = z
  .looseObject({ projects: z.array(project).default([]) })
  .transform((reply) => ({ result: reply.projects }));

counterpart(endpoints.searchProjects, {
  ...projects('ListProjects'),
  body: (page, place) => ({ pagination: pagination(page), filters: ofOrganisation(place) }),
  reply: projectList,
});
counterpart(endpoints.searchProjectsAnywhere, {
  ...projects('ListProjects'),
  body: (page) => ({ pagination: pagination(page) }),
  reply: projectList,
});
counterpart(administrationEndpoints.findProjects, {
  ...projects('ListProjects'),
  body: ({ name }, place) => ({
    pagination: onePage,
    filters: [{ projectNameFilter: { projectName: name, method: equals } }, ...ofOrganisation(place)],
  }),
  reply: projectList,
});
counterpart(administrationEndpoints.createProject, {
  ...projects('CreateProject'),
  body: ({ name }, { orgId }) => ({ organizationId: orgId, name, projectRoleAssertion: true }),
  reply: z.looseObject({ projectId: id }).transform(({ projectId }) => ({ id: projectId })),
});
counterpart(administrationEndpoints.updateProject, {
  ...projects('UpdateProject'),
  body: ({ settings }) => ({
    projectId: settings.id,
    name: settings.name,
    projectRoleAssertion: settings.projectRoleAssertion,
    authorizationRequired: settings.projectRoleCheck,
    projectAccessRequired: settings.hasProjectCheck,
  }),
  reply: anything,
});
counterpart(administrationEndpoints.findRoles, {
  ...projects('ListProjectRoles'),
  body: ({ projectId, key }) => ({
    ...{ projectId, pagination: onePage },
    filters: [{ roleKeyFilter: { key, method: equals } }],
  }),
  reply: z
    .looseObject({ projectRoles: z.array(z.looseObject({ key: text })).default([]) })
    .transform(({ projectRoles }) => ({ result: projectRoles })),
});
counterpart(administrationEndpoints.createRole, {
  ...projects('AddProjectRole'),
  body: ({ projectId, key }) => ({ projectId, roleKey: key, displayName: key }),
  reply: anything,
});

const oidcV2 = z
  .looseObject({ applicationType: z.string().optional(), developmentMode: flag })
  .transform(({ applicationType, developmentMode, ...rest }) =>
    oidc.parse({
      ...rest,
      ...{ devMode: developmentMode },
      ...(applicationType === undefined ? {} : { appType: applicationType }),
    }),
  );
const app = z
  .looseObject({
    applicationId: id,
    name: text,
    state: text,
    oidcConfiguration: oidcV2.optional(),
    apiConfiguration: z.looseObject({ clientId: text }).optional(),
  })
  .transform((one) => ({
    ...{ id: one.applicationId, name: one.name, isActive: one.state === 'APPLICATION_STATE_ACTIVE' },
    ...{ oidc: one.oidcConfiguration, apiClientId: one.apiConfiguration?.clientId },
  }));
const madeClient = z.looseObject({ clientId: id });

function oidcConfiguration({ appType, devMode, clientId: _own, ...settings }: OidcSettings): object {
  return { ...settings, applicationType: appType, developmentMode: devMode };
}

counterpart(administrationEndpoints.findApps, {
  ...applications('ListApplications'),
  body: ({ projectId, name }) => ({
    pagination: onePage,
    filters: [{ projectIdFilter: { projectId } }, { nameFilter: { name, method: equals } }],
  }),
  reply: z
    .looseObject({ applications: z.array(app).default([]) })
    .transform((reply) => ({ result: reply.applications })),
});
counterpart(administrationEndpoints.createDeviceApp, {
  ...applications('CreateApplication'),
  body: ({ projectId, name }) => {
    const { appType, ...settings } = newDeviceApp;
    return { projectId, name, oidcConfiguration: { ...settings, applicationType: appType } };
  },
  reply: z
    .looseObject({ applicationId: id, oidcConfiguration: madeClient })
    .transform((made) => ({ appId: made.applicationId, clientId: made.oidcConfiguration.clientId })),
});
counterpart(administrationEndpoints.createApiApp, {
  ...applications('CreateApplication'),
  body: ({ projectId, name }) => ({
    ...{ projectId, name },
    apiConfiguration: { authMethodType: 'API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT' },
  }),
  reply: z
    .looseObject({ applicationId: id, apiConfiguration: madeClient })
    .transform((made) => ({ appId: made.applicationId, clientId: made.apiConfiguration.clientId })),
});
counterpart(administrationEndpoints.updateOidcApp, {
  ...applications('UpdateApplication'),
  body: ({ projectId, appId, settings }) => ({
    ...{ projectId, applicationId: appId, oidcConfiguration: oidcConfiguration(settings) },
  }),
  reply: anything,
});
counterpart(administrationEndpoints.reactivateApp, {
  ...applications('ReactivateApplication'),
  body: ({ projectId, appId }) => ({ projectId, applicationId: appId }),
  reply: anything,
});

const user = z
  .looseObject({
    userId: id,
    username: text,
    machine: z
      .looseObject({
        name: text,
        description: text,
        accessTokenType: z.string().default('ACCESS_TOKEN_TYPE_BEARER'),
      })
      .optional(),
  })
  .transform((one) => ({ id: one.userId, userName: one.username, machine: one.machine }));

counterpart(endpoints.searchUsers, {
  method: 'POST',
  path: () => 'v2/users',
  body: ({ userName }, { orgId }) => ({
    query: onePage,
    queries: [
      { userNameQuery: { userName, method: 'TEXT_QUERY_METHOD_EQUALS' } },
      ...(orgId === undefined ? [] : [{ organizationIdQuery: { organizationId: orgId } }]),
    ],
  }),
  reply: z.looseObject({ result: z.array(user).default([]) }),
});
counterpart(endpoints.createMachineUser, {
  method: 'POST',
  path: () => 'v2/users/new',
  body: ({ userName, ...machine }, { orgId }) => ({ organizationId: orgId, username: userName, machine }),
  reply: z.looseObject({ id }).transform((made) => ({ userId: made.id })),
});
counterpart(endpoints.updateMachineUser, {
  method: 'PATCH',
  path: ({ userId }) => `v2/users/${segment(userId)}`,
  body: ({ fields }) => ({ machine: fields }),
  reply: anything,
});
counterpart(endpoints.deleteUser, {
  method: 'DELETE',
  path: ({ userId }) => `v2/users/${segment(userId)}`,
  body: () => undefined,
  reply: anything,
});
counterpart(endpoints.searchKeys, {
  method: 'POST',
  path: () => 'v2/users/keys/search',
  body: ({ userId, page }) => ({
    pagination: pagination(page),
    filters: [{ userIdFilter: { id: userId } }],
  }),
  reply: z.looseObject({
    result: z
      .array(
        z.looseObject({ id, expirationDate: z.string().optional(), creationDate: z.string().optional() }),
      )
      .default([]),
  }),
});
/** Without a date a key of this generation is over before it is made, so one far away stands for none. */
const FAR_AWAY = '9999-12-31T23:59:59Z';
counterpart(endpoints.mintKey, {
  method: 'POST',
  path: ({ userId }) => `v2/users/${segment(userId)}/keys`,
  body: ({ expirationDate }) => ({ expirationDate: expirationDate ?? FAR_AWAY }),
  reply: z
    .looseObject({ keyId: id, keyContent: z.base64().min(1).max(65_536) })
    .transform(({ keyId, keyContent }) => ({ keyId, keyDetails: keyContent })),
});
counterpart(endpoints.registerKey, {
  method: 'POST',
  path: ({ userId }) => `v2/users/${segment(userId)}/keys`,
  body: ({ expirationDate, publicKey }) => ({ expirationDate, publicKey }),
  reply: z
    .looseObject({ keyId: id, keyContent: z.string().max(65_536).default('') })
    .transform(({ keyId, keyContent }) => ({ keyId, keyDetails: keyContent })),
});
counterpart(endpoints.deleteKey, {
  method: 'DELETE',
  path: ({ userId, keyId }) => `v2/users/${segment(userId)}/keys/${segment(keyId)}`,
  body: () => undefined,
  reply: anything,
});

const reference = z.looseObject({ id: text }).default({ id: '' });
const authorization = z
  .looseObject({
    id,
    user: reference,
    project: reference,
    roles: z.array(z.looseObject({ key: text })).default([]),
  })
  .transform((one) => ({
    ...{ id: one.id, userId: one.user.id, projectId: one.project.id, projectGrantId: '' },
    roleKeys: one.roles.map(({ key }) => key),
  }));

counterpart(endpoints.searchGrants, {
  ...authorizations('ListAuthorizations'),
  body: ({ userId, projectId }) => ({
    pagination: onePage,
    filters: [{ inUserIds: { ids: [userId] } }, { projectId: { id: projectId } }],
  }),
  reply: z
    .looseObject({ authorizations: z.array(authorization).default([]) })
    .transform((reply) => ({ result: reply.authorizations })),
});
counterpart(endpoints.createGrant, {
  ...authorizations('CreateAuthorization'),
  body: ({ userId, projectId, roleKeys }, { orgId }) => ({
    ...{ userId, projectId, organizationId: orgId, roleKeys },
  }),
  reply: z.looseObject({ id }).transform((made) => ({ userGrantId: made.id })),
});
counterpart(endpoints.updateGrant, {
  ...authorizations('UpdateAuthorization'),
  body: ({ grantId, roleKeys }) => ({ id: grantId, roleKeys }),
  reply: anything,
});

/** An organisation by its id, for a server that has the second generation alone. */
export const findOrganisations: Endpoint<{ readonly orgId: string | undefined }, { result: Organisation[] }> =
  {
    action: 'show its organisation',
    method: 'POST',
    path: () => 'v2/organizations/_search',
    body: ({ orgId }) => ({
      query: onePage,
      queries: orgId === undefined ? [] : [{ idQuery: { id: orgId } }],
    }),
    reply: z.looseObject({ result: z.array(z.looseObject({ id, name: text })).default([]) }),
    repeat: 'safe',
  };

export interface Organisation {
  readonly id: string;
  readonly name: string;
}
