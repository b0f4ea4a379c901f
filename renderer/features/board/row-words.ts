import type { StepState } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import type { GlyphShape } from '../../ui/StateGlyph.tsx';

export type RowState = EnrollmentRow['state'];
export type StepRecord = EnrollmentRow['steps'][number];

/** Word and sign of a device in a batch. */
export const rowWords: Readonly<
  Record<RowState, { readonly word: string; readonly shape: GlyphShape; readonly colour: string }>
> = {
  waiting: { word: 'Waiting', shape: 'circle', colour: 'text-ink-3' },
  running: { word: 'Running', shape: 'ring', colour: 'text-run-fg font-medium' },
  'awaiting-sign-in': { word: 'Needs sign-in', shape: 'clock', colour: 'text-attn-fg font-medium' },
  enrolled: { word: 'Enrolled', shape: 'tick', colour: 'text-ink-2' },
  failed: { word: 'Failed', shape: 'octagon', colour: 'text-fail-fg font-medium' },
  stopped: { word: 'Stopped', shape: 'chevrons', colour: 'text-ink-3' },
};

/** Word and sign of a step; the order is that of the legend. */
export const stepWords: Readonly<Record<StepState, { readonly word: string; readonly shape: GlyphShape }>> = {
  waiting: { word: 'waiting', shape: 'circle' },
  running: { word: 'running', shape: 'ring' },
  done: { word: 'done', shape: 'tick' },
  already: { word: 'already right', shape: 'bars' },
  skipped: { word: 'skipped', shape: 'chevrons' },
  undone: { word: 'undone', shape: 'undo' },
  failed: { word: 'failed', shape: 'octagon' },
};

/** How far a running step is, 0 to 1; undefined while that cannot be known. */
export function stepProgress(step: StepRecord): number | undefined {
  const { done, total } = step.progress ?? {};
  if (done === undefined || total === undefined || total <= 0) return undefined;
  return Math.min(1, Math.max(0, done / total));
}

/** How far a device is through its steps, 0 to 1. */
export function rowProgress(row: EnrollmentRow): number {
  let passed = 0;
  for (const step of row.steps) {
    if (step.state === 'running') passed += stepProgress(step) ?? 0.5;
    else if (step.state !== 'waiting') passed += 1;
  }
  return passed / row.steps.length;
}

const ADDRESS_FITS = 11;

/** An address for a narrow column: of a long one the end is kept, because it tells the devices apart. */
export function shortAddress(address: string): string {
  return address.length <= ADDRESS_FITS ? address : `…${address.slice(1 - ADDRESS_FITS)}`;
}

/** `first try`, `2nd`, `3rd`, `11th`. */
export function ordinal(count: number): string {
  const lastTwo = count % 100;
  if (lastTwo >= 11 && lastTwo <= 13) return `${count}th`;
  return `${count}${['th', 'st', 'nd', 'rd'][count % 10] ?? 'th'}`;
}
