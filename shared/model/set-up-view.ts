import { z } from 'zod';
import { errorViewSchema } from './station-state.ts';

/** How long an administrator's token is held while nothing is done with it. */
export const TOKEN_KEPT_MINUTES = 15;

/** The guided set-up of an identity provider as the window shows it. Nothing in here is a secret. */

export const setUpItemSchema = z.object({
  kind: z.enum([
    ...(['organisation', 'project', 'role', 'device-app', 'api-app'] as const),
    ...(['machine-user', 'grant', 'key', 'file'] as const),
  ]),
  name: z.string(),
  state: z.enum(['created', 'already', 'changed', 'would-create', 'would-change']),
  /** The provider's id; of an application its client id. */
  id: z.string().optional(),
  /** What was put right, or where it was kept. */
  note: z.string().optional(),
});
export type SetUpItemView = z.infer<typeof setUpItemSchema>;

/** Why a token is not there any more: the run is done, the screen was left, or nothing was done with it for a while. */
const forgotten = z.enum(['done', 'left', 'unused']).optional();
export type TokenForgotten = NonNullable<z.infer<typeof forgotten>>;

/** Whom the administrator's token speaks for, and where the results go. */
const checked = {
  issuer: z.string(),
  /** Whose token it is; absent where the provider does not tell. */
  account: z.string().optional(),
  /** Generation of the provider's API that is spoken. */
  api: z.enum(['v1', 'v2']),
  organisation: z.object({ id: z.string(), name: z.string() }),
  /** What the token may not do of all that is needed. */
  missingRights: z.array(z.string()),
  /** Offered for the results; absolute. */
  folder: z.string(),
};

export const setUpViewSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('idle'), forgotten }),
  z.object({ state: z.literal('ready'), ...checked }),
  z.object({ state: z.literal('running'), ...checked, items: z.array(setUpItemSchema) }),
  z.object({
    state: z.literal('done'),
    ...checked,
    items: z.array(setUpItemSchema),
    /** Things that are different from before. */
    changes: z.number().int().nonnegative(),
    profilePath: z.string(),
  }),
  z.object({
    state: z.literal('failed'),
    ...checked,
    items: z.array(setUpItemSchema),
    error: errorViewSchema,
    /** Absent while the run can be tried again with the token that it had. */
    forgotten,
  }),
]);
export type SetUpView = z.infer<typeof setUpViewSchema>;

/** Issuer and token. The engine keeps the token until the run is done, the screen is left, or it was not used for a while. */
export const setUpCheckSchema = z.object({
  issuer: z.string().min(1).max(300),
  token: z.string().min(1).max(8192),
  organisationId: z.string().max(200).optional(),
  caFile: z.string().max(4096).optional(),
  acceptInvalidCertificates: z.boolean().optional(),
});

/** The names of what is to be there. */
export const setUpNamesSchema = z.object({
  project: z.string().max(300),
  deviceApp: z.string().max(300),
  apiApp: z.string().max(300),
  /** Beside `device`, which is always there. */
  roles: z.array(z.string().max(300)).max(50),
  machineUsers: z
    .array(z.object({ name: z.string().max(300), roles: z.array(z.string().max(300)).max(50) }))
    .max(50),
  natsUrls: z.array(z.string().max(300)).max(16),
  folder: z.string().min(1).max(4096),
});
export type SetUpNames = z.infer<typeof setUpNamesSchema>;
