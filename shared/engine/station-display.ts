import { isUnderWay } from '../model/enrollment.ts';
import type { Profile } from '../model/profile.ts';
import type {
  BatchView,
  BenchDevice,
  DecommissionView,
  EnrollmentRow,
  Heartbeat,
  KeyLookUp,
  Lamp,
  MachineKeyView,
  Notice,
  SessionView,
  StationDelta,
  StationState,
} from '../model/station-state.ts';
import { type BenchRow, viewBench } from './bench.ts';
import { renewBeforeMs } from './desired-state.ts';
import type { Clock, HeartbeatLink, RunRecord } from './ports.ts';
import { StateStore } from './state-store.ts';
import { keyOfRow } from './station-keys.ts';
import { identityLamp, initialState, natsLamp } from './station-view.ts';

const MAX_NOTICES = 20;

export interface StationDisplayOptions {
  readonly clock: Clock;
  readonly profile: Profile;
  readonly station: StationState['station'];
  /** How each device ended before this start. */
  readonly lastRuns: readonly RunRecord[];
  publish(delta: StationDelta): void;
}

/** What the window shows: every change of the station's state is made here, in the words of the contract. */
export class StationDisplay {
  readonly #options: StationDisplayOptions;
  readonly #store: StateStore;
  readonly #lastRuns: Map<string, RunRecord['state']>;
  /** Devices that were taken out of the fleet before this start. */
  readonly #leftBefore: ReadonlyMap<string, RunRecord>;
  #benchRows: readonly BenchRow[] = [];
  #link: HeartbeatLink | undefined;
  #noticeCount = 0;

  constructor(options: StationDisplayOptions) {
    const { station, profile } = options;
    this.#options = options;
    this.#store = new StateStore(initialState(station, profile), options.publish);
    this.#lastRuns = new Map(options.lastRuns.map((run) => [run.deviceId, run.state]));
    const left = options.lastRuns.filter((run) => run.state === 'decommissioned');
    this.#leftBefore = new Map(left.map((run) => [run.deviceId, run]));
  }

  get state(): StationState {
    return this.#store.state;
  }

  showSession(session: SessionView): void {
    this.#store.change({ session });
    this.#showLamps();
  }

  showKeychain(keychain: Lamp): void {
    this.#store.change({ lamps: { ...this.state.lamps, keychain } });
  }

  /** Shows the link to NATS; undefined while nobody is signed in. */
  showLink(link: HeartbeatLink | undefined): void {
    this.#link = link;
    if (link !== undefined) this.#showLamps();
  }

  /** With the first heartbeat of a device that has left the fleet comes when that was: it is not alive like the others. */
  showHeartbeat(heartbeat: Heartbeat): void {
    const { deviceId } = heartbeat;
    const hasLeft = this.#lastRuns.get(deviceId) === 'decommissioned';
    const left = hasLeft ? this.#leftBefore.get(deviceId) : undefined;
    const isTold = left === undefined || this.state.decommissions?.[deviceId] !== undefined;
    this.#store.change({
      fleet: { [deviceId]: heartbeat },
      ...(isTold ? {} : { decommissions: { [deviceId]: viewOfLeft(left) } }),
    });
  }

  showBench(rows: readonly BenchRow[]): void {
    this.#benchRows = rows;
    this.#showBench();
  }

  /** Shows the rows of a new batch; those of the last one go. */
  showNewRows(rows: Readonly<Record<string, EnrollmentRow>>): void {
    this.#store.change({ resetRows: true, rows, batch: null });
  }

  showBatch(batch: BatchView): void {
    this.#store.change({ batch });
  }

  showRow(row: EnrollmentRow): void {
    const before = this.state.rows[row.deviceId]?.state;
    this.#store.change({ rows: { [row.deviceId]: row } });
    if (before === row.state) return;
    const key = keyOfRow(row, renewBeforeMs(this.#options.profile), this.#options.clock.nowMs());
    if (key !== undefined) this.showKeys({ [row.deviceId]: key });
    // Rows go with their batch; the Bench still tells how each device ended.
    const { deviceId, state } = row;
    if (state !== 'waiting') this.#lastRuns.set(deviceId, isUnderWay(state) ? 'running' : state);
    this.#showBench();
  }

  showDecommission(view: DecommissionView): void {
    this.#store.change({ decommissions: { [view.deviceId]: view } });
    const keysAreGone = view.findings.some(({ what }) => what === 'account');
    if (keysAreGone && this.#lastRuns.get(view.deviceId) !== 'decommissioned') {
      this.#lastRuns.set(view.deviceId, 'decommissioned');
      this.#showBench();
    }
    if (keysAreGone && this.state.keys?.[view.deviceId]?.standing !== 'none')
      this.showKeys({
        [view.deviceId]: { standing: 'none', others: 0, askedAt: this.#options.clock.nowMs() },
      });
  }

  showKeys(keys: Readonly<Record<string, MachineKeyView>>): void {
    this.#store.change({ keys });
  }

  showKeyLookUp(keyLookUp: KeyLookUp): void {
    this.#store.change({ keyLookUp });
  }

  /** A device left the fleet. */
  showRemoved(deviceId: string): void {
    if (this.state.fleet[deviceId] !== undefined) this.#store.change({ fleet: { [deviceId]: null } });
  }

  /** Tells the operator something that is not bound to a device. */
  notice(tone: Notice['tone'], text: string): void {
    this.#noticeCount += 1;
    const notice: Notice = {
      id: `notice-${this.#noticeCount}`,
      tone,
      at: this.#options.clock.nowMs(),
      text,
    };
    this.#store.change({ notices: [...this.state.notices, notice].slice(-MAX_NOTICES) });
  }

  dismissNotice(id: string): void {
    this.#store.change({ notices: this.state.notices.filter((notice) => notice.id !== id) });
  }

  #showLamps(): void {
    const { session } = this.state;
    const identity = identityLamp(session);
    const hasNats = this.#options.profile.nats !== undefined;
    const nats = natsLamp(this.#link, hasNats, session.state === 'signed-in');
    this.#store.change({ lamps: { ...this.state.lamps, identity, nats } });
  }

  #showBench(): void {
    this.#store.change({ bench: viewBench(this.#benchRows, (deviceId) => this.#lastState(deviceId)) });
  }

  #lastState(deviceId: string): BenchDevice['lastState'] {
    const now = this.state.rows[deviceId]?.state;
    const before = this.#lastRuns.get(deviceId);
    // Its row may still be on the board of the batch that has enrolled it.
    if (before === 'decommissioned') return before;
    // A run that was still going when the station ended did not finish.
    return now ?? (before === 'running' ? 'stopped' : before);
  }
}

/** What the journal knows of a decommission that ended before this start, whatever of it was left. */
function viewOfLeft({ deviceId, startedAt, finishedAt }: RunRecord): DecommissionView {
  return {
    deviceId,
    state: 'done',
    startedAt,
    findings: [],
    ...(finishedAt === undefined ? {} : { finishedAt }),
  };
}
