import { createStation, type Station } from '../engine/station.ts';
import { applyDelta, deltaFit } from '../model/apply-delta.ts';
import type { Profile } from '../model/profile.ts';
import type { LogLine, StationDelta, StationState } from '../model/station-state.ts';
import { buildProfile } from './builders.ts';
import { settled } from './fake-clock.ts';
import type { FakeWorld } from './fake-ports.ts';

/** A station and the window that watches it: every delta is applied as the window would. */
export interface WatchedStation {
  readonly station: Station;
  /** What a window shows that got a snapshot at the start and every delta since. */
  readonly shown: () => StationState;
  readonly deltas: readonly StationDelta[];
  readonly logLines: readonly { readonly deviceId: string; readonly lines: readonly LogLine[] }[];
  /** Signs in and approves. */
  signIn(): Promise<void>;
  /** Starts a batch of the rows of these devices and runs it to its end. */
  enroll(...deviceIds: readonly string[]): Promise<void>;
  rowIds(...deviceIds: readonly string[]): string[];
}

/** The profile of {@link buildProfile} with the devices of the world on its bench. */
export function profileOf(world: FakeWorld, changes: Record<string, unknown> = {}): Profile {
  const bench = [...world.devices].map(([address, device]) => ({
    device_id: device.deviceId,
    target: address,
  }));
  return buildProfile({ bench, ...changes });
}

/** Creates a station over the world. What crosses to the window is copied through JSON, as in the app. */
export function runStation(
  world: FakeWorld,
  profile: Profile = profileOf(world),
  isAttended = false,
): WatchedStation {
  const deltas: StationDelta[] = [];
  const logLines: { deviceId: string; lines: readonly LogLine[] }[] = [];
  const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
  let shown: StationState | undefined;
  const station = createStation({
    ...{ ports: world.ports(), profile, stationName: 'Line 1', version: '0.0.0', isAttended },
    publish: (delta) => {
      deltas.push(copy(delta));
      if (shown !== undefined && deltaFit(shown, delta) === 'next') shown = applyDelta(shown, copy(delta));
    },
    publishLog: (deviceId, lines) => {
      logLines.push({ deviceId, lines: copy(lines) });
    },
  });
  shown = copy(station.state);
  const rowIds = (...deviceIds: readonly string[]): string[] =>
    station.state.bench.filter((row) => deviceIds.includes(row.deviceId)).map((row) => row.rowId);
  return {
    ...{ station, deltas, logLines, rowIds },
    shown: () => shown as StationState,
    signIn: async () => {
      await station.handle('session.signIn', null);
      await settled();
      world.signIn.approve();
      await settled();
    },
    enroll: async (...deviceIds) => {
      await station.handle('batch.start', { rowIds: rowIds(...deviceIds) });
      await world.clock.run(station.whenBatchIdle());
    },
  };
}
