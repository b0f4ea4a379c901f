import { takeSnapshot } from '#shared/model/apply-delta.ts';
import type { Notice, StationDelta, StationState } from '#shared/model/station-state.ts';

/** What the main process has to say itself. The id keeps its notices apart from the engine's. */
export interface OwnNotice {
  readonly id: `main-${string}`;
  readonly tone: Notice['tone'];
  readonly text: string;
}

export interface StationViewOptions {
  readonly version: string;
  readonly nowMs: () => number;
  /** Sends a delta to the window. */
  readonly send: (delta: StationDelta) => void;
}

/**
 * What the main process knows of the state on its way to the window: where the sign-in page is, and its own
 * notices, which it adds to the engine's. Before there is an engine, and when there will be none, it stands in.
 */
export class StationView {
  readonly #options: StationViewOptions;
  #notices: readonly Notice[] = [];
  #standIn: 'starting' | 'failed' | undefined;
  #issuer: string | undefined;
  #session: StationState['session'] | undefined;
  #batchRuns = false;
  readonly #leaving = new Set<string>();

  constructor(options: StationViewOptions) {
    this.#options = options;
  }

  /** Issuer of the loaded profile. */
  get issuer(): string | undefined {
    return this.#issuer;
  }

  /** Whether a batch or a decommission is running, as far as the engine has told. */
  get isBusy(): boolean {
    return this.#batchRuns || this.#leaving.size > 0;
  }

  /** Page of the sign-in that waits for its approval. */
  get signInAddress(): string | undefined {
    return this.#session?.state === 'awaiting-approval' ? this.#session.verificationUriComplete : undefined;
  }

  /** The state to show while no engine can be asked; undefined when the engine answers. */
  get standIn(): StationState | undefined {
    if (this.#standIn === undefined) return undefined;
    const word = this.#standIn === 'starting' ? 'starting' : 'not started';
    const lamp = { state: this.#standIn === 'starting' ? 'waiting' : 'failed', word } as const;
    return {
      revision: 0,
      station: { name: 'Muster', version: this.#options.version, reachesThisComputer: false },
      lamps: { identity: lamp, nats: lamp, keychain: lamp },
      session: { state: this.#standIn === 'starting' ? 'starting' : 'signed-out' },
      bench: [],
      rows: {},
      fleet: {},
      notices: [...this.#notices],
    };
  }

  /** Stands in for an engine that is not there yet, or not any more. `undefined`: the engine answers. */
  standInAs(phase: 'starting' | 'failed' | undefined): void {
    this.#standIn = phase;
    if (phase !== undefined) {
      this.#issuer = undefined;
      this.#session = undefined;
      this.#batchRuns = false;
      this.#leaving.clear();
    }
    this.#options.send(takeSnapshot);
  }

  /** Shows a notice of the main process, in place of the one with the same id. */
  notify(notice: OwnNotice): void {
    this.#notices = [
      ...this.#notices.filter(({ id }) => id !== notice.id),
      { ...notice, at: this.#options.nowMs() },
    ];
    this.#options.send(takeSnapshot);
  }

  /** Takes a notice of the main process away; false when it is not one of those. */
  dismiss(id: string): boolean {
    const left = this.#notices.filter((notice) => notice.id !== id);
    if (left.length === this.#notices.length) return false;
    this.#notices = left;
    this.#options.send(takeSnapshot);
    return true;
  }

  /** The engine's snapshot as the window gets it. */
  onSnapshot(state: StationState): StationState {
    this.#leaving.clear();
    this.#observe({ ...state, batch: state.batch ?? null });
    return { ...state, notices: [...this.#notices, ...state.notices] };
  }

  /** The engine's delta as the window gets it. */
  onDelta(delta: StationDelta): StationDelta {
    this.#observe(delta);
    return delta.notices === undefined ? delta : { ...delta, notices: [...this.#notices, ...delta.notices] };
  }

  #observe({
    profile,
    session,
    batch,
    decommissions = {},
  }: Pick<StationDelta, 'profile' | 'session' | 'batch' | 'decommissions'>): void {
    if (profile !== undefined) this.#issuer = profile.issuer;
    if (session !== undefined) this.#session = session;
    if (batch !== undefined) this.#batchRuns = batch !== null && batch.state !== 'finished';
    for (const { deviceId, state } of Object.values(decommissions)) {
      if (state === 'running') this.#leaving.add(deviceId);
      else this.#leaving.delete(deviceId);
    }
  }
}
