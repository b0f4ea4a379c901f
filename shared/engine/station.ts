import type { EngineChannel, Input, Output } from '../contract/ipc.ts';
import { EnrollmentError, type ErrorView, toErrorView } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import { Secret } from '../model/secret.ts';
import type {
  BatchView,
  EnrollmentRow,
  LogLine,
  Notice,
  SessionView,
  StationDelta,
  StationState,
} from '../model/station-state.ts';
import { formatAddress, formatTarget, type Target } from '../model/target.ts';
import { Batch, type BatchDevice, type BatchSecrets } from './batch.ts';
import { Bench, checkBench, viewBench } from './bench.ts';
import { Boards } from './boards.ts';
import { DeviceLog } from './device-log.ts';
import { EnrollmentRecord } from './enrollment-record.ts';
import { Fleet } from './fleet.ts';
import { KeyRecovery } from './key-recovery.ts';
import { asEnrollmentError, Stopped } from './limits.ts';
import type { HeartbeatLink, IdentityProvider, RunRecord, StationPorts } from './ports.ts';
import { runEnrollment } from './run-enrollment.ts';
import { Session } from './session.ts';
import { StateStore } from './state-store.ts';
import { deletedKeysText, identityLamp, initialState, natsLamp, undecidedKeysText } from './station-view.ts';

export interface StationOptions {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly stationName: string;
  readonly version: string;
  publish(delta: StationDelta): void;
  publishLog(deviceId: string, lines: readonly LogLine[]): void;
}

type Handlers = { readonly [C in EngineChannel]: (input: Input<C>) => Output<C> | Promise<Output<C>> };

/**
 * The station: bench, sign-in, batch and fleet behind the contract's channels. It knows no window, no Electron and
 * no lab; the app, the terminal and the tests drive it the same way.
 */
export class Station {
  readonly #options: StationOptions;
  readonly #store: StateStore;
  readonly #session: Session;
  readonly #bench: Bench;
  readonly #identity: IdentityProvider;
  readonly #lifetime = new AbortController();
  readonly #lastRuns: Map<string, RunRecord['state']>;
  readonly #logs = new Map<string, DeviceLog>();
  readonly #recovery: KeyRecovery;
  /** There whenever the profile names a NATS: without a link, a device is never taken for enrolled. */
  readonly #fleet: Fleet | undefined;
  #following: AbortController | undefined;
  #link: HeartbeatLink | undefined;
  #batch: Batch | undefined;
  #boards = new Boards();
  #followedDevice: string | undefined;
  #tellsUndecided = false;
  #isClosing = false;
  #noticeCount = 0;

  constructor(options: StationOptions) {
    const { ports, profile } = options;
    this.#options = options;
    this.#store = new StateStore(
      initialState(options.stationName, options.version, profile),
      options.publish,
    );
    this.#session = new Session(
      { clock: ports.clock, logger: ports.logger, client: ports.signIn, cache: ports.tokenCache },
      {
        onSession: (session) => this.#showSession(session),
        onKeychain: (keychain) => this.#store.change({ lamps: { ...this.state.lamps, keychain } }),
        openBrowser: (url) => ports.openBrowser(url),
        onSignedIn: () => this.#onSignedIn(),
      },
    );
    this.#identity = ports.createIdentityProvider(profile, this.#session);
    this.#recovery = this.#createRecovery();
    this.#fleet = profile.nats === undefined ? undefined : this.#createFleet();
    this.#lastRuns = new Map(ports.journal.latestRuns().map((run) => [run.deviceId, run.state]));
    this.#bench = new Bench(profile.bench, () => this.#showBench());
    this.#showBench();
  }

  get state(): StationState {
    return this.#store.state;
  }

  /** Takes up a remembered sign-in. What fails here is shown, not thrown. */
  async start(): Promise<void> {
    try {
      await this.#session.resume(this.#lifetime.signal);
    } catch (thrown) {
      if (!this.#lifetime.signal.aborted) this.#notice('failed', toErrorView(asEnrollmentError(thrown)).says);
    }
  }

  /** Answers one call of the contract. @throws {EnrollmentError} */
  async handle<C extends EngineChannel>(channel: C, input: Input<C>): Promise<Output<C>> {
    return this.#handlers[channel](input);
  }

  /** Resolves when the current batch, if any, has nothing left to do. */
  async whenBatchIdle(): Promise<void> {
    await this.#batch?.whenIdle();
  }

  /** Ends everything: running enrollments are cut off and tidied up, then the ports are closed. */
  async shutDown(): Promise<void> {
    this.#isClosing = true;
    this.#session.cancel();
    this.#batch?.stop();
    await this.#batch?.whenIdle();
    this.#lifetime.abort(new Stopped('the station closes'));
    this.#following?.abort(new Stopped('the station closes'));
    await this.#recovery.close();
    await this.#options.ports.close();
  }

  readonly #handlers: Handlers = {
    'station.snapshot': () => this.state,
    'station.dismissNotice': ({ id }) => {
      this.#store.change({ notices: this.state.notices.filter((notice) => notice.id !== id) });
      return null;
    },
    'session.signIn': () => {
      void this.#session.signIn();
      return null;
    },
    'session.cancel': () => {
      this.#session.cancel();
      return null;
    },
    'session.signOut': async () => {
      if (this.#batchIsActive()) throw new EnrollmentError('STATION_BUSY');
      this.#endFleet();
      await this.#session.signOut(this.#lifetime.signal);
      return null;
    },
    'bench.add': ({ deviceId, target }) => ({ rowId: this.#bench.add(deviceId, target) }),
    'bench.rename': ({ rowId, deviceId }) => {
      this.#bench.rename(rowId, deviceId);
      return null;
    },
    'bench.remove': ({ rowId }) => {
      this.#bench.remove(rowId);
      return null;
    },
    'batch.start': ({ rowIds }) => ({ batchId: this.#startBatch(rowIds) }),
    'batch.stop': () => {
      this.#batch?.stop();
      return null;
    },
    'batch.retry': ({ deviceIds, sshPassword, sudoPassword }) => {
      this.#requireOpen();
      this.#batch?.retry(deviceIds, {
        sshPassword: sshPassword === undefined ? undefined : new Secret(sshPassword),
        sudoPassword: sudoPassword === undefined ? undefined : new Secret(sudoPassword),
      });
      return null;
    },
    'device.followLog': ({ deviceId }) => {
      this.#followedDevice = deviceId;
      return [...(this.#logs.get(deviceId)?.lines() ?? [])];
    },
    'device.unfollowLog': () => {
      this.#followedDevice = undefined;
      return null;
    },
  };

  // ---- batch ----

  #batchIsActive(): boolean {
    return this.#batch !== undefined && this.#batch.view.state !== 'finished';
  }

  /** A station that closes begins nothing any more: it would wait for it. */
  #requireOpen(): void {
    const details = { problem: 'the station closes' };
    if (this.#isClosing) throw new EnrollmentError('STATION_REQUEST_INVALID', { details });
  }

  #startBatch(rowIds: readonly string[]): string {
    const { ports, profile } = this.#options;
    this.#requireOpen();
    if (this.#batchIsActive()) throw new EnrollmentError('STATION_BUSY');
    if (!this.#session.isSignedIn) throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
    const rows: Record<string, EnrollmentRow> = {};
    const devices = this.#chosenDevices(rowIds, rows);
    const batchId = ports.random.uuid();
    this.#store.change({ resetRows: true, rows, batch: null });
    const batch = new Batch(
      {
        batchId,
        name: profile.labels.group ?? profile.name,
        concurrency: profile.batch.concurrency,
        ...{ clock: ports.clock, journal: ports.journal, logger: ports.logger },
        enroll: (device, secrets, signal) => this.#enroll(device, secrets, signal),
        onChange: (view) => this.#showBatch(view),
      },
      devices,
    );
    this.#batch = batch;
    this.#boards = new Boards();
    batch.start();
    return batchId;
  }

  /** Rows with a problem fail the whole start: the operator sees them marked on the Bench. */
  #chosenDevices(rowIds: readonly string[], rows: Record<string, EnrollmentRow>): BatchDevice[] {
    const { ports, profile } = this.#options;
    const chosen = checkBench(this.#bench.rows).filter(({ row }) => rowIds.includes(row.rowId));
    if (chosen.length === 0)
      throw new EnrollmentError('STATION_REQUEST_INVALID', { details: { problem: 'no device is chosen' } });
    const checked = chosen.map((checked) => {
      if (!checked.ok) throw checked.error;
      return checked;
    });
    this.#logs.clear();
    return checked.map(({ deviceId, target }, index) => {
      const reachable = target.kind === 'ssh' ? { ...target, user: target.user ?? profile.ssh.user } : target;
      const log = new DeviceLog(ports.clock, (lines) => {
        if (this.#followedDevice === deviceId) this.#options.publishLog(deviceId, lines);
      });
      this.#logs.set(deviceId, log);
      const place = {
        deviceId,
        position: index + 1,
        target: formatTarget(reachable),
        address: formatAddress(reachable),
      };
      const record = new EnrollmentRecord(
        { clock: ports.clock, log, publish: (changed) => this.#showRow(changed) },
        place,
      );
      rows[deviceId] = record.row;
      return { deviceId, target: reachable, record };
    });
  }

  async #enroll(device: BatchDevice, secrets: BatchSecrets, signal: AbortSignal): Promise<void> {
    const { ports, profile } = this.#options;
    device.record.startStep('check');
    await this.#recovery.giveTurn(device.record.log, signal);
    const privateKey = await ports.readSshKey(signal);
    await runEnrollment({
      ...{ ports, profile, signal, identity: this.#identity, tokens: this.#session, fleet: this.#fleet },
      ...{ deviceId: device.deviceId, target: device.target, record: device.record, labels: profile.labels },
      boards: this.#boards,
      credential: {
        user: loginUser(device.target, profile),
        ...(privateKey === undefined ? {} : { privateKey }),
        ...(secrets.sshPassword === undefined ? {} : { password: secrets.sshPassword }),
      },
      sudoPassword: secrets.sudoPassword,
    });
  }

  // ---- sign-in and fleet ----

  #onSignedIn(): void {
    this.#followFleet();
    this.#tellsUndecided = true;
    this.#recovery.begin();
  }

  #createRecovery(): KeyRecovery {
    const { ports, profile } = this.#options;
    return new KeyRecovery(
      { ...ports, identity: this.#identity, issuer: profile.identity.issuer },
      {
        mayRun: () => this.#session.isSignedIn && !this.#batchIsActive(),
        onRecovered: ({ deleted, undecided }) => {
          if (deleted > 0) this.#notice('info', deletedKeysText(deleted));
          // Told once for every sign-in; the rows of a batch tell it themselves.
          if (undecided > 0 && this.#tellsUndecided) this.#notice('attention', undecidedKeysText(undecided));
          this.#tellsUndecided = false;
        },
        onFailed: (thrown) => this.#notice('failed', toErrorView(asEnrollmentError(thrown)).says),
      },
    );
  }

  #createFleet(): Fleet {
    return new Fleet(this.#options.ports.clock, {
      onHeartbeat: (heartbeat) => this.#store.change({ fleet: { [heartbeat.deviceId]: heartbeat } }),
      onLink: (link) => {
        this.#link = link;
        this.#showLamps(this.state.session);
      },
    });
  }

  #followFleet(): void {
    const { ports, profile } = this.#options;
    if (this.#fleet === undefined || this.#following !== undefined) return;
    const watch = ports.createHeartbeatWatch(profile, this.#session);
    if (watch === undefined) return;
    const following = new AbortController();
    this.#following = following;
    this.#fleet.follow(watch, following.signal).catch((thrown: unknown) => {
      if (following.signal.aborted) return;
      this.#following = undefined;
      this.#notice('failed', toErrorView(asEnrollmentError(thrown)).says);
    });
  }

  #endFleet(): void {
    this.#following?.abort(new Stopped('signed out'));
    this.#following = undefined;
    this.#link = undefined;
  }

  // ---- showing ----

  #showSession(session: SessionView): void {
    this.#store.change({ session });
    this.#showLamps(session);
  }

  #showLamps(session: SessionView): void {
    const identity = identityLamp(session);
    const nats = natsLamp(
      this.#link,
      this.#options.profile.nats !== undefined,
      session.state === 'signed-in',
    );
    this.#store.change({ lamps: { ...this.state.lamps, identity, nats } });
  }

  #showBatch(batch: BatchView): void {
    this.#store.change({ batch });
    // What its devices left open does not wait for the next start.
    if (batch.state === 'finished' && !this.#isClosing) this.#recovery.begin();
  }

  #showBench(): void {
    this.#store.change({ bench: viewBench(this.#bench.rows, (deviceId) => this.#lastState(deviceId)) });
  }

  #lastState(deviceId: string): EnrollmentRow['state'] | undefined {
    const now = this.state.rows[deviceId]?.state;
    const before = this.#lastRuns.get(deviceId);
    // A run that was still going when the station ended did not finish.
    return now ?? (before === 'running' ? 'stopped' : before);
  }

  #showRow(row: EnrollmentRow): void {
    const before = this.state.rows[row.deviceId]?.state;
    this.#store.change({ rows: { [row.deviceId]: row } });
    if (before === row.state) return;
    // Rows go with their batch; the Bench still tells how each device ended.
    if (row.state !== 'waiting') this.#lastRuns.set(row.deviceId, row.state);
    this.#showBench();
  }

  #notice(tone: Notice['tone'], text: string): void {
    this.#noticeCount += 1;
    const notice: Notice = {
      id: `notice-${this.#noticeCount}`,
      tone,
      at: this.#options.ports.clock.nowMs(),
      text,
    };
    this.#store.change({ notices: [...this.state.notices, notice].slice(-20) });
  }
}

/** Who logs in. On this computer it is whoever runs the station; the name is not used. */
function loginUser(target: Target, profile: Profile): string {
  return (target.kind === 'ssh' ? target.user : undefined) ?? profile.ssh.user;
}

/** Creates the station. It does nothing by itself until {@link Station.start}. */
export function createStation(options: StationOptions): Station {
  return new Station(options);
}

/** What a station without a usable profile shows: the error, and nothing that could be pressed in vain. */
export function stateWithoutProfile(name: string, version: string, error: ErrorView): StationState {
  const state = initialState(name, version, undefined);
  const lamp = { state: 'waiting', word: 'no profile' } as const;
  return {
    ...state,
    revision: 0,
    lamps: { identity: lamp, nats: lamp, keychain: lamp },
    session: { state: 'signed-out', error },
  };
}
