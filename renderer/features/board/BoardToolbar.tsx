import { ArrowDownWideNarrow, ChevronDown, CircleStop, ListFilter } from 'lucide-react';
import { useState } from 'react';
import type { BatchView } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { showPanel } from '../../app/navigation.ts';
import { countOf } from '../../lib/format.ts';
import { Button, Kbd } from '../../ui/Button.tsx';
import { ChoiceMenu } from '../../ui/ChoiceMenu.tsx';
import { DialogBox } from '../../ui/DialogBox.tsx';
import { FilterField } from '../../ui/Field.tsx';
import { FilterTabs } from '../../ui/FilterTabs.tsx';
import { PANEL_BESIDE } from '../../ui/SidePanel.tsx';
import type { HeldOrder } from '../../ui/use-held-order.ts';
import { useMedia } from '../../ui/use-media.ts';
import type { Counts } from './board-numbers.ts';
import type { BoardFilter, BoardOrder } from './board-order.ts';
import { setBoardView, useBoardView } from './board-view.ts';

const orders: readonly { readonly value: BoardOrder; readonly word: string }[] = [
  { value: 'needs-you', word: 'Needs you first' },
  { value: 'bench', word: 'Bench order' },
];

interface BoardToolbarProps {
  readonly batch: BatchView;
  readonly counts: Counts;
  readonly total: number;
  readonly held: HeldOrder;
}

/** Filters, order, and the end of the batch. */
export function BoardToolbar({ batch, counts, total, held }: BoardToolbarProps) {
  const { filter, query, order } = useBoardView();
  const panelBeside = useMedia(PANEL_BESIDE);
  const tabs: { value: BoardFilter; word: string; count: number }[] = [
    { value: 'all', word: 'All', count: total },
    { value: 'failed', word: 'Failed', count: counts.failed },
    { value: 'running', word: 'Running', count: counts.running },
    { value: 'waiting', word: 'Waiting', count: counts.waiting },
    { value: 'enrolled', word: 'Enrolled', count: counts.enrolled },
  ];
  const awaiting = counts['awaiting-sign-in'];
  if (awaiting > 0 || filter === 'awaiting-sign-in')
    tabs.push({ value: 'awaiting-sign-in', word: 'Sign-in', count: awaiting });
  if (counts.stopped > 0) tabs.push({ value: 'stopped', word: 'Stopped', count: counts.stopped });
  return (
    <div
      data-region="toolbar"
      className="flex h-[var(--h-toolbar)] shrink-0 items-center gap-2 border-b border-line-2 bg-table pl-4 pr-3"
    >
      <FilterTabs
        label="Filter by state"
        tabs={tabs}
        value={filter}
        onValueChange={(next) => setBoardView({ filter: next })}
      />
      <div className="ml-auto flex min-w-0 items-center gap-2">
        {held.changed > 0 ? (
          <Button size="small" onClick={held.apply} shortcut="S">
            {`Order changed, ${countOf(held.changed, 'row')}`}
          </Button>
        ) : null}
        <FilterField
          placeholder="Id, serial or address"
          value={query}
          onValueChange={(next) => setBoardView({ query: next })}
          icon={<ListFilter size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
          trailing={<Kbd>/</Kbd>}
        />
        <ChoiceMenu
          trigger={
            <Button icon={<ArrowDownWideNarrow size={14} strokeWidth={1.7} aria-hidden="true" />}>
              <span className="flex items-center gap-2">
                {orders.find((choice) => choice.value === order)?.word}
                <ChevronDown size={14} strokeWidth={1.7} className="text-ink-3" aria-hidden="true" />
              </span>
            </Button>
          }
          value={order}
          choices={orders}
          onChoose={(next) => setBoardView({ order: next })}
        />
        {batch.state === 'finished' ? null : <StopBatch batch={batch} counts={counts} />}
        {panelBeside ? null : (
          <Button onClick={() => showPanel(true)}>{`What needs you ${counts.failed}`}</Button>
        )}
      </div>
    </div>
  );
}

function StopBatch({ batch, counts }: { readonly batch: BatchView; readonly counts: Counts }) {
  const [asking, setAsking] = useState(false);
  const stopping = batch.state === 'stopping';
  const running = counts.running + counts['awaiting-sign-in'];
  return (
    <>
      <Button
        disabled={stopping}
        icon={<CircleStop size={14} strokeWidth={1.7} aria-hidden="true" />}
        onClick={() => setAsking(true)}
      >
        {stopping ? 'Stopping' : 'Stop batch'}
      </Button>
      <DialogBox open={asking} onClose={() => setAsking(false)} title={`Stop batch ${batch.name}`}>
        <p className="text-sm text-ink-2">
          {`${countOf(running, 'running device')} ${running === 1 ? 'is' : 'are'} stopped between two commands and ${countOf(counts.waiting, 'waiting device')} ${counts.waiting === 1 ? 'is' : 'are'} not begun. What is enrolled stays enrolled. A retry looks at a device anew and does what is missing.`}
        </p>
        <div className="mt-5 flex justify-end gap-2">
          <Button kind="quiet" onClick={() => setAsking(false)}>
            Go on with the batch
          </Button>
          <Button
            kind="primary"
            data-primary
            onClick={() => {
              setAsking(false);
              void act('batch.stop');
            }}
          >
            Stop batch
          </Button>
        </div>
      </DialogBox>
    </>
  );
}
