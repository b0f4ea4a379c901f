/** One password for everybody: this is a lab, and its sign-in page shows it. */
export const labPassword = 'Enroll-the-bench-1!';

/** Manager roles of the lab, as Zitadel calls them, and the permissions each one carries. */
export const permissionsOfRole = {
  ORG_OWNER: [
    'org.read',
    'org.write',
    'user.read',
    'user.write',
    'user.delete',
    'user.grant.read',
    'user.grant.write',
    'user.grant.delete',
    'project.read',
    'project.create',
    'project.write',
    'project.role.read',
    'project.role.write',
    'project.app.read',
    'project.app.write',
  ],
  ORG_OWNER_VIEWER: [
    'org.read',
    'user.read',
    'user.grant.read',
    'project.read',
    'project.role.read',
    'project.app.read',
  ],
} as const satisfies Record<string, readonly string[]>;

export type ManagerRole = keyof typeof permissionsOfRole;
export type Permission = (typeof permissionsOfRole)['ORG_OWNER'][number];

export interface LabOperator {
  readonly loginName: string;
  readonly displayName: string;
  readonly password: string;
  /** What this person may do, for the sign-in page. */
  readonly about: string;
}

/** The people of the lab: one who may enroll and two who may not, so that both refusals can be seen. */
export const labPeople = {
  owner: {
    loginName: 'operator@muster.lab',
    displayName: 'Bench Operator',
    password: labPassword,
    about: 'Organisation owner: may enroll devices',
  },
  auditor: {
    loginName: 'auditor@muster.lab',
    displayName: 'Auditor',
    password: labPassword,
    about: 'Viewer: may look, every change is refused',
  },
  trainee: {
    loginName: 'trainee@muster.lab',
    displayName: 'Trainee',
    password: labPassword,
    about: 'No manager role: may sign in, nothing else',
  },
} as const satisfies Record<string, LabOperator>;
