import { memo } from 'react';
import type { StepId, StepState } from '#shared/model/enrollment.ts';
import { stepTitles } from '#shared/model/enrollment.ts';
import { useNow } from '../../app/ticker.ts';
import { formatClockSpan, formatDuration } from '../../lib/format.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { type StepRecord, stepProgress, stepWords } from './row-words.ts';

interface StepCellProps {
  readonly step: StepRecord;
  readonly column: number;
}

/** One step of one device. Its sign, and a duration, a word or how far it is. Redrawn only when those change. */
export const StepCell = memo(
  function StepCell({ step, column }: StepCellProps) {
    return (
      <div
        role="gridcell"
        aria-colindex={column}
        aria-label={spokenStep(step)}
        data-state={step.state}
        data-says={saysWhy(step) || undefined}
        title={step.note ?? step.progress?.text}
        className="step-cell"
      >
        {step.state === 'running' ? (
          <RunningStep step={step} />
        ) : (
          <>
            <StateGlyph shape={stepWords[step.state].shape} />
            <CellText state={step.state} durationMs={step.durationMs} />
          </>
        )}
      </div>
    );
  },
  (before, after) => before.column === after.column && sameStep(before.step, after.step),
);

function CellText({
  state,
  durationMs,
}: {
  readonly state: StepState;
  readonly durationMs: number | undefined;
}) {
  if (state === 'waiting') return null;
  if (state === 'already' || state === 'skipped' || state === 'undone') {
    return <span className="step-word">{state}</span>;
  }
  return <span className="step-time">{durationMs === undefined ? '' : formatDuration(durationMs)}</span>;
}

function RunningStep({ step }: { readonly step: StepRecord }) {
  const share = stepProgress(step);
  return (
    <>
      <StateGlyph shape="ring" progress={share} />
      <span className="step-run">
        {step.progress?.text || (step.startedAt === undefined ? '' : <Elapsed since={step.startedAt} />)}
      </span>
      <span className="step-bar" aria-hidden="true">
        <span style={{ width: `${Math.round((share ?? 0.04) * 100)}%` }} />
      </span>
    </>
  );
}

/** It waits for something, in words rather than numbers: they need more room than a column has. */
function saysWhy({ state, progress }: StepRecord): boolean {
  return (
    state === 'running' && progress !== undefined && progress.total === undefined && /\s/.test(progress.text)
  );
}

function Elapsed({ since }: { readonly since: number }) {
  return formatClockSpan(useNow(500) - since);
}

function sameStep(a: StepRecord, b: StepRecord): boolean {
  return (
    a.id === b.id &&
    a.state === b.state &&
    a.durationMs === b.durationMs &&
    a.startedAt === b.startedAt &&
    a.note === b.note &&
    a.progress?.text === b.progress?.text &&
    a.progress?.done === b.progress?.done &&
    a.progress?.total === b.progress?.total
  );
}

/** `Packages, running, 18 / 41`. */
function spokenStep(step: StepRecord): string {
  const title = stepTitles[step.id as StepId];
  const word = stepWords[step.state].word;
  if (step.state === 'running') return [title, word, step.progress?.text].filter(Boolean).join(', ');
  if (step.durationMs === undefined) return `${title}, ${word}`;
  return `${title}, ${word}, ${formatDuration(step.durationMs)}`;
}
