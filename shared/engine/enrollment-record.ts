import { type EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import {
  type EnrollmentState,
  type StepId,
  type StepProgress,
  stepIds,
  stepTitles,
  waitingStep,
} from '../model/enrollment.ts';
import type { DeviceFacts } from '../model/facts.ts';
import type { EnrollmentRow } from '../model/station-state.ts';
import type { DeviceLog } from './device-log.ts';
import type { Clock, MachineKeyEntry } from './ports.ts';

type StepRow = EnrollmentRow['steps'][number];

/**
 * The board's row of one device while it is enrolled. Every change is published as a whole new row: small,
 * and a window that missed one needs no history.
 */
export class EnrollmentRecord {
  readonly #clock: Clock;
  readonly #publish: (row: EnrollmentRow) => void;
  readonly log: DeviceLog;
  #row: EnrollmentRow;
  #stepStarted: number;

  constructor(
    options: {
      readonly clock: Clock;
      readonly log: DeviceLog;
      readonly publish: (row: EnrollmentRow) => void;
    },
    place: Pick<EnrollmentRow, 'deviceId' | 'position' | 'target' | 'address'>,
  ) {
    this.#clock = options.clock;
    this.#publish = options.publish;
    this.log = options.log;
    this.#stepStarted = options.clock.monotonicMs();
    this.#row = { ...place, state: 'waiting', attempt: 1, steps: stepIds.map(waitingStep), roundTrips: 0 };
  }

  get row(): EnrollmentRow {
    return this.#row;
  }

  /** Puts the row back to waiting for another attempt. */
  queueAgain(): void {
    const { deviceId, position, target, address, attempt, facts, hostKeyFingerprint } = this.#row;
    const kept = { ...(facts ? { facts } : {}), ...(hostKeyFingerprint ? { hostKeyFingerprint } : {}) };
    this.#set({
      ...{ deviceId, position, target, address, ...kept },
      ...{ state: 'waiting', attempt: attempt + 1, steps: stepIds.map(waitingStep), roundTrips: 0 },
    });
  }

  start(): void {
    this.log.restart();
    this.#set({ ...this.#row, state: 'running', startedAt: this.#clock.nowMs() });
  }

  /** It cannot go on before somebody signs in, or now it can. Its steps stay as they are. */
  awaitSignIn(isAwaited: boolean): void {
    const [from, to] = isAwaited
      ? (['running', 'awaiting-sign-in'] as const)
      : (['awaiting-sign-in', 'running'] as const);
    if (this.#row.state !== from) return;
    const text = isAwaited ? 'the sign-in has ended, waits for the next one' : 'does not wait any more';
    this.log.add({ kind: 'note', text });
    this.#set({ ...this.#row, state: to });
  }

  startStep(id: StepId): void {
    if (this.step(id).state === 'running') return;
    this.#stepStarted = this.#clock.monotonicMs();
    this.log.add({ kind: 'step', stepId: id, text: stepTitles[id] });
    this.#setStep(id, { id, state: 'running', startedAt: this.#clock.nowMs() });
  }

  progress(id: StepId, progress: StepProgress): void {
    this.#setStep(id, { ...this.step(id), progress });
  }

  /** Takes away how far a running step was: it begins anew. */
  clearProgress(id: StepId): void {
    const { progress: _before, ...step } = this.step(id);
    this.#setStep(id, step);
  }

  /** Ends a running step. `note` says what an operator would ask about it. */
  finishStep(id: StepId, state: 'done' | 'failed' | 'undone', note?: string): void {
    const { startedAt } = this.step(id);
    this.#setStep(id, {
      id,
      state,
      durationMs: Math.max(0, this.#clock.monotonicMs() - this.#stepStarted),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(note === undefined ? {} : { note }),
    });
  }

  /** Settles a step that had nothing to do. */
  settleStep(id: StepId, state: 'already' | 'skipped', note: string): void {
    this.log.add({ kind: 'step', stepId: id, text: stepTitles[id] });
    this.log.add({ kind: 'note', stepId: id, text: note });
    this.#setStep(id, { id, state, note });
  }

  setFacts(facts: DeviceFacts): void {
    this.#set({
      ...this.#row,
      facts: {
        ...(facts.model === undefined ? {} : { model: facts.model }),
        ...(facts.serial === undefined ? {} : { serial: facts.serial }),
        architecture: facts.architecture ?? facts.machine,
        system: facts.osName,
        freeBytes: facts.places.binary.freeBytes,
        clockOffsetSeconds: facts.clockOffsetSeconds,
      },
    });
  }

  /** Shows the key the device holds; undefined where the identity provider knows of none. */
  setKey(key: (MachineKeyEntry & { readonly born?: 'device' | 'provider' }) | undefined): void {
    const {
      keyId: _id,
      keyExpiresAt: _ends,
      keyMadeAt: _made,
      keyBorn: _born,
      ...facts
    } = this.#row.facts ?? {};
    this.#set({
      ...this.#row,
      facts: {
        ...facts,
        ...(key === undefined ? {} : { keyId: key.keyId }),
        ...(key?.expiresAt === undefined ? {} : { keyExpiresAt: key.expiresAt }),
        ...(key?.createdAt === undefined ? {} : { keyMadeAt: key.createdAt }),
        ...(key?.born === undefined ? {} : { keyBorn: key.born }),
      },
    });
  }

  setHostKey(fingerprint: string): void {
    this.#set({ ...this.#row, hostKeyFingerprint: fingerprint });
  }

  countRoundTrip(): void {
    this.#row = { ...this.#row, roundTrips: this.#row.roundTrips + 1 };
  }

  /** Ends the row. What still runs ends with it. */
  finish(state: Extract<EnrollmentState, 'enrolled' | 'failed' | 'stopped'>, error?: EnrollmentError): void {
    for (const { id } of this.#row.steps.filter((step) => step.state === 'running'))
      this.finishStep(id, state === 'enrolled' ? 'done' : 'failed');
    if (error) {
      const view = toErrorView(error);
      this.log.add({ kind: 'problem', text: `${view.code}: ${view.says}` });
      for (const line of (view.evidence ?? '').split('\n').filter((text) => text !== '')) {
        this.log.add({ kind: 'error-output', text: line });
      }
    }
    this.#set({
      ...this.#row,
      state,
      finishedAt: this.#clock.nowMs(),
      ...(error === undefined ? {} : { error: toErrorView(error) }),
    });
  }

  step(id: StepId): StepRow {
    return this.#row.steps[stepIds.indexOf(id)] ?? waitingStep(id);
  }

  #setStep(id: StepId, step: StepRow): void {
    this.#set({ ...this.#row, steps: this.#row.steps.map((old) => (old.id === id ? step : old)) });
  }

  #set(row: EnrollmentRow): void {
    this.#row = row;
    this.#publish(row);
  }
}
