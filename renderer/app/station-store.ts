import { create } from 'zustand';
import type { StationState } from '#shared/model/station-state.ts';
import { call, listen } from './bridge.ts';
import { emptyStation } from './empty-station.ts';
import { reportFailure } from './failures.ts';
import { nextFrame } from './next-frame.ts';
import { feedStation } from './station-feed.ts';

interface StationStore {
  readonly station: StationState;
  /** False until the first snapshot arrived. */
  readonly known: boolean;
}

export const stationStore = create<StationStore>(() => ({ station: emptyStation, known: false }));

/** A part of the station's state; the component is drawn again only when this part changes. */
export function useStation<T>(select: (station: StationState) => T): T {
  return stationStore((store) => select(store.station));
}

/** The station's state now, for event handlers. */
export function stationNow(): StationState {
  return stationStore.getState().station;
}

/** Whether the first snapshot is there. */
export function useStationKnown(): boolean {
  return stationStore((store) => store.known);
}

let stopFeed: (() => void) | undefined;

/** Connects the store to the engine; once more after another engine has taken over. */
export function startFeed(): void {
  stopFeed?.();
  stopFeed = feedStation({
    snapshot: () => call('station.snapshot'),
    onDelta: (listener) => listen('station.delta', listener),
    nextFrame,
    show: (station) => stationStore.setState({ station, known: true }),
    fail: reportFailure,
  });
}
