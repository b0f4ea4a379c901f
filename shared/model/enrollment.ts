import type { DeviceId } from './device-id.ts';

/** The steps of one enrollment, in the order of the board's columns. */
export const stepIds = [
  'check',
  'connect',
  'identity',
  'packages',
  'user',
  'binary',
  'key-config',
  'unit',
  'heartbeat',
] as const;

export type StepId = (typeof stepIds)[number];

/** Column heads and spoken names. */
export const stepTitles: Readonly<Record<StepId, string>> = {
  check: 'Check',
  connect: 'Connect',
  identity: 'Identity',
  packages: 'Packages',
  user: 'User',
  binary: 'Binary',
  'key-config': 'Key + config',
  unit: 'Unit',
  heartbeat: 'Heartbeat',
};

export const stepStates = ['waiting', 'running', 'done', 'already', 'skipped', 'failed', 'undone'] as const;

/**
 * State of a step on one device. `already`: found right, nothing changed. `undone`: its effect was
 * taken back because a later part failed.
 */
export type StepState = (typeof stepStates)[number];

export const enrollmentStates = [
  'waiting',
  'running',
  'awaiting-sign-in',
  'enrolled',
  'failed',
  'stopped',
] as const;

/**
 * State of one device in a batch. `awaiting-sign-in`: it has begun and cannot go on before somebody signs in again; then
 * it goes on by itself. `stopped`: the operator ended the batch before it finished.
 */
export type EnrollmentState = (typeof enrollmentStates)[number];

/** Whether a device has begun and not ended: it runs, or holds its place until somebody signs in. */
export function isUnderWay(state: EnrollmentState): state is 'running' | 'awaiting-sign-in' {
  return state === 'running' || state === 'awaiting-sign-in';
}

/** How far a running step is. `total` is undefined while it cannot be known. */
export interface StepProgress {
  readonly text: string;
  readonly done: number | undefined;
  readonly total: number | undefined;
}

/** One step of one device as the board shows it. Instants are milliseconds since 1970, UTC. */
export interface StepRecord {
  readonly id: StepId;
  readonly state: StepState;
  readonly startedAt: number | undefined;
  readonly durationMs: number | undefined;
  readonly progress: StepProgress | undefined;
  /** Why it was skipped, what was already right, what was undone. */
  readonly note: string | undefined;
}

/** A step that has not begun. */
export function waitingStep(id: StepId): StepRecord {
  return {
    id,
    state: 'waiting',
    startedAt: undefined,
    durationMs: undefined,
    progress: undefined,
    note: undefined,
  };
}

/** What a finished enrollment leaves behind for reports. */
export interface EnrollmentOutcome {
  readonly deviceId: DeviceId;
  readonly state: Extract<EnrollmentState, 'enrolled' | 'failed' | 'stopped'>;
  /** Commands sent to the device, the binary's upload not counted. */
  readonly roundTrips: number;
  readonly uploads: number;
  readonly durationMs: number;
}
