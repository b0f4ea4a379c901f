import type { StationDelta, StationState } from '../model/station-state.ts';

type Change = Omit<StationDelta, 'revision'>;

/** The station's state with its revision. Every change is applied here and published as a delta, nowhere else. */
export class StateStore {
  #state: StationState;
  readonly #publish: (delta: StationDelta) => void;

  constructor(initial: Omit<StationState, 'revision'>, publish: (delta: StationDelta) => void) {
    this.#state = { ...initial, revision: 0 };
    this.#publish = publish;
  }

  get state(): StationState {
    return this.#state;
  }

  change(change: Change): void {
    const delta: StationDelta = { ...change, revision: this.#state.revision + 1 };
    this.#state = applyInPlace(this.#state, delta);
    this.#publish(delta);
  }
}

/**
 * Rows and fleet are big maps that change thousands of times: they are changed in place, and everything that
 * leaves the engine is copied by its way through JSON.
 */
function applyInPlace(state: StationState, delta: StationDelta): StationState {
  const rows = delta.resetRows ? {} : state.rows;
  Object.assign(rows, delta.rows);
  for (const [deviceId, heartbeat] of Object.entries(delta.fleet ?? {})) {
    if (heartbeat === null) delete state.fleet[deviceId];
    else state.fleet[deviceId] = heartbeat;
  }
  const batch = delta.batch === undefined ? state.batch : (delta.batch ?? undefined);
  const { batch: _old, ...rest } = state;
  return {
    ...rest,
    revision: delta.revision,
    ...(delta.profile === undefined ? {} : { profile: delta.profile }),
    lamps: delta.lamps ?? state.lamps,
    session: delta.session ?? state.session,
    bench: delta.bench ?? state.bench,
    notices: delta.notices ?? state.notices,
    rows,
    ...(delta.decommissions === undefined
      ? {}
      : { decommissions: { ...state.decommissions, ...delta.decommissions } }),
    ...(delta.keys === undefined ? {} : { keys: { ...state.keys, ...delta.keys } }),
    ...(delta.keyLookUp === undefined ? {} : { keyLookUp: delta.keyLookUp }),
    ...(batch === undefined ? {} : { batch }),
  };
}
