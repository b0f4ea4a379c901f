import { useCallback, useEffect, useMemo, useState } from 'react';
import { goTo, showPanel, useNavigation } from '../../app/navigation.ts';
import { RegionBoundary } from '../../app/RegionBoundary.tsx';
import { useStation } from '../../app/station-store.ts';
import { Button } from '../../ui/Button.tsx';
import { SidePanel } from '../../ui/SidePanel.tsx';
import { useHeldOrder } from '../../ui/use-held-order.ts';
import { BoardHeader } from './BoardHeader.tsx';
import { BoardTable } from './BoardTable.tsx';
import { BoardToolbar } from './BoardToolbar.tsx';
import { countStates } from './board-numbers.ts';
import { filterRows, orderRows } from './board-order.ts';
import { setBoardView, useBoardView } from './board-view.ts';
import { CausePanel } from './CausePanel.tsx';

/** The batch, live: numbers, ruler, one row per device, and what needs a person. */
export function BoardScreen() {
  const batch = useStation((station) => station.batch);
  const record = useStation((station) => station.rows);
  const rows = useMemo(() => Object.values(record).sort((a, b) => a.position - b.position), [record]);
  const panelShown = useNavigation((navigation) => navigation.panelShown);
  const { filter, query, order } = useBoardView();
  const [inUse, setInUse] = useState(false);
  const counts = useMemo(() => countStates(rows), [rows]);
  const wanted = useMemo(
    () => orderRows(filterRows(rows, filter, query), order).map((row) => row.deviceId),
    [rows, filter, query, order],
  );
  const held = useHeldOrder(wanted, `${batch?.batchId} ${filter} ${order} ${query}`, inUse);
  const onInUse = useCallback((next: boolean) => setInUse(next), []);
  useEffect(() => setBoardView({ shownOrder: held.order }), [held.order]);

  if (batch === undefined) return <EmptyBoard />;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <RegionBoundary region="Header">
        <BoardHeader batch={batch} rows={rows} counts={counts} />
      </RegionBoundary>
      <div className="flex min-h-0 flex-1">
        <section aria-label="Board" className="flex min-w-0 flex-1 flex-col">
          <BoardToolbar batch={batch} counts={counts} total={rows.length} held={held} />
          <RegionBoundary region="Table">
            <BoardTable
              order={held.order}
              rows={rows}
              grouped={order === 'needs-you'}
              onInUse={onInUse}
              onApplyOrder={held.apply}
            />
          </RegionBoundary>
        </section>
        <SidePanel width={312} title="What needs you" open={panelShown} onOpenChange={showPanel}>
          <RegionBoundary region="Panel">
            <CausePanel rows={rows} />
          </RegionBoundary>
        </SidePanel>
      </div>
    </div>
  );
}

function EmptyBoard() {
  return (
    <div className="flex items-center gap-4 p-6" data-region="table">
      <p className="text-md">No batch has been started yet. Choose the devices on the Bench.</p>
      <Button kind="primary" data-primary onClick={() => goTo('bench')}>
        Go to the Bench
      </Button>
    </div>
  );
}
