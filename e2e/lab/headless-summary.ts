import { countRows, rowsInOrder } from '#shared/cli/board-text.ts';
import type { StationState } from '#shared/model/station-state.ts';

/** The terminal run's result, as `--summary FILE` writes it. */
export interface Summary {
  readonly total: number;
  readonly enrolled: number;
  readonly failed: number;
  readonly seconds: number;
  readonly roundTripsPerDevice: number;
}

/** What a finished batch is summed up to. Seconds from the click to the last device. */
export function summarise(state: StationState): Summary {
  const { total, enrolled, failed } = countRows(state);
  const rows = rowsInOrder(state);
  const trips = rows.reduce((sum, row) => sum + row.roundTrips, 0);
  const { batch } = state;
  const ms = batch?.finishedAt === undefined ? 0 : batch.finishedAt - batch.startedAt;
  return {
    total,
    enrolled,
    failed,
    seconds: Math.round(ms) / 1000,
    roundTripsPerDevice: total === 0 ? 0 : trips / total,
  };
}
