/** One password for everybody: this is a lab, and its sign-in page shows it. */
export const labPassword = 'Enroll-the-bench-1!';

const read = [
  'org.read',
  'org.member.read',
  'user.read',
  'user.grant.read',
  'project.read',
  'project.member.read',
  'project.role.read',
  'project.app.read',
] as const;
const projectWrite = [
  'project.write',
  'project.delete',
  'project.member.write',
  'project.member.delete',
  'project.role.write',
  'project.role.delete',
  'project.app.write',
  'project.app.delete',
] as const;
const userWrite = [
  'user.write',
  'user.delete',
  'user.grant.write',
  'user.grant.delete',
  'user.credential.write',
] as const;
const orgOwner = [
  ...read,
  'project.create',
  ...projectWrite,
  ...userWrite,
  'org.write',
  'org.member.write',
  'org.member.delete',
] as const;

/** Manager roles as Zitadel calls them, and the permissions of each that a station may meet. */
export const permissionsOfRole = {
  IAM_OWNER: [
    'iam.read',
    'iam.write',
    'iam.member.read',
    'iam.member.write',
    'iam.member.delete',
    'org.create',
    ...orgOwner,
  ],
  IAM_OWNER_VIEWER: ['iam.read', 'iam.member.read', ...read],
  ORG_OWNER: orgOwner,
  ORG_OWNER_VIEWER: read,
  ORG_USER_MANAGER: [
    'org.read',
    'org.member.read',
    'user.read',
    'user.grant.read',
    'project.read',
    ...userWrite,
  ],
  ORG_PROJECT_CREATOR: ['user.read', 'project.read', 'project.create'],
  PROJECT_OWNER: [...read, ...projectWrite, 'user.grant.write', 'user.grant.delete'],
  PROJECT_OWNER_VIEWER: read,
} as const satisfies Record<string, readonly string[]>;

export type ManagerRole = keyof typeof permissionsOfRole;
export type Permission = (typeof permissionsOfRole)['IAM_OWNER'][number];

/** Which roles can be given in which place. */
export const rolesOfScope = {
  instance: ['IAM_OWNER', 'IAM_OWNER_VIEWER'],
  org: ['ORG_OWNER', 'ORG_OWNER_VIEWER', 'ORG_USER_MANAGER', 'ORG_PROJECT_CREATOR'],
  project: ['PROJECT_OWNER', 'PROJECT_OWNER_VIEWER'],
} as const satisfies Record<string, readonly ManagerRole[]>;

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
