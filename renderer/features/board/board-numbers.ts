import { stepIds } from '#shared/model/enrollment.ts';
import type { BatchView, EnrollmentRow } from '#shared/model/station-state.ts';
import type { RowState } from './row-words.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const RATE_MINUTES = 15;
const NEWEST_FINISHED = 10;
const FEWEST_FINISHED = 5;

export type Counts = Readonly<Record<RowState, number>>;

/** How many devices are in each state. */
export function countStates(rows: readonly EnrollmentRow[]): Counts {
  const counts: Record<RowState, number> = {
    ...{ waiting: 0, running: 0, 'awaiting-sign-in': 0, enrolled: 0, failed: 0, stopped: 0 },
  };
  for (const row of rows) counts[row.state] += 1;
  return counts;
}

/** Enrolled out of those that finished, in percent; undefined while none has. */
export function yieldPercent(counts: Counts): number | undefined {
  const finished = counts.enrolled + counts.failed;
  return finished === 0 ? undefined : (100 * counts.enrolled) / finished;
}

export interface Rate {
  /** Devices enrolled in each of the last minutes, oldest first. */
  readonly perMinute: readonly number[];
  /** Undefined while nothing was enrolled. */
  readonly perHour: number | undefined;
}

/** Enrolled devices per hour over the last quarter of an hour, or since the start when that is shorter. */
export function enrollmentRate(batch: BatchView, rows: readonly EnrollmentRow[], now: number): Rate {
  const end = batch.finishedAt ?? now;
  const perMinute = new Array<number>(RATE_MINUTES).fill(0);
  let inWindow = 0;
  for (const row of rows) {
    if (row.state !== 'enrolled' || row.finishedAt === undefined) continue;
    const minutesAgo = Math.floor((end - row.finishedAt) / MINUTE);
    if (minutesAgo < 0 || minutesAgo >= RATE_MINUTES) continue;
    const place = RATE_MINUTES - 1 - minutesAgo;
    perMinute[place] = (perMinute[place] ?? 0) + 1;
    inWindow += 1;
  }
  const windowMs = Math.min(RATE_MINUTES * MINUTE, end - batch.startedAt);
  return { perMinute, perHour: inWindow === 0 || windowMs < 1000 ? undefined : (inWindow * HOUR) / windowMs };
}

/**
 * Time until the last device is through, in milliseconds, from the last ten that finished. Undefined before five
 * have finished, while devices wait for a sign-in, and when nothing is left to do.
 */
export function timeLeftMs(
  batch: BatchView,
  rows: readonly EnrollmentRow[],
  now: number,
): number | undefined {
  if (rows.some((row) => row.state === 'awaiting-sign-in')) return undefined;
  const spans = rows
    .filter((row) => row.finishedAt !== undefined && row.startedAt !== undefined && row.state === 'enrolled')
    .sort((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0))
    .slice(0, NEWEST_FINISHED)
    .map((row) => (row.finishedAt ?? 0) - (row.startedAt ?? 0));
  if (spans.length < FEWEST_FINISHED) return undefined;
  const mean = spans.reduce((sum, span) => sum + span, 0) / spans.length;
  let work = 0;
  let longest = 0;
  for (const row of rows) {
    if (row.state !== 'waiting' && row.state !== 'running') continue;
    const spent = row.state === 'running' && row.startedAt !== undefined ? now - row.startedAt : 0;
    const rest = Math.max(mean - spent, mean * 0.05);
    work += rest;
    longest = Math.max(longest, rest);
  }
  return work === 0 ? undefined : Math.max(longest, work / batch.concurrency);
}

/** Median duration of each step over the enrolled devices, milliseconds; undefined where none ran it. */
export function stepMedians(rows: readonly EnrollmentRow[]): readonly (number | undefined)[] {
  const enrolled = rows.filter((row) => row.state === 'enrolled');
  return stepIds.map((_id, place) =>
    median(
      enrolled.flatMap((row) => {
        const step = row.steps[place];
        return step?.state === 'done' && step.durationMs !== undefined ? [step.durationMs] : [];
      }),
    ),
  );
}

/** Median of the whole duration of the enrolled devices, milliseconds. */
export function totalMedian(rows: readonly EnrollmentRow[]): number | undefined {
  return median(
    rows.flatMap((row) =>
      row.state === 'enrolled' && row.startedAt !== undefined && row.finishedAt !== undefined
        ? [row.finishedAt - row.startedAt]
        : [],
    ),
  );
}

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
