import type { StationState } from '#shared/model/station-state.ts';

/** What is known before the first snapshot: nothing. */
export const emptyStation: StationState = {
  revision: 0,
  station: { name: '', version: '', reachesThisComputer: false },
  lamps: {
    identity: { state: 'waiting', word: '' },
    nats: { state: 'waiting', word: '' },
    keychain: { state: 'waiting', word: '' },
  },
  session: { state: 'starting' },
  bench: [],
  rows: {},
  fleet: {},
  notices: [],
};
