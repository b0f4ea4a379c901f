import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { stepIds, stepTitles } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { stationNow } from '../../app/station-store.ts';
import { formatDuration } from '../../lib/format.ts';
import { BoardRow } from './BoardRow.tsx';
import { retryCauseOf, retryOne } from './board-actions.ts';
import { stepMedians, totalMedian } from './board-numbers.ts';
import { openDevice, setBoardView, useBoardView } from './board-view.ts';

const ROW_HEIGHT = 26;

interface BoardTableProps {
  readonly order: readonly string[];
  readonly rows: readonly EnrollmentRow[];
  readonly grouped: boolean;
  readonly onInUse: (inUse: boolean) => void;
  readonly onApplyOrder: () => void;
}

/** Rows × steps. One tab stop; arrows move, Enter opens, letters act on the selected device. */
export function BoardTable({ order, rows, grouped, onInUse, onApplyOrder }: BoardTableProps) {
  const selected = useBoardView((view) => view.selected);
  const opened = useBoardView((view) => view.opened);
  const scroller = useRef<HTMLDivElement>(null);
  const [pointerInside, setPointerInside] = useState(false);
  const [focusInside, setFocusInside] = useState(false);
  const virtual = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    getItemKey: (index) => order[index] ?? index,
  });
  const inUse = pointerInside || focusInside || opened !== undefined;
  useEffect(() => onInUse(inUse), [inUse, onInUse]);

  const selectedIndex = selected === undefined ? -1 : order.indexOf(selected);
  useEffect(() => {
    if (selectedIndex >= 0) virtual.scrollToIndex(selectedIndex);
  }, [selectedIndex, virtual]);

  const moveTo = (index: number) => {
    const deviceId = order[Math.min(order.length - 1, Math.max(0, index))];
    if (deviceId !== undefined) setBoardView({ selected: deviceId });
  };
  const page = () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => moveTo(selectedIndex + 1),
      ArrowUp: () => moveTo(selectedIndex < 0 ? 0 : selectedIndex - 1),
      Home: () => moveTo(0),
      End: () => moveTo(order.length - 1),
      PageDown: () => moveTo(selectedIndex + page()),
      PageUp: () => moveTo(selectedIndex - page()),
      Enter: () => selected !== undefined && openDevice(selected),
      Escape: () => setBoardView({ selected: undefined }),
      r: () => selected !== undefined && retryOne(selected),
      R: () => selected !== undefined && retryCauseOf(selected),
      n: () => moveTo(nextFailed(order, selectedIndex, 1)),
      N: () => moveTo(nextFailed(order, selectedIndex, -1)),
      s: onApplyOrder,
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  };

  return (
    <div
      role="grid"
      aria-label="Devices of the batch"
      aria-rowcount={order.length + 1}
      aria-colcount={stepIds.length + 5}
      className="board-box flex min-h-0 min-w-0 flex-1 flex-col"
      data-region="table"
      tabIndex={0}
      aria-activedescendant={selectedIndex >= 0 ? `board-${selected}` : undefined}
      onKeyDown={onKeyDown}
      onFocus={() => setFocusInside(true)}
      onBlur={() => setFocusInside(false)}
    >
      <BoardHead rows={rows} />
      <div
        ref={scroller}
        role="rowgroup"
        data-testid="board-rows"
        className="grid-scroll min-h-0 flex-1"
        onPointerEnter={() => setPointerInside(true)}
        onPointerLeave={() => setPointerInside(false)}
      >
        <div style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const deviceId = order[item.index] ?? '';
            return (
              <BoardRow
                key={item.key}
                deviceId={deviceId}
                index={item.index}
                top={item.start}
                selected={deviceId === selected}
                endsGroup={grouped && endsGroup(order, item.index)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

function endsGroup(order: readonly string[], index: number): boolean {
  const { rows } = stationNow();
  const next = rows[order[index + 1] ?? ''];
  return next !== undefined && next.state !== rows[order[index] ?? '']?.state;
}

function nextFailed(order: readonly string[], from: number, direction: 1 | -1): number {
  const { rows } = stationNow();
  for (let step = 1; step <= order.length; step += 1) {
    const place = (from + step * direction + order.length * 2) % order.length;
    if (rows[order[place] ?? '']?.state === 'failed') return place;
  }
  return from;
}

function BoardHead({ rows }: { readonly rows: readonly EnrollmentRow[] }) {
  const medians = useMemo(() => stepMedians(rows), [rows]);
  const total = useMemo(() => totalMedian(rows), [rows]);
  const enrolled = useMemo(() => rows.filter((row) => row.state === 'enrolled').length, [rows]);
  return (
    // The scrollbar of the rows takes no space from their columns' positions: both are laid out from the left.
    <div role="row" aria-rowindex={1} className="grid-head board-columns h-[var(--h-thead)]">
      <div role="columnheader" aria-label="Sign" />
      <div role="columnheader" className="cell">
        Device
      </div>
      <div role="columnheader" className="cell">
        State
      </div>
      <div role="columnheader" className="board-address cell">
        Address
        <span className="block text-2xs text-ink-3">{enrolled > 0 ? `median of ${enrolled}` : ' '}</span>
      </div>
      {stepIds.map((id, place) => {
        const value = medians[place];
        return (
          <div key={id} role="columnheader" className="step-head">
            <span className="text-ink-3">{place + 1}</span>{' '}
            <span className="text-ink-1">{stepTitles[id]}</span>
            <span className="block text-2xs text-ink-3">
              {value === undefined ? ' ' : formatDuration(value)}
            </span>
          </div>
        );
      })}
      <div role="columnheader" className="board-total cell text-right text-ink-1">
        Total
        <span className="block text-2xs text-ink-3">{total === undefined ? ' ' : formatDuration(total)}</span>
      </div>
    </div>
  );
}
