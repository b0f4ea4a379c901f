import type { LabIdentity } from './lab-identity-file.ts';
import type { MachineProfile } from './model.ts';
import { addApp } from './operations/apps.ts';
import { addMember, addOrganisation } from './operations/members.ts';
import { addProject, addRoles } from './operations/projects.ts';
import { addUser } from './operations/users.ts';
import type { LabIdentitySettings } from './options.ts';
import { labPeople } from './people.ts';
import type { World } from './world.ts';

/** What the lab's second organisation is called; nobody of the first one can see into it. */
export const otherOrgName = 'Other Plant';

/**
 * Fills a store as a set-up Zitadel would be: organisations, people, and unless it is to be bare the fleet
 * project with the role `device` and the station's application.
 */
export function seed(world: World, settings: LabIdentitySettings, identity: LabIdentity): void {
  const { orgId, operatorIds } = identity;
  addOrganisation(world, { id: orgId, name: settings.orgName, domain: 'muster.lab' });
  addOrganisation(world, { id: identity.otherOrgId, name: otherOrgName, domain: 'other.lab' });
  for (const part of ['owner', 'auditor', 'trainee'] as const) {
    const { loginName, displayName, about, password } = labPeople[part];
    const human = { displayName, about, password };
    addUser(world, { id: operatorIds[part], orgId, userName: loginName, human });
  }
  addMachine(world, operatorIds.admin, orgId, 'muster-admin', identity.adminToken);
  addMachine(world, operatorIds.instanceOwner, orgId, 'instance-owner', identity.instanceToken);
  addMachine(world, operatorIds.bystander, orgId, 'bystander', identity.powerlessToken);
  const inOrg = { kind: 'org', orgId } as const;
  const give = (userId: string, scope: Parameters<typeof addMember>[1]['scope'], role: string): void => {
    addMember(world, { orgId, scope, userId, roles: [role] });
  };
  give(operatorIds.owner, inOrg, 'ORG_OWNER');
  give(operatorIds.auditor, inOrg, 'ORG_OWNER_VIEWER');
  give(operatorIds.admin, inOrg, 'ORG_OWNER');
  give(operatorIds.instanceOwner, { kind: 'instance' }, 'IAM_OWNER');
  if (!settings.bare) seedFleet(world, settings, identity);
}

function addMachine(world: World, id: string, orgId: string, userName: string, token: string): void {
  const machine: MachineProfile = {
    name: userName,
    description: '',
    accessTokenType: 'ACCESS_TOKEN_TYPE_BEARER',
  };
  addUser(world, { id, orgId, userName, machine });
  const pat = { userId: id, orgId, token, expiresAt: Date.parse('9999-12-31'), lastUsedAt: undefined };
  const patId = world.nextId();
  world.store.pats.set(patId, { id: patId, ...pat, ...world.store.born() });
}

function seedFleet(world: World, settings: LabIdentitySettings, identity: LabIdentity): void {
  const project = addProject(world, {
    id: identity.projectId,
    orgId: identity.orgId,
    name: settings.projectName,
    projectRoleAssertion: true,
  });
  addRoles(world, project, [{ key: 'device', displayName: 'Device', group: '' }]);
  addApp(world, project, {
    id: identity.appId,
    clientId: identity.clientId,
    name: 'Muster station',
    oidc: {
      redirectUris: [],
      responseTypes: ['CODE'],
      grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'],
      appType: 'NATIVE',
      authMethod: 'NONE',
      postLogoutRedirectUris: [],
      devMode: false,
      tokenType: 'JWT',
      accessTokenRoleAssertion: true,
      idTokenRoleAssertion: true,
      idTokenUserinfoAssertion: false,
    },
  });
}
