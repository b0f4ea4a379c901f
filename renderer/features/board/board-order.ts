import type { EnrollmentRow } from '#shared/model/station-state.ts';
import type { RowState } from './row-words.ts';

export const boardOrders = ['needs-you', 'bench'] as const;
export type BoardOrder = (typeof boardOrders)[number];
export type BoardFilter = 'all' | RowState;

const urgency: Readonly<Record<RowState, number>> = {
  failed: 0,
  'awaiting-sign-in': 1,
  running: 2,
  waiting: 3,
  stopped: 4,
  enrolled: 5,
};

/**
 * Rows in the order they are to be shown. `bench`: by place. `needs-you`: failed, waiting for a sign-in, running,
 * waiting, stopped, then enrolled with the newest first; by place within a state.
 */
export function orderRows(rows: readonly EnrollmentRow[], order: BoardOrder): EnrollmentRow[] {
  const sorted = [...rows];
  if (order === 'bench') return sorted.sort((a, b) => a.position - b.position);
  return sorted.sort((a, b) => {
    const byNeed = urgency[a.state] - urgency[b.state];
    if (byNeed !== 0) return byNeed;
    const byEnd = a.state === 'enrolled' ? (b.finishedAt ?? 0) - (a.finishedAt ?? 0) : 0;
    return byEnd !== 0 ? byEnd : a.position - b.position;
  });
}

/** Rows of one state whose id, address or serial holds the text. */
export function filterRows(
  rows: readonly EnrollmentRow[],
  filter: BoardFilter,
  query: string,
): EnrollmentRow[] {
  const wanted = query.trim().toLowerCase();
  return rows.filter((row) => {
    if (filter !== 'all' && row.state !== filter) return false;
    if (wanted === '') return true;
    return [row.deviceId, row.address, row.facts?.serial ?? ''].some((text) =>
      text.toLowerCase().includes(wanted),
    );
  });
}
