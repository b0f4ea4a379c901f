import type { LabIdentity } from './lab-identity-file.ts';
import { addProject, addRole } from './management/project-routes.ts';
import { addUser } from './management/user-routes.ts';
import type { LabIdentitySettings } from './options.ts';
import { labPeople } from './people.ts';
import { Store } from './store.ts';

/** A store as a set-up Zitadel would be: organisation, people, fleet project with the role `device`. */
export function seededStore(settings: LabIdentitySettings, identity: LabIdentity): Store {
  const primaryDomain = 'muster.lab';
  const store = new Store(
    { id: identity.orgId, name: settings.orgName, primaryDomain },
    settings.searchLagMs,
  );
  const managerRoles = { owner: 'ORG_OWNER', auditor: 'ORG_OWNER_VIEWER', trainee: undefined } as const;
  for (const part of ['owner', 'auditor', 'trainee'] as const) {
    const { loginName, displayName, about, password } = labPeople[part];
    addUser(store, {
      id: identity.operatorIds[part],
      userName: loginName,
      loginName,
      managerRole: managerRoles[part],
      human: { displayName, about, password },
    });
  }
  addUser(store, {
    id: identity.operatorIds.admin,
    userName: 'muster-admin',
    loginName: `muster-admin@${primaryDomain}`,
    managerRole: 'ORG_OWNER',
    machine: { name: 'Muster admin', description: '', accessTokenType: 'ACCESS_TOKEN_TYPE_BEARER' },
  });
  const project = addProject(store, identity.projectId, {
    name: settings.projectName,
    projectRoleAssertion: true,
  });
  addRole(store, project, { key: 'device', displayName: 'Device', group: '' });
  return store;
}
