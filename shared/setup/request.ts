import { z } from 'zod';

/** A name that is safe in a file name on every system, since a key file is called like its user. */
const fileSafe = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, 'has letters, digits, ".", "_" and "-" only');
const displayName = z
  .string()
  .trim()
  .min(1, 'is empty')
  .max(200, 'is longer than 200 characters')
  .regex(/^[^\p{C}]*$/u, 'has control characters');
const role = z
  .string()
  .min(1, 'is empty')
  .max(200)
  .regex(/^[^\s\p{C},=]+$/u, 'has no spaces, commas or "="');

const machineUser = z.strictObject({
  name: fileSafe.refine(
    (name) => !name.startsWith('device-'),
    'starts with "device-", which is for the accounts of devices',
  ),
  /** On the project. */
  roles: z.array(role).min(1).max(50),
});

/** What an identity provider is to be set up with. */
export const setUpRequestSchema = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }),
  project: displayName,
  /** Beside `device`, which is always there. */
  roles: z.array(role).max(50).default([]),
  apiApp: displayName.default('Muster API'),
  deviceApp: displayName.default('Muster station'),
  machineUsers: z
    .array(machineUser)
    .max(200)
    .refine((users) => new Set(users.map(({ name }) => name)).size === users.length, 'names one user twice')
    .default([]),
  keyValidForDays: z.int().min(1).max(3650).default(730),
});

export type SetUpRequest = z.infer<typeof setUpRequestSchema>;

/** The role every device is granted. */
export const DEVICE_ROLE = 'device';

/** Every role the request needs, each once, the device's first. */
export function rolesOf(request: SetUpRequest): readonly string[] {
  return [...new Set([DEVICE_ROLE, ...request.roles, ...request.machineUsers.flatMap((user) => user.roles)])];
}
