import { durationText } from '../model/duration-text.ts';
import type { StepState } from '../model/enrollment.ts';
import { stepIds, stepTitles } from '../model/enrollment.ts';
import type { EnrollmentRow, StationState } from '../model/station-state.ts';
import { type Paint, plainPaint } from './paint.ts';

/** One character a step: the shape tells the state without its colour. */
const stepGlyphs: Readonly<Record<StepState, string>> = {
  waiting: '·',
  running: '▸',
  done: '✓',
  already: '=',
  skipped: '»',
  failed: '✕',
  undone: '↶',
};

export interface BoardSize {
  readonly columns: number;
  readonly lines: number;
}

export interface BatchCounts {
  readonly total: number;
  readonly enrolled: number;
  readonly running: number;
  readonly awaitingSignIn: number;
  readonly waiting: number;
  readonly failed: number;
}

/** How many devices of the batch are in which state. Stopped ones count as failed: they are not enrolled. */
export function countRows(state: StationState): BatchCounts {
  const rows = Object.values(state.rows);
  const count = (...states: EnrollmentRow['state'][]): number =>
    rows.filter((row) => states.includes(row.state)).length;
  return {
    total: rows.length,
    enrolled: count('enrolled'),
    running: count('running'),
    awaitingSignIn: count('awaiting-sign-in'),
    waiting: count('waiting'),
    failed: count('failed', 'stopped'),
  };
}

/** Rows in bench order. */
export function rowsInOrder(state: StationState): EnrollmentRow[] {
  return Object.values(state.rows).sort((a, b) => a.position - b.position);
}

/** Time a device has taken so far, in milliseconds. */
export function elapsedMs(row: EnrollmentRow, nowMs: number): number | undefined {
  return row.startedAt === undefined ? undefined : Math.max(0, (row.finishedAt ?? nowMs) - row.startedAt);
}

const order: readonly EnrollmentRow['state'][] = [
  ...(['failed', 'stopped', 'awaiting-sign-in', 'running', 'waiting', 'enrolled'] as const),
];

/**
 * The live board as lines of text. When the terminal is too low for all devices, those that need eyes stay and the
 * rest is counted in one line.
 */
export function boardText(
  state: StationState,
  nowMs: number,
  size: BoardSize,
  paint: Paint = plainPaint,
): string[] {
  const counts = countRows(state);
  const rows = rowsInOrder(state);
  const idWidth = Math.min(28, Math.max(8, ...rows.map((row) => row.deviceId.length)));
  const startedAt = state.batch?.startedAt ?? nowMs;
  const lines = [
    `${paint.strong(`${counts.enrolled} / ${counts.total}`)} enrolled   ${counts.running} running   ${
      counts.awaitingSignIn > 0 ? `${paint.attention(awaitingText(counts.awaitingSignIn))}   ` : ''
    }${counts.waiting} waiting   ${
      counts.failed > 0 ? paint.failed(`${counts.failed} failed`) : '0 failed'
    }   ${durationText((state.batch?.finishedAt ?? nowMs) - startedAt)}`,
    paint.dim(
      `${''.padEnd(idWidth + 12)}${stepIds.map((id) => stepTitles[id].slice(0, 3).padEnd(4)).join('')}  step`,
    ),
  ];
  const room = Math.max(1, size.lines - lines.length - 2);
  const shown = rows.length <= room ? rows : mostInteresting(rows, room - 1);
  for (const row of shown) lines.push(cut(rowText(row, idWidth, nowMs, paint), size.columns));
  if (shown.length < rows.length) lines.push(paint.dim(`and ${rows.length - shown.length} more`));
  return lines;
}

/** `1 waits for a sign-in`, `3 wait for a sign-in`. */
export function awaitingText(count: number): string {
  return `${count} ${count === 1 ? 'waits' : 'wait'} for a sign-in`;
}

function mostInteresting(rows: readonly EnrollmentRow[], count: number): EnrollmentRow[] {
  const ranked = [...rows].sort(
    (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.position - b.position,
  );
  return ranked.slice(0, Math.max(1, count)).sort((a, b) => a.position - b.position);
}

function rowText(row: EnrollmentRow, idWidth: number, nowMs: number, paint: Paint): string {
  const glyphs = row.steps
    .map((step) => {
      const glyph = stepGlyphs[step.state];
      if (step.state === 'failed') return `${paint.failed(glyph)}   `;
      if (step.state === 'running') return `${paint.running(glyph)}   `;
      return `${step.state === 'waiting' ? paint.dim(glyph) : paint.done(glyph)}   `;
    })
    .join('');
  const elapsed = elapsedMs(row, nowMs);
  return `${row.deviceId.padEnd(idWidth)}  ${(elapsed === undefined ? '' : durationText(elapsed)).padStart(8)}  ${glyphs}  ${wordOf(row, paint)}`;
}

function wordOf(row: EnrollmentRow, paint: Paint): string {
  if (row.state === 'failed') return paint.failed(row.error?.says ?? 'failed');
  if (row.state === 'enrolled') return paint.done('enrolled');
  if (row.state === 'awaiting-sign-in') return paint.attention('waits for a sign-in');
  if (row.state === 'running') {
    const step = row.steps.find((candidate) => candidate.state === 'running');
    return step === undefined ? 'running' : `${stepTitles[step.id]} ${step.progress?.text ?? ''}`.trimEnd();
  }
  return row.state;
}

/** Cuts a line to the terminal's width, not counting colour codes. */
function cut(text: string, columns: number): string {
  let visible = 0;
  let result = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes are our own, made by paint.ts.
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b[')) {
      result += part;
      continue;
    }
    const room = Math.max(0, columns - visible);
    result += part.slice(0, room);
    visible += Math.min(part.length, room);
  }
  return result;
}
