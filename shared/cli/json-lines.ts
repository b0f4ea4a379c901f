import { z } from 'zod';
import { doctorChecks } from '../engine/doctor-checks.ts';
import { enrollmentStates, stepIds, stepStates } from '../model/enrollment.ts';
import { errorCodes } from '../model/error-codes.ts';
import { decommissionFindingSchema, decommissionSchema, heartbeatSchema } from '../model/station-state.ts';
import { setUpKinds, setUpStates } from '../setup/report.ts';

/**
 * What `--json` prints: one object a line, each with the version of this format, its event and its time. Within a
 * version, events and fields are only added: readers skip what they do not know.
 */
export const JSON_LINES_VERSION = 1;

const error = z.object({
  code: z.enum(errorCodes),
  title: z.string(),
  says: z.string(),
  cause: z.string(),
  operatorDoes: z.string(),
  stepId: z.enum(stepIds).optional(),
  evidence: z.string().optional(),
});
const seconds = z.number().nonnegative();
const instant = z.iso.datetime();
const deviceId = z.string();

const action = z.object({
  kind: z.enum(['identity', 'command', 'upload', 'mint-key', 'delete-key', 'wait-for-heartbeat']),
  shows: z.string(),
  script: z.string().optional(),
  file: z.string().optional(),
  sizeBytes: z.number().optional(),
  sha256: z.string().optional(),
  keyId: z.string().optional(),
});

/** Every event, with its fields beside `v`, `event` and `at`. */
export const eventFields = {
  /** Somebody has to approve this code. */
  'sign-in': z.object({ url: z.string(), completeUrl: z.string(), code: z.string(), expiresAt: instant }),
  /** Another station of this account on this computer shows a code, and is waited for. */
  'other-signs-in': z.object({ since: instant }),
  'signed-in': z.object({
    account: z.string(),
    /** Where the provider tells it. */
    organisation: z.string().optional(),
    remembered: z.enum(['keychain', 'memory', 'given']),
    note: z.string(),
  }),
  /** What became of the remembered sign-in; `place` is where it was looked for. */
  'signed-out': z.object({
    state: z.enum(['revoked', 'not-revoked', 'handed-in', 'nothing']),
    account: z.string().optional(),
    place: z.string(),
    /** It could not be taken away from there. */
    stays: z.boolean().optional(),
  }),
  'batch-started': z.object({
    batchId: z.string(),
    devices: z.array(z.object({ deviceId, target: z.string() })),
  }),
  step: z.object({
    deviceId,
    attempt: z.number().int().positive(),
    step: z.enum(stepIds),
    state: z.enum(stepStates),
    seconds: seconds.optional(),
    note: z.string().optional(),
  }),
  /** The device holds its place until somebody signs in; `isWaiting` false: it goes on. */
  'device-awaits-sign-in': z.object({
    deviceId,
    attempt: z.number().int().positive(),
    isWaiting: z.boolean(),
    step: z.enum(stepIds).optional(),
  }),
  /** The device showed a key that was named as expected in place of the known one: it is known from now on. */
  'host-key-trusted': z.object({ deviceId, place: z.string(), expected: z.string(), actual: z.string() }),
  'device-ended': z.object({
    deviceId,
    attempt: z.number().int().positive(),
    state: z.enum(enrollmentStates),
    seconds,
    roundTrips: z.number().int().nonnegative(),
    hostKeyFingerprint: z.string().optional(),
    error: error.optional(),
  }),
  notice: z.object({ tone: z.enum(['info', 'attention', 'failed']), text: z.string() }),
  summary: z.object({
    total: z.number().int(),
    enrolled: z.number().int(),
    failed: z.number().int(),
    stopped: z.number().int(),
    /** Devices that had to wait for a sign-in on the way. */
    awaitedSignIn: z.number().int(),
    seconds,
  }),
  preview: z.object({
    deviceId,
    target: z.string(),
    system: z.string(),
    architecture: z.string(),
    hostKeyFingerprint: z.string().optional(),
    hostKeyIsPinned: z.boolean(),
    /** The board on record the id would be taken over from. */
    takesOver: z.string().optional(),
    /** Another board was heard under this id lately: an enrollment listens for it. */
    mayBeAlive: z.string().optional(),
    trips: z.number().int(),
    changes: z.boolean(),
    steps: z.array(
      z.object({
        id: z.enum(stepIds),
        state: z.enum(['already', 'skipped', 'pending']),
        why: z.string().optional(),
        actions: z.array(action),
      }),
    ),
  }),
  diagnosis: z.object({
    target: z.string(),
    deviceId: deviceId.optional(),
    problems: z.number().int(),
    findings: z.array(
      z.object({
        check: z.enum(doctorChecks),
        state: z.enum(['ok', 'problem', 'unknown']),
        says: z.string(),
        operatorDoes: z.string().optional(),
        code: z.enum(errorCodes).optional(),
        evidence: z.string().optional(),
      }),
    ),
  }),
  /** `decommissionedAt`: this station has taken the device out of the fleet, and its agent reports on. */
  heartbeat: heartbeatSchema.extend({ decommissionedAt: instant.optional() }),
  run: z.object({
    deviceId,
    batchId: z.string(),
    target: z.string(),
    state: z.enum(['running', 'enrolled', 'failed', 'stopped', 'decommissioned']),
    attempt: z.number().int(),
    startedAt: instant,
    finishedAt: instant.optional(),
    errorCode: z.string().optional(),
    roundTrips: z.number().int(),
  }),
  /** How a decommission ended. */
  decommission: decommissionSchema.pick({ deviceId: true, state: true }).extend({
    findings: z.array(decommissionFindingSchema.omit({ error: true }).extend({ error: error.optional() })),
  }),
  'manifest-problem': z.object({ row: z.number().int(), column: z.string(), says: z.string() }),
  /** One thing that has to be at the identity provider, or a file that names them. */
  'set-up-item': z.object({
    kind: z.enum(setUpKinds),
    name: z.string(),
    state: z.enum(setUpStates),
    id: z.string().optional(),
    note: z.string().optional(),
  }),
  'set-up': z.object({
    issuer: z.string(),
    organisationId: z.string(),
    projectId: z.string().optional(),
    clientId: z.string().optional(),
    changes: z.number().int().nonnegative(),
    dryRun: z.boolean(),
    profile: z.string(),
    clientConfig: z.string(),
  }),
  imported: z.object({
    issuer: z.string(),
    projectId: z.string(),
    clientId: z.string(),
    profile: z.string(),
  }),
  /** What ended the command as a whole, or one device of a dry run. */
  error: z.object({ deviceId: deviceId.optional(), error }),
  /** What is wrong with the command line. */
  usage: z.object({ says: z.string() }),
  /** Always the last line. */
  end: z.object({ exitCode: z.number().int() }),
} as const;

export type EventName = keyof typeof eventFields;
export type EventFields<Name extends EventName> = z.infer<(typeof eventFields)[Name]>;

/** Schema of one line. */
export function lineSchema<Name extends EventName>(name: Name) {
  return z
    .object({ v: z.literal(JSON_LINES_VERSION), event: z.literal(name), at: instant })
    .extend((eventFields[name] as z.ZodObject).shape);
}

/** One line, with its line break. What is undefined is left out. */
export function jsonLine<Name extends EventName>(
  name: Name,
  fields: EventFields<Name>,
  nowMs: number,
): string {
  const head = { v: JSON_LINES_VERSION, event: name, at: new Date(nowMs).toISOString() };
  return `${JSON.stringify({ ...head, ...fields })}\n`;
}
