import { isUnderWay, stepTitles } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { useNow } from '../../app/ticker.ts';
import { formatDuration } from '../../lib/format.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { type StepRecord, stepProgress, stepWords } from '../board/row-words.ts';
import { waterfall } from './waterfall.ts';

const barColours: Readonly<Record<StepRecord['state'], string>> = {
  waiting: '',
  running: 'bg-run-fg',
  done: 'bg-done-fg opacity-70',
  already: 'bg-right-fg opacity-70',
  skipped: 'bg-skip-fg opacity-70',
  failed: 'bg-fail-solid',
  undone: 'bg-undo-fg',
};

/** The nine steps of one device, each with a bar that stands where it was in time. */
export function StepList({ row }: { readonly row: EnrollmentRow }) {
  const running = isUnderWay(row.state);
  return (
    <section aria-label="Steps" className="flex min-h-0 flex-col border-r border-line-2">
      <div className="flex h-9 shrink-0 items-center border-b border-line-2 px-5">
        <h2 className="text-xs font-semibold">Steps</h2>
        <span className="ml-auto text-xs text-ink-2">
          {running ? <LiveTotal since={row.startedAt} /> : <Total row={row} />}
        </span>
      </div>
      <ol className="scroll min-h-0 flex-1">
        {running ? <LiveSteps row={row} /> : <Steps row={row} now={row.finishedAt ?? 0} />}
      </ol>
    </section>
  );
}

function Total({ row }: { readonly row: EnrollmentRow }) {
  if (row.startedAt === undefined || row.finishedAt === undefined) return null;
  return `${formatDuration(row.finishedAt - row.startedAt)} in all`;
}

function LiveTotal({ since }: { readonly since: number | undefined }) {
  const now = useNow(500);
  return since === undefined ? null : `${formatDuration(now - since)} so far`;
}

function LiveSteps({ row }: { readonly row: EnrollmentRow }) {
  return <Steps row={row} now={useNow(500)} />;
}

function Steps({ row, now }: { readonly row: EnrollmentRow; readonly now: number }) {
  const bars = waterfall(row, now);
  return row.steps.map((step, place) => {
    const bar = bars[place];
    return (
      <li
        key={step.id}
        aria-label={`${stepTitles[step.id]}, ${stepWords[step.state].word}`}
        title={step.note}
        data-state={step.state}
        className={`relative flex h-[33px] items-center gap-[7px] px-5 text-sm ${step.state === 'failed' ? 'bg-fail-bg' : ''} ${step.state === 'waiting' ? 'text-ink-3' : ''}`}
      >
        <StateGlyph shape={stepWords[step.state].shape} progress={stepProgress(step)} />
        <span>
          {place + 1} {stepTitles[step.id]}
        </span>
        <span className="ml-auto whitespace-nowrap text-xs text-ink-2">{stepTime(step, now)}</span>
        {bar === undefined ? null : (
          <span className="absolute bottom-1 left-[39px] right-5 h-[3px]" aria-hidden="true">
            <span
              className={`absolute h-full rounded-[1px] ${barColours[step.state]}`}
              style={{ left: `${bar.from * 100}%`, width: `max(3px, ${bar.share * 100}%)` }}
            />
          </span>
        )}
      </li>
    );
  });
}

function stepTime(step: StepRecord, now: number): string {
  if (step.state === 'running') {
    return step.progress?.text || (step.startedAt === undefined ? '' : formatDuration(now - step.startedAt));
  }
  if (step.state === 'already' || step.state === 'skipped' || step.state === 'undone') return step.state;
  return step.durationMs === undefined ? '' : formatDuration(step.durationMs);
}
