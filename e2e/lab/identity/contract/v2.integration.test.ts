import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshPair, login, makeMachine, makeProject, readKeyFile, tomorrow } from './making.ts';
import { type Answer, at, eventually, results, type Subject, subjects, textOf } from './subject.ts';

const services = {
  projects: '/zitadel.project.v2.ProjectService',
  applications: '/zitadel.application.v2.ApplicationService',
  authorizations: '/zitadel.authorization.v2.AuthorizationService',
  administrators: '/zitadel.internal_permission.v2.InternalPermissionService',
} as const;
const named = (field: string, value: string) => ({ [field]: value, method: 'TEXT_FILTER_METHOD_EQUALS' });

describe.each(subjects)('v2 of the management API, held against %s', (_name, open) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open();
    const probe = await subject.ask('POST', `${services.projects}/ListProjects`, {
      pagination: { limit: 1 },
    });
    if (probe.status !== 200) throw new Error(`this Zitadel has no v2 yet: ${JSON.stringify(probe)}`);
  });
  afterAll(() => subject.close());

  const call = (service: keyof typeof services, name: string, message: object): Promise<Answer> =>
    subject.ask('POST', `${services[service]}/${name}`, message);
  const makeUser = async (name: string, more: object = {}): Promise<string> => {
    const username = `${subject.prefix}-${name}`;
    const message = { organizationId: subject.orgId, username, machine: { name, ...more } };
    const id = textOf(await subject.ask('POST', '/v2/users/new', message), 'id');
    subject.deleteAfterwards(`/v2/users/${id}`);
    return id;
  };

  it('calls errors by name over Connect and by number over REST', async () => {
    const overConnect = await subject.as('no-such-token')('POST', `${services.projects}/ListProjects`, {});
    expect(overConnect).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const overRest = await subject.as('no-such-token')('POST', '/v2/users', {});
    expect([overRest.status, at(overRest, 'code')]).toEqual([401, 16]);
    const nobody = await subject.ask('DELETE', '/v2/users/111111111111111111');
    expect([nobody.status, at(nobody, 'code')]).toEqual([404, 5]);
  });

  it('writes the details of a Connect error as protobuf in base64', async () => {
    const name = `${subject.prefix}-twice`;
    const message = { organizationId: subject.orgId, name };
    subject.deleteAfterwards(
      `/management/v1/projects/${textOf(await call('projects', 'CreateProject', message), 'projectId')}`,
    );
    const second = await call('projects', 'CreateProject', message);
    expect(second).toMatchObject({ status: 409, body: { code: 'already_exists' } });
    const value = Buffer.from(textOf(second, 'details', 0, 'value'), 'base64').toString('utf8');
    expect(value).toMatch(/V3-DKcYh|SQL-M0dsf/);
  });

  it('knows no method that it does not have', async () => {
    expect((await call('projects', 'NoSuchMethod', {})).status).toBe(404);
  });

  it('makes, finds and changes a machine user under names of its own', async () => {
    const userId = await makeUser('machine', { accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' });
    const username = `${subject.prefix}-machine`;
    const userNameQuery = { userName: username, method: 'TEXT_QUERY_METHOD_EQUALS' };
    const queries = [{ userNameQuery }, { organizationIdQuery: { organizationId: subject.orgId } }];
    const found = await eventually(
      () => subject.ask('POST', '/v2/users', { query: { limit: 10 }, queries }),
      (answer) => results(answer).length === 1,
    );
    expect(results(found)[0]).toMatchObject({
      ...{ userId, username, state: 'USER_STATE_ACTIVE' },
      machine: { name: 'machine', accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' },
    });
    const again = { organizationId: subject.orgId, username, machine: { name: 'again' } };
    const second = await subject.ask('POST', '/v2/users/new', again);
    expect([second.status, at(second, 'code')]).toEqual([409, 6]);
    const change = (machine: object) => subject.ask('PATCH', `/v2/users/${userId}`, { machine });
    expect((await change({ description: 'bench 3' })).status).toBe(200);
    // Nothing to change is no error in v2.
    expect((await change({ description: 'bench 3' })).status).toBe(200);
    const user = await subject.ask('GET', `/v2/users/${userId}`);
    expect(at(user, 'user', 'machine')).toMatchObject({ name: 'machine', description: 'bench 3' });
  });

  it('sees in v2 what v1 made, and the other way round', async () => {
    const made = await makeMachine(subject, 'from-v1');
    expect((await subject.ask('GET', `/v2/users/${made}`)).status).toBe(200);
    const second = await makeUser('from-v2');
    const user = await subject.ask('GET', `/management/v1/users/${second}`);
    expect(at(user, 'user', 'userName')).toBe(`${subject.prefix}-from-v2`);
  });

  it('mints and registers keys; a registered one has no content, and both sign in', async () => {
    const userId = await makeUser('keys', { accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' });
    const keys = `/v2/users/${userId}/keys`;
    const expiresAt = Math.floor(Date.now() / 1000) * 1000 + 86_400_000 + 137;
    const expirationDate = new Date(expiresAt).toISOString();
    const minted = await subject.ask('POST', keys, { expirationDate });
    const file = readKeyFile(minted, 'keyContent');
    expect(file.members).toMatchObject({ type: 'serviceaccount', keyId: textOf(minted, 'keyId'), userId });
    const pair = freshPair();
    const registered = await subject.ask('POST', keys, {
      expirationDate: tomorrow(),
      publicKey: pair.publicKey,
    });
    expect(registered.body).not.toHaveProperty('keyContent');
    const own = { keyId: textOf(registered, 'keyId'), userId, privateKey: pair.privateKey };
    for (const key of [file, own]) {
      await eventually(
        () => login(subject, key, 'openid'),
        (answer) => answer.status === 200,
      );
    }
    const filters = [{ userIdFilter: { id: userId } }];
    const listed = await eventually(
      () => subject.ask('POST', '/v2/users/keys/search', { pagination: { limit: 10 }, filters }),
      (answer) => results(answer).length === 2,
    );
    expect(new Set(results(listed).map(({ id }) => id))).toEqual(new Set([file.keyId, own.keyId]));
    const ended = results(listed).find(({ id }) => id === file.keyId)?.expirationDate;
    expect(Date.parse(String(ended))).toBe(expiresAt);
    expect((await subject.ask('DELETE', `${keys}/${file.keyId}`)).status).toBe(200);
    // The description promises success for a key that is gone, the server's source says 404.
    expect([200, 404]).toContain((await subject.ask('DELETE', `${keys}/${file.keyId}`)).status);
  });

  it('wants an expiry for a key, where v1 has a default', async () => {
    const userId = await makeUser('no-expiry');
    const answer = await subject.ask('POST', `/v2/users/${userId}/keys`, {});
    expect([answer.status, at(answer, 'code')]).toEqual([400, 3]);
  });

  it('makes projects and roles and finds them by filter', async () => {
    const name = `${subject.prefix}-project`;
    const message = { organizationId: subject.orgId, name, projectRoleAssertion: true };
    const projectId = textOf(await call('projects', 'CreateProject', message), 'projectId');
    subject.deleteAfterwards(`/management/v1/projects/${projectId}`);
    const role = { projectId, roleKey: 'device', displayName: 'Device' };
    expect((await call('projects', 'AddProjectRole', role)).status).toBe(200);
    expect(await call('projects', 'AddProjectRole', role)).toMatchObject({
      status: 409,
      body: { code: 'already_exists' },
    });
    const filters = [
      { projectNameFilter: named('projectName', name) },
      { organizationIdFilter: { organizationId: subject.orgId, type: 'OWNED' } },
    ];
    const found = await eventually(
      () => call('projects', 'ListProjects', { pagination: { limit: 10 }, filters }),
      (answer) => results(answer, 'projects').length === 1,
    );
    expect(results(found, 'projects')[0]).toMatchObject({
      ...{ projectId, name, organizationId: subject.orgId, projectRoleAssertion: true },
      state: 'PROJECT_STATE_ACTIVE',
    });
    const roles = await eventually(
      () =>
        call('projects', 'ListProjectRoles', {
          projectId,
          filters: [{ roleKeyFilter: named('key', 'device') }],
        }),
      (answer) => results(answer, 'projectRoles').length === 1,
    );
    expect(results(roles, 'projectRoles')[0]).toMatchObject({
      projectId,
      key: 'device',
      displayName: 'Device',
    });
  });

  it('says nothing about deleting a project or an authorization that is gone', async () => {
    const projectId = await makeProject(subject, 'gone');
    expect((await call('projects', 'DeleteProject', { projectId })).status).toBe(200);
    expect((await call('projects', 'DeleteProject', { projectId })).status).toBe(200);
    const gone = await call('authorizations', 'DeleteAuthorization', { id: '111111111111111111' });
    expect(gone.status).toBe(200);
  });

  it('gives, finds, changes and takes authorizations', async () => {
    const projectId = await makeProject(subject, 'authorizations');
    for (const roleKey of ['device', 'spare']) {
      await call('projects', 'AddProjectRole', { projectId, roleKey, displayName: roleKey });
    }
    const userId = await makeUser('authorized');
    const message = { userId, projectId, organizationId: subject.orgId, roleKeys: ['device'] };
    const id = textOf(await call('authorizations', 'CreateAuthorization', message), 'id');
    expect(await call('authorizations', 'CreateAuthorization', message)).toMatchObject({
      status: 409,
      body: { code: 'already_exists' },
    });
    const unknown = await call('authorizations', 'UpdateAuthorization', { id, roleKeys: ['pilot'] });
    expect(unknown).toMatchObject({ status: 400, body: { code: 'failed_precondition' } });
    const both = { id, roleKeys: ['device', 'spare'] };
    expect((await call('authorizations', 'UpdateAuthorization', both)).status).toBe(200);
    const filters = [{ inUserIds: { ids: [userId] } }, { projectId: { id: projectId } }];
    const found = await eventually(
      () => call('authorizations', 'ListAuthorizations', { filters }),
      (answer) => JSON.stringify(results(answer, 'authorizations')).includes('spare'),
    );
    expect(results(found, 'authorizations')[0]).toMatchObject({
      ...{ id, user: { id: userId }, project: { id: projectId }, organization: { id: subject.orgId } },
      roles: [{ key: 'device' }, { key: 'spare' }],
    });
    expect((await call('authorizations', 'DeleteAuthorization', { id })).status).toBe(200);
  });

  it('makes applications with the client id inside their configuration', async () => {
    const projectId = await makeProject(subject, 'applications');
    const name = `${subject.prefix}-native`;
    const message = {
      projectId,
      name,
      oidcConfiguration: {
        responseTypes: ['OIDC_RESPONSE_TYPE_CODE'],
        grantTypes: ['OIDC_GRANT_TYPE_DEVICE_CODE', 'OIDC_GRANT_TYPE_REFRESH_TOKEN'],
        applicationType: 'OIDC_APP_TYPE_NATIVE',
        authMethodType: 'OIDC_AUTH_METHOD_TYPE_NONE',
        accessTokenType: 'OIDC_TOKEN_TYPE_JWT',
      },
    };
    const created = await call('applications', 'CreateApplication', message);
    const applicationId = textOf(created, 'applicationId');
    const clientId = textOf(created, 'oidcConfiguration', 'clientId');
    expect(at(created, 'oidcConfiguration')).not.toHaveProperty('nonCompliant');
    expect(await call('applications', 'CreateApplication', message)).toMatchObject({ status: 409 });
    const filters = [{ projectIdFilter: { projectId } }, { nameFilter: named('name', name) }];
    const found = await eventually(
      () => call('applications', 'ListApplications', { filters }),
      (answer) => results(answer, 'applications').length === 1,
    );
    expect(results(found, 'applications')[0]).toMatchObject({
      ...{ applicationId, name, state: 'APPLICATION_STATE_ACTIVE' },
      oidcConfiguration: { clientId, applicationType: 'OIDC_APP_TYPE_NATIVE' },
    });
    // What is left out of an update stays as it is.
    const change = { oidcConfiguration: { idTokenRoleAssertion: true } };
    const changed = await call('applications', 'UpdateApplication', { projectId, applicationId, ...change });
    expect(changed.status).toBe(200);
    const app = await eventually(
      () => call('applications', 'GetApplication', { applicationId }),
      (answer) => at(answer, 'application', 'oidcConfiguration', 'idTokenRoleAssertion') === true,
    );
    expect(at(app, 'application', 'oidcConfiguration', 'accessTokenType')).toBe('OIDC_TOKEN_TYPE_JWT');
  });

  it('gives an API application keys', async () => {
    const projectId = await makeProject(subject, 'api');
    const created = await call('applications', 'CreateApplication', {
      ...{ projectId, name: `${subject.prefix}-api` },
      apiConfiguration: { authMethodType: 'API_AUTH_METHOD_TYPE_PRIVATE_KEY_JWT' },
    });
    expect(textOf(created, 'apiConfiguration', 'clientId')).toBeTruthy();
    const applicationId = textOf(created, 'applicationId');
    const key = await call('applications', 'CreateApplicationKey', {
      ...{ projectId, applicationId },
      expirationDate: tomorrow(),
    });
    expect(readKeyFile(key, 'keyDetails').members).toMatchObject({
      type: 'application',
      appId: applicationId,
    });
  });

  it('names administrators where v1 has members', async () => {
    const userId = await makeUser('administrator');
    const where = { userId, resource: { organizationId: subject.orgId } };
    const roles = ['ORG_OWNER_VIEWER'];
    expect((await call('administrators', 'CreateAdministrator', { ...where, roles })).status).toBe(200);
    const found = await eventually(
      () =>
        call('administrators', 'ListAdministrators', { filters: [{ inUserIdsFilter: { ids: [userId] } }] }),
      (answer) => results(answer, 'administrators').length === 1,
    );
    expect(results(found, 'administrators')[0]).toMatchObject({
      user: { id: userId },
      organization: { id: subject.orgId },
      roles,
    });
    expect((await call('administrators', 'DeleteAdministrator', where)).status).toBe(200);
    expect((await call('administrators', 'DeleteAdministrator', where)).status).toBe(200);
  });
});
