import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { DeviceId } from '../model/device-id.ts';
import type { Secret } from '../model/secret.ts';
import type { BatchView } from '../model/station-state.ts';
import type { Target } from '../model/target.ts';
import type { Rotation } from './enrollment-context.ts';
import type { EnrollmentRecord } from './enrollment-record.ts';
import { asEnrollmentError, Stopped } from './limits.ts';
import type { Clock, Journal, Logger } from './ports.ts';

/** A device of a batch, with all that was checked before it entered. */
export interface BatchDevice {
  readonly deviceId: DeviceId;
  readonly target: Target;
  readonly labels: Readonly<Record<string, string>>;
  readonly record: EnrollmentRecord;
  /** The device gets a new key in place of a good one. */
  readonly rotation?: Rotation;
}

/** Secrets entered for this batch. They live in memory and go with the batch. */
export interface BatchSecrets {
  /** For the devices it was entered for, and no others: a device that asks for it is not yet known to be the right one. */
  readonly sshPassword: Secret | undefined;
  /** Asked for once: also for the devices of the batch that have not begun. Sent only where sudo asks, after the login. */
  readonly sudoPassword: Secret | undefined;
  /** Opens the station's private key: the same for every device, begun already or not. */
  readonly keyPassphrase: Secret | undefined;
}

/** What the operator asked for with one retry, beside the secrets. It holds for that one attempt. */
export interface RetryWish {
  /** Give the device the station's time where its clock is off. */
  readonly setClock: boolean;
  /** Take the id over though another board has it. */
  readonly takeOver?: boolean;
}

/** A retry without anything entered; what was entered before stays. */
export const noSecrets: BatchSecrets = {
  sshPassword: undefined,
  sudoPassword: undefined,
  keyPassphrase: undefined,
};

type DeviceSecrets = Omit<BatchSecrets, 'keyPassphrase'>;

export interface BatchOptions {
  readonly batchId: string;
  readonly name: string;
  readonly concurrency: number;
  /** Known before the batch begins, for every device of it. */
  readonly secrets?: BatchSecrets;
  /** Holds for every attempt of every device, beside what is asked for with a retry. */
  readonly takeOver?: boolean;
  /** Likewise. */
  readonly setClock?: boolean;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly logger: Logger;
  /** Takes one device through all steps; throws what went wrong. */
  /** Every device gets a new key. */
  readonly rotatesKeys?: boolean;
  enroll(device: BatchDevice, given: BatchSecrets & RetryWish, signal: AbortSignal): Promise<void>;
  onChange(batch: BatchView): void;
}

const noWish: RetryWish = { setClock: false };

/**
 * A batch: its devices run side by side, never more than `concurrency` at once, in bench order. One device's
 * failure is that device's alone. Stopping ends what runs and keeps what is done.
 */
export class Batch {
  readonly #options: BatchOptions;
  readonly #devices = new Map<string, BatchDevice>();
  readonly #secrets = new Map<string, DeviceSecrets>();
  readonly #wishes = new Map<string, RetryWish>();
  /** Of what was begun since the batch was last stopped. */
  #stop = new AbortController();
  #keyPassphrase: Secret | undefined;
  /** Entered last, for devices that have none of their own. */
  #sudoPassword: Secret | undefined;
  readonly #idle: (() => void)[] = [];
  #queue: BatchDevice[] = [];
  #running = 0;
  #view: BatchView;

  constructor(options: BatchOptions, devices: readonly BatchDevice[]) {
    this.#options = options;
    for (const device of devices) this.#devices.set(device.deviceId, device);
    this.#queue = [...devices];
    const { sshPassword, sudoPassword, keyPassphrase } = options.secrets ?? noSecrets;
    for (const { deviceId } of devices) this.#secrets.set(deviceId, { sshPassword, sudoPassword: undefined });
    this.#sudoPassword = sudoPassword;
    this.#keyPassphrase = keyPassphrase;
    this.#view = {
      batchId: options.batchId,
      name: options.name,
      state: 'running',
      startedAt: options.clock.nowMs(),
      concurrency: options.concurrency,
      ...(options.rotatesKeys === true ? { rotatesKeys: true } : {}),
    };
  }

  get view(): BatchView {
    return this.#view;
  }

  get devices(): readonly BatchDevice[] {
    return [...this.#devices.values()];
  }

  start(): void {
    this.#options.onChange(this.#view);
    for (const device of this.#queue) this.#recordNotBegun(device);
    this.#fill();
  }

  /**
   * Puts devices that have ended back into the queue; others are left as they are. A batch that was stopped goes on.
   * @throws STATION_BUSY while it is still being stopped
   */
  retry(deviceIds: readonly string[], secrets: BatchSecrets, wish: RetryWish = noWish): void {
    if (this.#view.state === 'stopping') throw new EnrollmentError('STATION_BUSY');
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
    this.#keyPassphrase = secrets.keyPassphrase ?? this.#keyPassphrase;
    this.#sudoPassword = secrets.sudoPassword ?? this.#sudoPassword;
    for (const deviceId of deviceIds) {
      const device = this.#devices.get(deviceId);
      if (!device || !['failed', 'stopped'].includes(device.record.row.state)) continue;
      const before = this.#secrets.get(deviceId);
      this.#secrets.set(deviceId, {
        sshPassword: secrets.sshPassword ?? before?.sshPassword,
        sudoPassword: secrets.sudoPassword ?? before?.sudoPassword,
      });
      this.#wishes.set(deviceId, wish);
      device.record.queueAgain();
      this.#recordNotBegun(device);
      this.#queue.push(device);
    }
    if (this.#queue.length > 0) this.#setState('running');
    this.#fill();
  }

  /** Ends the batch: waiting devices are not begun, running ones are cut off and tidied up. */
  stop(): void {
    if (this.#view.state === 'finished') return;
    for (const device of this.#queue) {
      device.record.finish('stopped');
      this.#recordRun(device, 'stopped', undefined);
    }
    this.#queue = [];
    this.#setState('stopping');
    this.#stop.abort(new Stopped('the batch was stopped'));
    this.#settleIfIdle();
  }

  /** Resolves when nothing runs or waits any more. */
  whenIdle(): Promise<void> {
    if (this.#running === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #fill(): void {
    while (this.#running < this.#options.concurrency) {
      const device = this.#queue.shift();
      if (device === undefined) break;
      this.#running += 1;
      void this.#run(device).finally(() => {
        this.#running -= 1;
        this.#fill();
      });
    }
    this.#settleIfIdle();
  }

  async #run(device: BatchDevice): Promise<void> {
    const { record } = device;
    const own = this.#secrets.get(device.deviceId);
    const secrets = {
      sshPassword: own?.sshPassword,
      sudoPassword: own?.sudoPassword ?? this.#sudoPassword,
      keyPassphrase: this.#keyPassphrase,
    };
    const asked = this.#wishes.get(device.deviceId) ?? noWish;
    const always = this.#options;
    const wish = {
      setClock: asked.setClock || always.setClock === true,
      takeOver: asked.takeOver === true || always.takeOver === true,
    };
    const stop = this.#stop.signal;
    record.start();
    this.#recordRun(device, 'running', undefined);
    try {
      // A signal of its own for every device: hundreds may listen, and each goes away with its device.
      await this.#options.enroll(device, { ...secrets, ...wish }, AbortSignal.any([stop]));
      record.finish('enrolled');
      this.#recordRun(device, 'enrolled', undefined);
    } catch (thrown) {
      if (stop.aborted && thrown instanceof Stopped) {
        record.finish('stopped');
        this.#recordRun(device, 'stopped', undefined);
        return;
      }
      const stepId = record.row.steps.find((step) => step.state === 'running')?.id;
      const error = asEnrollmentError(thrown).at({
        subject: device.deviceId,
        ...(stepId === undefined ? {} : { stepId }),
      });
      record.finish('failed', error);
      this.#recordRun(device, 'failed', error.code);
      this.#options.logger.log('warn', 'enrollment-failed', {
        deviceId: device.deviceId,
        code: error.code,
        evidence: error.evidence,
      });
    }
  }

  /** A device that waits is on disk as what it is if the station ends now: not finished. */
  #recordNotBegun(device: BatchDevice): void {
    this.#recordRun(device, 'stopped', undefined);
  }

  #recordRun(
    device: BatchDevice,
    state: 'running' | 'enrolled' | 'failed' | 'stopped',
    errorCode: string | undefined,
  ): void {
    const { row } = device.record;
    try {
      this.#options.journal.recordRun({
        batchId: this.#options.batchId,
        deviceId: device.deviceId,
        target: row.target,
        state,
        attempt: row.attempt,
        startedAt: row.startedAt ?? this.#options.clock.nowMs(),
        finishedAt: row.finishedAt,
        errorCode,
        roundTrips: row.roundTrips,
      });
    } catch (thrown) {
      // The device's own outcome stands; that it could not be written down is told in the log.
      this.#options.logger.log('error', 'run-not-recorded', {
        deviceId: device.deviceId,
        error: String(thrown),
      });
    }
  }

  #settleIfIdle(): void {
    if (this.#running > 0 || this.#queue.length > 0) return;
    this.#setState('finished');
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #setState(state: BatchView['state']): void {
    if (this.#view.state === state) return;
    const { finishedAt: _before, ...rest } = this.#view;
    this.#view = {
      ...rest,
      state,
      ...(state === 'finished' ? { finishedAt: this.#options.clock.nowMs() } : {}),
    };
    this.#options.onChange(this.#view);
  }
}
