import { deviceStateCommand, isGoingDown } from '../device/device-state.ts';
import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText } from '../model/duration-text.ts';
import type { StepId } from '../model/enrollment.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import { formatAddress } from '../model/target.ts';
import type { EnrollmentInput } from './enrollment-context.ts';
import { throwIfAborted } from './limits.ts';
import type { Look } from './look-at-device.ts';
import type { DeviceSession } from './ports.ts';

/** Time one enrollment may spend without its device, over all losses: the reboot of a slow board, twice. */
export const RECONNECT_LIMIT_MS = 180_000;
/** A device that was lost this often will be lost again. */
export const MOST_LOSSES = 5;
/** While a device starts it refuses everybody but root (pam_nologin(8)): what let us in before is tried again. */
const refusals = new Set<EnrollmentErrorCode>(['DEVICE_LOGIN_REFUSED', 'DEVICE_KEY_REFUSED']);
const MOST_REFUSALS = 4;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 10_000;
const DEVICE_STATE_LIMIT_MS = 10_000;
const MAX_HISTORY_LINES = 40;

/** Failures that a device which is going down causes: it ends what runs before it ends the connection. */
const mayBeGoingDown = new Set<EnrollmentErrorCode>([
  'DEVICE_COMMAND_FAILED',
  'DEVICE_APT_FAILED',
  'DEVICE_FACTS_UNREADABLE',
  'STEP_NOT_VERIFIED',
  'AGENT_STOPS',
]);

/**
 * Brings a device back whose connection was lost, as often and as long as one enrollment may take. What is done with
 * the device then begins with a look: a script that was cut off is never continued.
 */
export class Reconnector {
  readonly #input: EnrollmentInput;
  readonly #hostKey: string | undefined;
  readonly #history: string[] = [];
  #losses = 0;
  #spentMs = 0;
  #bootId: string | undefined;

  /** @param hostKey fingerprint of the first connection: the device that comes back must show the same */
  constructor(input: EnrollmentInput, hostKey: string | undefined) {
    this.#input = input;
    this.#hostKey = hostKey;
  }

  /** Tells from two looks whether the device has restarted in between, and says so. */
  seen({ facts }: Look): void {
    const { record } = this.#input;
    if (this.#bootId !== undefined && facts.bootId !== undefined && facts.bootId !== this.#bootId) {
      this.#history.push('the device has restarted');
      record.log.add({ kind: 'note', stepId: 'connect', text: 'the device has restarted: another boot id' });
    }
    this.#bootId = facts.bootId ?? this.#bootId;
  }

  /** Whether an error means that the connection is gone, or about to go with the device. */
  async isLoss(thrown: unknown, session: DeviceSession, look: Look | undefined): Promise<boolean> {
    const { signal } = this.#input;
    if (signal.aborted || !(thrown instanceof EnrollmentError)) return false;
    if (thrown.code === 'DEVICE_CONNECTION_LOST') return true;
    if (look === undefined || !mayBeGoingDown.has(thrown.code)) return false;
    try {
      const { elevation } = look;
      const limits = { signal, elevation, limitMs: DEVICE_STATE_LIMIT_MS };
      return isGoingDown(await session.run(deviceStateCommand, limits));
    } catch (failed) {
      throwIfAborted(signal);
      return failed instanceof EnrollmentError && failed.code === 'DEVICE_CONNECTION_LOST';
    }
  }

  /**
   * Connects again. The board and the log say what happens.
   * @throws DEVICE_CONNECTION_LOST with all that happened when the device stays away, DEVICE_NOT_THE_SAME,
   * DEVICE_HOST_KEY_CHANGED, DEVICE_LOGIN_REFUSED, DEVICE_KEY_REFUSED, or the signal's reason
   */
  async reconnect(lost: EnrollmentError): Promise<DeviceSession> {
    const { ports, record, credential, target, signal } = this.#input;
    const step = this.#interruptedStep();
    this.#losses += 1;
    this.#note(`${step}: ${lost.evidence ?? lost.message}`);
    if (this.#losses > MOST_LOSSES) throw this.#giveUp(lost, `lost ${this.#losses} times`);
    let timesRefused = 0;
    for (let tries = 0; ; tries += 1) {
      const left = RECONNECT_LIMIT_MS - this.#spentMs;
      if (left <= 0) throw this.#giveUp(lost, `not back after ${durationText(RECONNECT_LIMIT_MS)}`);
      const startedAt = ports.clock.monotonicMs();
      try {
        await this.#wait(step, tries, left);
        record.progress(step, { text: 'connecting again', done: undefined, total: undefined });
        const session = await ports.connector.connect(target, {
          ...{ credential, signal, hostKeys: ports.journal },
          onNote: (text) => record.log.add({ kind: 'note', stepId: step, text }),
        });
        this.#requireSameHostKey(session);
        record.progress(step, { text: 'connected again', done: undefined, total: undefined });
        record.log.add({ kind: 'note', stepId: step, text: 'connected again, looking at the device anew' });
        return session;
      } catch (thrown) {
        throwIfAborted(signal);
        if (!(thrown instanceof EnrollmentError)) throw thrown;
        this.#note(`${thrown.code}: ${thrown.evidence ?? describeThrown(thrown)}`);
        if (refusals.has(thrown.code) && timesRefused < MOST_REFUSALS) timesRefused += 1;
        else if (thrown.code !== 'DEVICE_UNREACHABLE' && thrown.code !== 'DEVICE_CONNECTION_LOST')
          throw this.#withHistory(thrown);
      } finally {
        this.#spentMs += ports.clock.monotonicMs() - startedAt;
      }
    }
  }

  /** The pins allow what the operator allows; in mid-enrollment only the very same key is the same device. */
  #requireSameHostKey(session: DeviceSession): void {
    const actual = session.hostKeyFingerprint;
    if (actual === this.#hostKey) return;
    session.close();
    const address = formatAddress(this.#input.target);
    const details = { address, expected: this.#hostKey ?? 'none', actual: actual ?? 'none' };
    const evidence = `Host key before: ${details.expected}\nNow: ${details.actual}`;
    throw new EnrollmentError('DEVICE_NOT_THE_SAME', { details, evidence, phase: 'connect' });
  }

  /** Waits before a try: longer each time, and by chance, so that the boards of a bench do not all call at once. */
  async #wait(step: StepId, tries: number, leftMs: number): Promise<void> {
    const { ports, record, signal } = this.#input;
    const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 8));
    const waitMs = Math.min(leftMs, ceiling * (0.5 + ports.random.fraction() / 2));
    const text = `connection lost, trying again in ${Math.ceil(waitMs / 1000)} s`;
    record.log.add({ kind: 'note', stepId: step, text });
    record.progress(step, { text, done: undefined, total: undefined });
    await ports.clock.sleep(waitMs, signal);
  }

  /** The step that was cut off; between two steps, the connection itself. */
  #interruptedStep(): StepId {
    const { record } = this.#input;
    const running = record.row.steps.find((step) => step.state === 'running')?.id;
    if (running === undefined) record.startStep('connect');
    return running ?? 'connect';
  }

  #note(text: string): void {
    const { ports, record } = this.#input;
    const afterMs = ports.clock.nowMs() - (record.row.startedAt ?? ports.clock.nowMs());
    this.#history.push(`${durationText(afterMs)} ${text}`);
    if (this.#history.length > MAX_HISTORY_LINES) this.#history.splice(1, 1);
  }

  #giveUp(lost: EnrollmentError, why: string): EnrollmentError {
    this.#note(why);
    return this.#withHistory(lost);
  }

  #withHistory(error: EnrollmentError): EnrollmentError {
    const { details, phase, stepId, subject, cause } = error;
    return new EnrollmentError(error.code, {
      ...{ details, evidence: this.#history.join('\n'), cause },
      ...(phase === undefined ? {} : { phase }),
      ...(stepId === undefined ? {} : { stepId }),
      ...(subject === undefined ? {} : { subject }),
    });
  }
}
