import { z } from 'zod';
import { enrollmentStates, stepIds, stepStates } from './enrollment.ts';
import { errorCodes } from './error-codes.ts';

/**
 * What the window shows, as plain data. The engine owns it; the window gets one snapshot and then deltas.
 * Instants are milliseconds since 1970, UTC. Nothing in here is a secret.
 */

const instant = z.number().int().nonnegative();

export const errorViewSchema = z.object({
  code: z.enum(errorCodes),
  title: z.string(),
  says: z.string(),
  cause: z.string(),
  operatorDoes: z.string(),
  retry: z.enum(['now', 'after-fix', 'never']),
  secretNeeded: z.enum(['ssh-password', 'sudo-password', 'key-passphrase']).optional(),
  offer: z.enum(['set-clock', 'take-over']).optional(),
  stepId: z.enum(stepIds).optional(),
  subject: z.string().optional(),
  evidence: z.string().optional(),
  /** Of a host key that changed: what the operator compares before trusting the new one. */
  hostKey: z
    .object({
      place: z.string(),
      expected: z.string(),
      actual: z.string(),
      /** Of the new key. */
      keyType: z.string().optional(),
    })
    .optional(),
});

export const lampSchema = z.object({
  state: z.enum(['ok', 'working', 'waiting', 'attention', 'failed']),
  /** One or two words: `ok`, `signing in`, `waits for sign-in`. */
  word: z.string(),
  detail: z.string().optional(),
});
export type Lamp = z.infer<typeof lampSchema>;

export const sessionSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('signed-out'), error: errorViewSchema.optional() }),
  z.object({ state: z.literal('starting') }),
  /** Another station of this account on this computer shows a code; its sign-in is taken up once it succeeds. */
  z.object({ state: z.literal('other-signs-in'), since: instant }),
  z.object({
    state: z.literal('awaiting-approval'),
    userCode: z.string(),
    verificationUri: z.string(),
    verificationUriComplete: z.string(),
    requestedAt: instant,
    expiresAt: instant,
    intervalSeconds: z.number().positive(),
    /** Undefined until the browser was asked to open; false when it could not be opened. */
    browserOpened: z.boolean().optional(),
    /** Why other stations of this computer will not use this sign-in; undefined where they will. */
    notShared: z.string().optional(),
  }),
  z.object({
    state: z.literal('signed-in'),
    account: z.string(),
    organisation: z.string().optional(),
    /** Left out where a token was handed in that does not tell. */
    expiresAt: instant.optional(),
    renewable: z.boolean(),
    /** By an access token that a person has handed in: it is neither renewed nor revoked by this station. */
    handedIn: z.literal(true).optional(),
    remembered: z.enum(['keychain', 'memory']),
    /** Name of the keychain, or why it is not remembered. */
    rememberedNote: z.string(),
    /** Why it could not be renewed lately. The sign-in is kept, and its provider asked again. */
    error: errorViewSchema.optional(),
  }),
]);
export type SessionView = z.infer<typeof sessionSchema>;

export const profileViewSchema = z.object({
  name: z.string(),
  issuer: z.string(),
  projectId: z.string(),
  natsUrls: z.array(z.string()),
  sshUser: z.string(),
  labels: z.record(z.string(), z.string()),
  concurrency: z.number().int(),
  acceptsInvalidCerts: z.boolean(),
  /** An access token that is handed in may be remembered, where somebody asks for it. */
  remembersTokens: z.boolean(),
});
export type ProfileView = z.infer<typeof profileViewSchema>;

/** A row of the Bench: a device that can be enrolled. `rowId` stays while the id is edited. */
export const benchDeviceSchema = z.object({
  rowId: z.string(),
  deviceId: z.string(),
  target: z.string(),
  address: z.string(),
  /** What forbids enrolling this row. */
  problem: errorViewSchema.optional(),
  /** The rule's place in the id, 1-based, for the mark under the character. */
  problemPosition: z.number().int().optional(),
  /** Of the newest enrollment known to this station; `decommissioned`: it has left the fleet since. */
  lastState: z.enum([...enrollmentStates, 'decommissioned']).optional(),
});
export type BenchDevice = z.infer<typeof benchDeviceSchema>;

export const stepRecordSchema = z.object({
  id: z.enum(stepIds),
  state: z.enum(stepStates),
  startedAt: instant.optional(),
  durationMs: z.number().nonnegative().optional(),
  progress: z
    .object({ text: z.string(), done: z.number().optional(), total: z.number().optional() })
    .optional(),
  note: z.string().optional(),
});

export const deviceFactsViewSchema = z.object({
  model: z.string().optional(),
  serial: z.string().optional(),
  architecture: z.string().optional(),
  system: z.string().optional(),
  freeBytes: z.number().optional(),
  clockOffsetSeconds: z.number().optional(),
  /** The machine key the device signs in with, and when it ends, as the identity provider says. */
  keyId: z.string().optional(),
  keyExpiresAt: instant.optional(),
  keyMadeAt: instant.optional(),
  /** Where the private half was made. Known only of a key that was made while the station ran. */
  keyBorn: z.enum(['device', 'provider']).optional(),
});

export const enrollmentRowSchema = z.object({
  deviceId: z.string(),
  /** 1-based place on the bench; the ruler's tick. */
  position: z.number().int().positive(),
  target: z.string(),
  address: z.string(),
  state: z.enum(enrollmentStates),
  attempt: z.number().int().positive(),
  startedAt: instant.optional(),
  finishedAt: instant.optional(),
  steps: z.array(stepRecordSchema).length(stepIds.length),
  error: errorViewSchema.optional(),
  facts: deviceFactsViewSchema.optional(),
  hostKeyFingerprint: z.string().optional(),
  roundTrips: z.number().int().nonnegative(),
});
export type EnrollmentRow = z.infer<typeof enrollmentRowSchema>;

export const batchViewSchema = z.object({
  batchId: z.string(),
  name: z.string(),
  state: z.enum(['running', 'stopping', 'finished']),
  startedAt: instant,
  finishedAt: instant.optional(),
  concurrency: z.number().int().positive(),
  /** It gives every device a new key. */
  rotatesKeys: z.boolean().optional(),
});
export type BatchView = z.infer<typeof batchViewSchema>;

export const heartbeatSchema = z.object({
  deviceId: z.string(),
  /** Server time of the newest device info. */
  receivedAt: instant,
  revision: z.number().int().nonnegative(),
  keyId: z.string().optional(),
  agentVersion: z.string().optional(),
  startedAt: instant.optional(),
  hostname: z.string().optional(),
  os: z.string().optional(),
  architecture: z.string().optional(),
  addresses: z.array(z.string()).max(16),
  labels: z.record(z.string(), z.string()),
  uptimeSeconds: z.number().optional(),
  load1: z.number().optional(),
  memoryFreeBytes: z.number().optional(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

export const decommissionFindingSchema = z.object({
  what: z.enum(['keys', 'account', 'device', 'entry', 'records']),
  /** `gone`: it was not there any more. `kept`: left as it is, as was asked or because nothing can be done about it. */
  state: z.enum(['deleted', 'gone', 'kept', 'failed']),
  text: z.string(),
  error: errorViewSchema.optional(),
});
export type DecommissionFinding = z.infer<typeof decommissionFindingSchema>;

/** A device that is being taken out of the fleet, or was. */
export const decommissionSchema = z.object({
  deviceId: z.string(),
  /** `failed`: something is left; the same again goes on where it ended. */
  state: z.enum(['running', 'done', 'failed']),
  /** It has begun and cannot go on before somebody signs in again; then it does. */
  awaitsSignIn: z.boolean().optional(),
  startedAt: instant,
  finishedAt: instant.optional(),
  /** In the order it happened. */
  findings: z.array(decommissionFindingSchema),
  /** What ended it before its end. */
  error: errorViewSchema.optional(),
});
export type DecommissionView = z.infer<typeof decommissionSchema>;

/**
 * What the identity provider says of the machine key a device signs in with. `deleted`: the device goes on with a key that
 * the provider does not know any more. `none`: no key, or no account. `unsure`: several keys log in, and nothing tells which
 * one the device has.
 */
export const machineKeyViewSchema = z.object({
  standing: z.enum(['registered', 'deleted', 'none', 'unsure']),
  keyId: z.string().optional(),
  madeAt: instant.optional(),
  /** When it stops to log in; missing where the provider names no end. */
  expiresAt: instant.optional(),
  /** From here on an enrollment renews it. */
  renewFrom: instant.optional(),
  /** Where the private half was made. Known only of a key that was made while the station ran. */
  born: z.enum(['device', 'provider']).optional(),
  /** Keys of the account beside this one. */
  others: z.number().int().nonnegative(),
  /** When the provider was asked. */
  askedAt: instant,
});
export type MachineKeyView = z.infer<typeof machineKeyViewSchema>;

/** The station asks the provider for keys of the fleet, or did. */
export const keyLookUpSchema = z.object({
  state: z.enum(['running', 'finished', 'failed']),
  /** Devices asked for since it began, and those answered. */
  total: z.number().int().nonnegative(),
  done: z.number().int().nonnegative(),
  error: errorViewSchema.optional(),
});
export type KeyLookUp = z.infer<typeof keyLookUpSchema>;

export const noticeSchema = z.object({
  id: z.string(),
  tone: z.enum(['info', 'attention', 'failed']),
  at: instant,
  text: z.string(),
});
export type Notice = z.infer<typeof noticeSchema>;

export const stationStateSchema = z.object({
  revision: z.number().int().nonnegative(),
  station: z.object({
    name: z.string(),
    version: z.string(),
    /** Whether the computer the station runs on can be a device. */
    reachesThisComputer: z.boolean(),
  }),
  profile: profileViewSchema.optional(),
  lamps: z.object({ identity: lampSchema, nats: lampSchema, keychain: lampSchema }),
  session: sessionSchema,
  bench: z.array(benchDeviceSchema),
  batch: batchViewSchema.optional(),
  rows: z.record(z.string(), enrollmentRowSchema),
  fleet: z.record(z.string(), heartbeatSchema),
  /** Newest decommission of every device, by its id, since the station started; of one that reports on, also an earlier one. */
  decommissions: z.record(z.string(), decommissionSchema).optional(),
  /** Machine keys by device id, as far as they were seen since the station started. */
  keys: z.record(z.string(), machineKeyViewSchema).optional(),
  keyLookUp: keyLookUpSchema.optional(),
  notices: z.array(noticeSchema),
});
export type StationState = z.infer<typeof stationStateSchema>;

/**
 * Changes since the revision before. `rows` and `fleet` are merged by key, all else replaces its slice.
 * `null` clears an optional slice, or takes a heartbeat out of the fleet. A window that misses a revision asks for a snapshot.
 */
export const stationDeltaSchema = z.object({
  revision: z.number().int().positive(),
  /** Revision it builds on when several deltas were merged into one; `revision - 1` where it is missing. */
  since: z.number().int().nonnegative().optional(),
  profile: profileViewSchema.optional(),
  lamps: stationStateSchema.shape.lamps.optional(),
  session: sessionSchema.optional(),
  bench: z.array(benchDeviceSchema).optional(),
  batch: batchViewSchema.nullable().optional(),
  /** True when `rows` replaces all rows: a new batch began. */
  resetRows: z.boolean().optional(),
  rows: z.record(z.string(), enrollmentRowSchema).optional(),
  fleet: z.record(z.string(), heartbeatSchema.nullable()).optional(),
  /** Merged by key, like `rows`. */
  decommissions: z.record(z.string(), decommissionSchema).optional(),
  /** Merged by key, like `rows`. */
  keys: z.record(z.string(), machineKeyViewSchema).optional(),
  keyLookUp: keyLookUpSchema.optional(),
  notices: z.array(noticeSchema).optional(),
});
export type StationDelta = z.infer<typeof stationDeltaSchema>;

export const logLineSchema = z.object({
  /** Milliseconds since the enrollment's attempt began. */
  offsetMs: z.number().nonnegative(),
  kind: z.enum(['step', 'command', 'output', 'error-output', 'exit-ok', 'exit-failed', 'note', 'problem']),
  stepId: z.enum(stepIds).optional(),
  text: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;
