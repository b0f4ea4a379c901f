import type { LockHolder } from '../device/fence.ts';
import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { parseDeviceId } from '../model/device-id.ts';
import type { Profile } from '../model/profile.ts';
import type { DecommissionFinding, DecommissionView, EnrollmentRow } from '../model/station-state.ts';
import { formatAddress, formatTarget, parseTarget, type Target } from '../model/target.ts';
import type { BatchSecrets } from './batch.ts';
import { decommissionDevice } from './decommission.ts';
import { DeviceLog } from './device-log.ts';
import { EnrollmentRecord } from './enrollment-record.ts';
import { asEnrollmentError, Stopped } from './limits.ts';
import type { RunRecord, StationPorts } from './ports.ts';
import type { StationAccess } from './station-access.ts';
import type { StationDisplay } from './station-display.ts';

/** What the operator asked for. */
export interface DecommissionRequest {
  readonly deviceId: string;
  readonly target: string | undefined;
  readonly keepAgent: boolean;
  readonly removeUser: boolean;
  readonly secrets: BatchSecrets;
}

export interface StationDecommissionsOptions {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly display: StationDisplay;
  readonly access: StationAccess;
  readonly holder: LockHolder;
}

/** Devices on their way out of the fleet: several side by side, one run for each. */
export class StationDecommissions {
  readonly #options: StationDecommissionsOptions;
  readonly #running = new Map<string, { readonly done: Promise<void>; readonly stop: AbortController }>();

  constructor(options: StationDecommissionsOptions) {
    this.#options = options;
  }

  get isActive(): boolean {
    return this.#running.size > 0;
  }

  /** @throws STATION_BUSY while one of these devices is being decommissioned */
  requireNone(deviceIds: readonly string[]): void {
    if (deviceIds.some((deviceId) => this.#running.has(deviceId))) throw new EnrollmentError('STATION_BUSY');
  }

  /**
   * Begins one; how it goes is shown.
   * @throws DEVICE_ID_INVALID, DEVICE_TARGET_INVALID, STATION_BUSY
   */
  begin(request: DecommissionRequest): void {
    this.requireNone([request.deviceId]);
    const id = parseDeviceId(request.deviceId);
    if (!id.ok) throw new EnrollmentError('DEVICE_ID_INVALID', { details: { problem: id.problem.says } });
    const target = request.target === undefined || request.keepAgent ? undefined : targetOf(request.target);
    const stop = new AbortController();
    const done = this.#run({ ...request, deviceId: id.id }, target, stop.signal).finally(() => {
      this.#running.delete(id.id);
    });
    this.#running.set(id.id, { done, stop });
  }

  /** Cuts off that of one device, where it runs; the same again goes on with it. */
  stop(deviceId: string): void {
    this.#running.get(deviceId)?.stop.abort(new Stopped('the operator stopped it'));
  }

  /** Cuts off what runs; the same again goes on with it. */
  stopAll(): void {
    for (const { stop } of this.#running.values()) stop.abort(new Stopped('the station closes'));
  }

  async whenIdle(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #run(
    {
      deviceId,
      removeUser,
      secrets,
    }: DecommissionRequest & { readonly deviceId: Parameters<typeof decommissionDevice>[0]['deviceId'] },
    target: Target | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { ports, profile, display, access, holder } = this.#options;
    const findings: DecommissionFinding[] = [];
    const startedAt = ports.clock.nowMs();
    const show = (rest: Pick<DecommissionView, 'state' | 'finishedAt' | 'error' | 'awaitsSignIn'>): void =>
      display.showDecommission({ deviceId, startedAt, findings: [...findings], ...rest });
    const record = this.#record(deviceId, target, (awaitsSignIn) => show({ state: 'running', awaitsSignIn }));
    const batchId = ports.random.uuid();
    const isOut = (): boolean => findings.some(({ what }) => what === 'account');
    /** From the moment its account is gone, the device is on record as one that has left, whatever else goes wrong. */
    const recordOut = (end: Pick<RunRecord, 'finishedAt' | 'errorCode'>): void => {
      if (!isOut()) return;
      const shown = target === undefined ? '' : formatTarget(target);
      try {
        ports.journal.recordRun({
          ...{
            batchId,
            deviceId,
            target: shown,
            state: 'decommissioned',
            attempt: 1,
            startedAt,
            roundTrips: 0,
          },
          ...end,
        });
      } catch (thrown) {
        // The device is out all the same; that it could not be written down is told in the log.
        ports.logger.log('error', 'run-not-recorded', { deviceId, error: String(thrown) });
      }
    };
    const finish = (view: Pick<DecommissionView, 'state' | 'error'>): void => {
      const finishedAt = ports.clock.nowMs();
      const failure = view.error ?? findings.find((finding) => finding.error !== undefined)?.error;
      recordOut({ finishedAt, errorCode: failure?.code });
      show({ ...view, finishedAt });
    };
    show({ state: 'running' });
    const user = (target?.kind === 'ssh' ? target.user : undefined) ?? profile.ssh.user;
    const { sshPassword, keyPassphrase, sudoPassword } = secrets;
    try {
      await decommissionDevice({
        ...{ ports, profile, deviceId, target, holder, removeUser, sudoPassword },
        identity: access.signInWaits.identityFor(record, access.identity),
        tokens: access.signInWaits.tokensFor(record, access.tokens),
        fleet: access.fleet,
        credential: {
          user,
          ...(sshPassword === undefined ? {} : { password: sshPassword }),
          ...(keyPassphrase === undefined ? {} : { keyPassphrase }),
        },
        ...{ record, signal },
        found: (finding) => {
          ports.logger.log('info', 'decommission', { deviceId, ...finding });
          findings.push(finding);
          if (finding.what === 'account') recordOut({ finishedAt: undefined, errorCode: undefined });
          show({ state: 'running' });
        },
      });
      finish({ state: findings.some((finding) => finding.state === 'failed') ? 'failed' : 'done' });
    } catch (thrown) {
      const error =
        thrown instanceof Stopped
          ? {}
          : { error: toErrorView(asEnrollmentError(thrown).at({ subject: deviceId })) };
      finish({ state: 'failed', ...error });
    }
  }

  /** The connection's own parts write into the record of an enrollment; here it is the station's log that keeps it. */
  #record(
    deviceId: string,
    target: Target | undefined,
    onAwaitsSignIn: (isAwaited: boolean) => void,
  ): EnrollmentRecord {
    const { ports } = this.#options;
    const log = new DeviceLog(ports.clock, (lines) => {
      for (const { kind, text } of lines)
        ports.logger.log('debug', 'decommission-line', { deviceId, kind, text });
    });
    const shown = target === undefined ? '' : formatTarget(target);
    const address = target === undefined ? '' : formatAddress(target);
    let wasAwaited = false;
    const publish = ({ state }: EnrollmentRow): void => {
      const isAwaited = state === 'awaiting-sign-in';
      if (isAwaited !== wasAwaited) onAwaitsSignIn(isAwaited);
      wasAwaited = isAwaited;
    };
    const record = new EnrollmentRecord(
      { clock: ports.clock, log, publish },
      { deviceId, position: 1, target: shown, address },
    );
    record.start();
    return record;
  }
}

function targetOf(text: string): Target {
  const parsed = parseTarget(text);
  if (!parsed.ok) throw new EnrollmentError('DEVICE_TARGET_INVALID', { details: { problem: parsed.says } });
  return parsed.target;
}
