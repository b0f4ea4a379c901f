import type { EnrollmentRow } from '#shared/model/station-state.ts';

type Rows = Readonly<Record<string, EnrollmentRow>>;

/**
 * What changed between two looks at the board, in one sentence: `4 more enrolled, 1 failed: batch7-027,
 * agent runs, no heartbeat.` Empty when nothing ended
 * and nothing began to wait for a sign-in.
 */
export function summarise(before: Rows, after: Rows): string {
  if (before === after) return '';
  const changed = Object.values(after).filter((row) => before[row.deviceId]?.state !== row.state);
  const enrolled = changed.filter((row) => row.state === 'enrolled').length;
  const failed = changed.filter((row) => row.state === 'failed');
  const parts: string[] = [];
  if (enrolled > 0) parts.push(`${enrolled} more enrolled`);
  const first = failed[0];
  if (first !== undefined) {
    const reason = first.error === undefined ? '' : `, ${lowerFirst(first.error.title)}`;
    parts.push(`${failed.length} failed: ${first.deviceId}${reason}`);
  }
  const waiting = changed.filter((row) => row.state === 'awaiting-sign-in').length;
  if (waiting > 0) parts.push(`${waiting} ${waiting === 1 ? 'waits' : 'wait'} for a sign-in`);
  return parts.length === 0 ? '' : `${parts.join(', ')}.`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
