import type { LockHolder } from '../device/fence.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { isUnderWay } from '../model/enrollment.ts';
import type { Profile } from '../model/profile.ts';
import type { EnrollmentRow, LogLine } from '../model/station-state.ts';
import { formatAddress, formatTarget, type Target } from '../model/target.ts';
import { Batch, type BatchDevice, type BatchSecrets, noSecrets, type RetryWish } from './batch.ts';
import { type BenchRow, type CheckedRow, checkBench } from './bench.ts';
import { Boards } from './boards.ts';
import { DeviceLog } from './device-log.ts';
import { EnrollmentRecord } from './enrollment-record.ts';
import type { StationPorts } from './ports.ts';
import { runEnrollment } from './run-enrollment.ts';
import type { StationAccess } from './station-access.ts';
import type { StationDisplay } from './station-display.ts';

export interface StationBatchesOptions {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly stationName: string;
  readonly display: StationDisplay;
  readonly access: StationAccess;
  /** Called when nothing of the batch runs or waits any more. */
  onFinished(): void;
  publishLog(deviceId: string, lines: readonly LogLine[]): void;
}

/** What the operator asked for with a whole batch. */
export interface BatchWish {
  readonly takeOver?: boolean | undefined;
  readonly setClock?: boolean | undefined;
  readonly rotateKeys?: boolean | undefined;
}

/** Builds batches from rows of the Bench, one at a time, and keeps the logs of their devices. */
export class StationBatches {
  readonly #options: StationBatchesOptions;
  readonly #logs = new Map<string, DeviceLog>();
  /** This station, as a device knows who changes it. */
  readonly holder: LockHolder;
  #batch: Batch | undefined;
  #boards = new Boards();
  #followedDevice: string | undefined;

  constructor(options: StationBatchesOptions) {
    this.#options = options;
    this.holder = { id: options.ports.random.hex(8), station: options.stationName };
  }

  get isActive(): boolean {
    return this.#batch !== undefined && this.#batch.view.state !== 'finished';
  }

  /** Whether a device waits or runs in the current batch. */
  holds(deviceId: string): boolean {
    const device = this.#batch?.devices.find((one) => one.deviceId === deviceId);
    if (device === undefined) return false;
    const { state } = device.record.row;
    return state === 'waiting' || isUnderWay(state);
  }

  /**
   * Starts a batch of the chosen rows. Rows with a problem fail the whole start: the operator sees them marked on the
   * Bench.
   * @returns the batch's id
   * @throws STATION_REQUEST_INVALID when nothing is chosen, and the problem of a chosen row
   */
  start(
    benchRows: readonly BenchRow[],
    rowIds: readonly string[],
    secrets: BatchSecrets,
    wish: BatchWish = {},
  ): string {
    const { ports, profile, display } = this.#options;
    const chosen = checkedRows(benchRows, rowIds);
    this.#logs.clear();
    const devices = chosen.map((row, index) => this.#device(row, index + 1, wish));
    const batchId = ports.random.uuid();
    const rows: Record<string, EnrollmentRow> = {};
    for (const { deviceId, record } of devices) rows[deviceId] = record.row;
    display.showNewRows(rows);
    const batch = new Batch(
      {
        batchId,
        name: profile.labels.group ?? profile.name,
        concurrency: profile.batch.concurrency,
        secrets,
        ...{ takeOver: wish.takeOver === true, setClock: wish.setClock === true },
        rotatesKeys: wish.rotateKeys === true,
        ...{ clock: ports.clock, journal: ports.journal, logger: ports.logger },
        enroll: (device, given, signal) => this.#enroll(device, given, signal),
        onChange: (view) => {
          display.showBatch(view);
          if (view.state === 'finished') this.#options.onFinished();
        },
      },
      devices,
    );
    this.#batch = batch;
    this.#boards = new Boards();
    batch.start();
    return batchId;
  }

  stop(): void {
    this.#batch?.stop();
  }

  retry(deviceIds: readonly string[], secrets: BatchSecrets, wish: RetryWish): void {
    this.#batch?.retry(deviceIds, secrets, wish);
  }

  /**
   * Pins the key that a device showed in place of the pinned one, and retries the device.
   * @throws STATION_REQUEST_INVALID unless the device failed for just that, and showed this very key
   */
  trustNewHostKey(deviceId: string, fingerprint: string): void {
    const { ports } = this.#options;
    const record = this.#batch?.devices.find((device) => device.deviceId === deviceId)?.record;
    const refused = record?.row.state === 'failed' ? record.row.error?.hostKey : undefined;
    if (record === undefined || refused === undefined || refused.actual !== fingerprint) {
      const details = { problem: 'this is not the host key that the device has shown' };
      throw new EnrollmentError('STATION_REQUEST_INVALID', { details });
    }
    const { place, expected, actual, keyType } = refused;
    ports.journal.pinHostKey(place, { fingerprint: actual, keyType }, ports.clock.nowMs());
    ports.logger.log('warn', 'host-key-replaced', { deviceId, place, expected, actual });
    this.retry([deviceId], noSecrets, { setClock: false });
    record.log.add({
      kind: 'note',
      text: `the operator trusts the new host key of ${place}: ${actual} in place of ${expected}`,
    });
  }

  /** Resolves when the current batch, if any, has nothing left to do. */
  async whenIdle(): Promise<void> {
    await this.#batch?.whenIdle();
  }

  /** From now on every new line of this device's log is published. Returns the lines so far. */
  followLog(deviceId: string): LogLine[] {
    this.#followedDevice = deviceId;
    return [...(this.#logs.get(deviceId)?.lines() ?? [])];
  }

  unfollowLog(): void {
    this.#followedDevice = undefined;
  }

  #device({ row, deviceId, target }: ChosenRow, position: number, wish: BatchWish): BatchDevice {
    const { ports, profile, display } = this.#options;
    const reachable = withLoginUser(target, profile);
    const log = new DeviceLog(ports.clock, (lines) => {
      if (this.#followedDevice === deviceId) this.#options.publishLog(deviceId, lines);
    });
    this.#logs.set(deviceId, log);
    const record = new EnrollmentRecord(
      { clock: ports.clock, log, publish: (row) => display.showRow(row) },
      { deviceId, position, target: formatTarget(reachable), address: formatAddress(reachable) },
    );
    const labels = { ...profile.labels, ...row.labels };
    const rotation = wish.rotateKeys === true ? { rotation: { replacedKeyIds: undefined } } : {};
    return { deviceId, target: reachable, labels, record, ...rotation };
  }

  async #enroll(device: BatchDevice, given: BatchSecrets & RetryWish, signal: AbortSignal): Promise<void> {
    const { ports, profile, access } = this.#options;
    const { fleet, recovery, signInWaits } = access;
    const identity = signInWaits.identityFor(device.record, access.identity);
    const tokens = signInWaits.tokensFor(device.record, access.tokens);
    device.record.startStep('check');
    await recovery.giveTurn(device.record.log, signal);
    await runEnrollment({
      ...{ ports, profile, signal, identity, tokens, fleet },
      ...{ deviceId: device.deviceId, target: device.target, record: device.record, labels: device.labels },
      ...{ boards: this.#boards, holder: this.holder },
      credential: {
        user: loginUser(device.target, profile),
        ...(given.sshPassword === undefined ? {} : { password: given.sshPassword }),
        ...(given.keyPassphrase === undefined ? {} : { keyPassphrase: given.keyPassphrase }),
      },
      sudoPassword: given.sudoPassword,
      ...{ setClock: given.setClock, takeOver: given.takeOver === true },
      ...(device.rotation === undefined ? {} : { rotation: device.rotation }),
    });
  }
}

type ChosenRow = Extract<CheckedRow, { ok: true }>;

function checkedRows(benchRows: readonly BenchRow[], rowIds: readonly string[]): ChosenRow[] {
  const chosen = checkBench(benchRows).filter(({ row }) => rowIds.includes(row.rowId));
  if (chosen.length === 0)
    throw new EnrollmentError('STATION_REQUEST_INVALID', { details: { problem: 'no device is chosen' } });
  return chosen.map((checked) => {
    if (!checked.ok) throw checked.error;
    return checked;
  });
}

/** The target as it is shown. With an SSH configuration it stays as it was written: the file may name another user. */
function withLoginUser(target: Target, profile: Profile): Target {
  if (target.kind !== 'ssh' || profile.ssh.config_file !== undefined) return target;
  return { ...target, user: target.user ?? profile.ssh.user };
}

/** Who logs in. On this computer it is whoever runs the station; the name is not used. */
function loginUser(target: Target, profile: Profile): string {
  return (target.kind === 'ssh' ? target.user : undefined) ?? profile.ssh.user;
}
