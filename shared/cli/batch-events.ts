import type { ErrorView } from '../errors/enrollment-error.ts';
import { applyDelta } from '../model/apply-delta.ts';
import type { EnrollmentRow, StationDelta, StationState } from '../model/station-state.ts';
import { elapsedMs } from './board-text.ts';
import { errorFields, type Output, tellNotice } from './output.ts';

const ended: readonly EnrollmentRow['state'][] = ['enrolled', 'failed', 'stopped'];

/** Turns the station's changes into the events of a batch: each step's beginning and end, each device's end, notices. */
export class BatchEvents {
  readonly #output: Output;
  readonly #note: (text: string) => void;
  readonly #awaited = new Set<string>();
  #state: StationState;

  /** @param note takes the lines for a person */
  constructor(output: Output, initial: StationState, note: (text: string) => void) {
    this.#output = output;
    this.#note = note;
    this.#state = initial;
  }

  take(delta: StationDelta): void {
    const before = this.#state;
    this.#state = applyDelta(before, delta);
    for (const notice of delta.notices ?? []) {
      if (before.notices.some(({ id }) => id === notice.id)) continue;
      const { tone, text } = notice;
      tellNotice(this.#output, tone, text, this.#note);
    }
    for (const row of Object.values(delta.rows ?? {})) this.#takeRow(before.rows[row.deviceId], row);
  }

  /** Devices that had to wait for a sign-in on the way, so far. */
  get awaitedSignIn(): number {
    return this.#awaited.size;
  }

  /** Only somebody who signs in ends a wait with the device on its way; all else ends the device. */
  #takeWait(before: EnrollmentRow | undefined, row: EnrollmentRow): void {
    const { deviceId, attempt } = row;
    const [was, is] = [before?.state === 'awaiting-sign-in', row.state === 'awaiting-sign-in'];
    const goesOn = was && row.state === 'running' && this.#state.session.state === 'signed-in';
    if (is) this.#awaited.add(deviceId);
    if (was === is || !(is || goesOn)) return;
    const step = row.steps.find(({ state }) => state === 'running')?.id;
    this.#output.event('device-awaits-sign-in', {
      ...{ deviceId, attempt, isWaiting: is },
      ...(step === undefined ? {} : { step }),
    });
  }

  #takeRow(before: EnrollmentRow | undefined, row: EnrollmentRow): void {
    const { deviceId, attempt } = row;
    const sameAttempt = before?.attempt === attempt ? before : undefined;
    for (const [index, step] of row.steps.entries()) {
      if (step.state === (sameAttempt?.steps[index]?.state ?? 'waiting')) continue;
      this.#output.event('step', {
        ...{ deviceId, attempt, step: step.id, state: step.state },
        ...(step.durationMs === undefined ? {} : { seconds: step.durationMs / 1000 }),
        ...(step.note === undefined ? {} : { note: step.note }),
      });
    }
    this.#takeWait(sameAttempt, row);
    if (!ended.includes(row.state) || sameAttempt?.state === row.state) return;
    this.#output.event('device-ended', {
      ...{ deviceId, attempt, state: row.state, roundTrips: row.roundTrips },
      seconds: (elapsedMs(row, row.finishedAt ?? 0) ?? 0) / 1000,
      ...(row.hostKeyFingerprint === undefined ? {} : { hostKeyFingerprint: row.hostKeyFingerprint }),
      ...(row.error === undefined ? {} : { error: errorFields(row.error as ErrorView) }),
    });
  }
}
