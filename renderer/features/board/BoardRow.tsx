import { type CSSProperties, memo } from 'react';
import { isUnderWay } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatDuration } from '../../lib/format.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { openDevice, setBoardView } from './board-view.ts';
import { ordinal, rowProgress, rowWords, shortAddress } from './row-words.ts';
import { StepCell } from './StepCell.tsx';

const FIRST_STEP_COLUMN = 5;
const STEP_COUNT = 9;

interface BoardRowProps {
  readonly deviceId: string;
  readonly index: number;
  readonly top: number;
  readonly selected: boolean;
  /** The last row of a group of equal need; a stronger line ends it. */
  readonly endsGroup: boolean;
}

/** A device: where it is, and its nine steps. */
export const BoardRow = memo(function BoardRow({ deviceId, index, top, selected, endsGroup }: BoardRowProps) {
  const row = useStation((station) => station.rows[deviceId]);
  if (row === undefined) return null;
  const { word, shape, colour } = rowWords[row.state];
  const reason = reasonOf(row);
  const reasonFrom = reason === undefined ? undefined : reasonPlace(row);
  return (
    <div
      role="row"
      tabIndex={-1}
      id={`board-${deviceId}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-group-end={endsGroup || undefined}
      className="grid-row board-columns"
      style={place(top)}
      onClick={() => setBoardView({ selected: deviceId })}
      onDoubleClick={() => openDevice(deviceId)}
    >
      <div role="gridcell" aria-colindex={1} className="flex items-center justify-center pl-2">
        <StateGlyph shape={shape} progress={row.state === 'running' ? rowProgress(row) : undefined} />
      </div>
      <div role="gridcell" aria-colindex={2} className="mono cell font-medium" title={deviceId}>
        {deviceId}
      </div>
      <div role="gridcell" aria-colindex={3} className={`cell ${colour}`}>
        {word}
        {row.attempt > 1 ? <span className="font-normal text-ink-3"> {ordinal(row.attempt)}</span> : null}
      </div>
      <div
        role="gridcell"
        aria-colindex={4}
        className="board-address mono cell text-ink-2"
        title={row.target}
      >
        {shortAddress(row.address)}
      </div>
      {row.steps.slice(0, reasonFrom ?? STEP_COUNT).map((step, step_) => (
        <StepCell key={step.id} step={step} column={FIRST_STEP_COLUMN + step_} />
      ))}
      {reason === undefined || reasonFrom === undefined ? null : <Reason {...reason} from={reasonFrom} />}
      <div role="gridcell" aria-colindex={14} className="board-total cell text-right text-ink-2">
        <Total row={row} />
      </div>
    </div>
  );
});

function place(top: number): CSSProperties {
  return { transform: `translateY(${top}px)` };
}

interface ReasonWords {
  readonly title: string;
  readonly says: string;
  readonly more: string;
}

/** Why it does not go on, or undefined. */
function reasonOf({ state, error }: EnrollmentRow): ReasonWords | undefined {
  if (state === 'awaiting-sign-in')
    return {
      title: 'Waits for a sign-in',
      says: 'It goes on by itself.',
      more: 'Sign in: every device of the batch goes on where it was.',
    };
  if (state !== 'failed' || error === undefined) return undefined;
  return { title: error.title, says: error.says, more: error.operatorDoes };
}

/** Where the free cells after the last step begun begin, or undefined when there are none. */
function reasonPlace(row: EnrollmentRow): number | undefined {
  const lastTouched = row.steps.findLastIndex((step) => step.state !== 'waiting' && step.state !== 'skipped');
  const from = lastTouched + 1;
  return from < STEP_COUNT ? from : undefined;
}

function Reason({ title, says, more, from }: ReasonWords & { readonly from: number }) {
  return (
    <div
      role="gridcell"
      aria-colindex={FIRST_STEP_COLUMN + from}
      aria-colspan={STEP_COUNT - from}
      className="cell board-reason"
      title={`${says} ${more}`}
      style={{ gridColumn: `${FIRST_STEP_COLUMN + from} / span ${STEP_COUNT - from}` }}
    >
      <span className="font-medium text-ink-1">{title}</span>
      <span className="ml-2 text-ink-2">{says}</span>
    </div>
  );
}

function Total({ row }: { readonly row: EnrollmentRow }) {
  if (row.startedAt === undefined) return null;
  if (row.finishedAt !== undefined) return formatDuration(row.finishedAt - row.startedAt);
  return isUnderWay(row.state) ? <RunningTotal since={row.startedAt} /> : null;
}

function RunningTotal({ since }: { readonly since: number }) {
  return formatDuration(useNow(500) - since);
}
