import type { EnrollmentRow } from '#shared/model/station-state.ts';

export interface WaterfallBar {
  /** Where it begins and how long it is, as shares of the whole time, 0 to 1. */
  readonly from: number;
  readonly share: number;
}

/** One bar per step, true to time; undefined for a step that has not begun. `now` ends a running step. */
export function waterfall(row: EnrollmentRow, now: number): readonly (WaterfallBar | undefined)[] {
  const start = row.startedAt;
  if (start === undefined) return row.steps.map(() => undefined);
  const spans = row.steps.map((step) => {
    if (step.startedAt === undefined) return undefined;
    const end = step.state === 'running' ? now : step.startedAt + (step.durationMs ?? 0);
    return { from: step.startedAt - start, to: Math.max(step.startedAt, end) - start };
  });
  const whole = Math.max(1, (row.finishedAt ?? now) - start, ...spans.map((span) => span?.to ?? 0));
  return spans.map((span) =>
    span === undefined
      ? undefined
      : { from: Math.max(0, span.from) / whole, share: (span.to - Math.max(0, span.from)) / whole },
  );
}
