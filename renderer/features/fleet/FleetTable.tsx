import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { CheckMark } from '../../ui/CheckMark.tsx';
import { FleetRowView } from './FleetRowView.tsx';
import { type FleetOrder, type FleetState, isLeaving } from './fleet-rows.ts';
import { chooseDevices, openFleetDevice, setFleetView, useFleetView } from './fleet-view.ts';

const ROW_HEIGHT = 26;

interface Head {
  readonly word: string;
  readonly place?: string;
  /** The order in which this column is the first to look at. */
  readonly order?: FleetOrder;
}

const heads: readonly Head[] = [
  { word: 'Device', order: 'id' },
  { word: 'State' },
  { word: 'Last heartbeat', place: 'text-right', order: 'stale' },
  { word: 'Key ends', place: 'pl-8', order: 'key' },
  { word: 'Labels' },
  { word: 'Agent' },
  { word: 'System' },
  { word: 'Address', place: 'pr-3 text-right' },
];

interface FleetTableProps {
  readonly order: readonly string[];
  readonly states: ReadonlyMap<string, FleetState>;
  readonly onInUse: (inUse: boolean) => void;
}

/** Every device that ever sent a heartbeat, and those that have just left. Ages count from one clock. */
export function FleetTable({ order, states, onInUse }: FleetTableProps) {
  const { selected, chosen, order: sortedBy } = useFleetView();
  const scroller = useRef<HTMLDivElement>(null);
  const [pointerInside, setPointerInside] = useState(false);
  const [focusInside, setFocusInside] = useState(false);
  useEffect(() => onInUse(pointerInside || focusInside), [pointerInside, focusInside, onInUse]);
  const virtual = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
    getItemKey: (index) => order[index] ?? index,
  });
  const place = selected === undefined ? -1 : order.indexOf(selected);
  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place);
  }, [place, virtual]);

  const canChoose = (deviceId: string | undefined): deviceId is string =>
    deviceId !== undefined && mayBeChosen(states.get(deviceId));
  const able = order.filter(canChoose);
  const chosenHere = able.filter((deviceId) => chosen.has(deviceId)).length;
  const chooseAll = () => chooseDevices(able, chosenHere < able.length);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey || event.target !== event.currentTarget) return;
    if (event.ctrlKey) {
      if (event.key !== 'a') return;
      event.preventDefault();
      chooseAll();
      return;
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: place + 1,
      ArrowUp: place - 1,
      Home: 0,
      End: order.length - 1,
      PageDown: place + page,
      PageUp: place - page,
    };
    if (event.key === 'Escape')
      setFleetView(selected === undefined ? { chosen: new Set() } : { selected: undefined });
    if (event.key === 'Enter' && selected !== undefined) openFleetDevice(selected);
    if (event.key === ' ' && canChoose(selected)) {
      event.preventDefault();
      chooseDevices([selected], !chosen.has(selected));
    }
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const next = Math.min(order.length - 1, Math.max(0, target));
    if (event.shiftKey) {
      const [from, to] = [Math.min(Math.max(place, 0), next), Math.max(place, next)];
      chooseDevices(order.slice(from, to + 1).filter(canChoose), true);
    }
    setFleetView({ selected: order[next] });
  };

  return (
    <div
      role="grid"
      aria-label="Fleet"
      aria-multiselectable="true"
      aria-rowcount={order.length + 1}
      className="flex min-h-0 flex-1 flex-col"
      data-region="table"
      tabIndex={0}
      aria-activedescendant={place >= 0 ? `fleet-${selected}` : undefined}
      onKeyDown={onKeyDown}
      onFocus={() => setFocusInside(true)}
      onBlur={() => setFocusInside(false)}
    >
      <div role="row" aria-rowindex={1} className="grid-head fleet-columns h-7">
        <div role="columnheader" aria-label="Sign" />
        <div role="columnheader" className="flex items-center justify-center">
          <CheckMark
            state={chosenHere === 0 ? 'off' : chosenHere === able.length ? 'on' : 'some'}
            disabled={able.length === 0}
            label="Choose all shown"
            onToggle={chooseAll}
          />
        </div>
        {heads.map(({ word, place: where = '', order: orders }) => (
          <div
            key={word}
            role="columnheader"
            aria-sort={orders !== undefined && orders === sortedBy ? sortDirection[orders] : undefined}
            className={`cell text-ink-1 ${where}`}
          >
            {word}
          </div>
        ))}
      </div>
      <div
        ref={scroller}
        role="rowgroup"
        data-testid="fleet-rows"
        className="grid-scroll min-h-0 flex-1"
        onPointerEnter={() => setPointerInside(true)}
        onPointerLeave={() => setPointerInside(false)}
      >
        {order.length === 0 ? <NothingFits /> : null}
        <div style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const deviceId = order[item.index] ?? '';
            const next = states.get(order[item.index + 1] ?? '');
            return (
              <FleetRowView
                key={item.key}
                deviceId={deviceId}
                index={item.index}
                top={item.start}
                selected={deviceId === selected}
                chosen={chosen.has(deviceId)}
                choosable={mayBeChosen(states.get(deviceId))}
                endsGroup={sortedBy === 'stale' && next !== undefined && next !== states.get(deviceId)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

const sortDirection = { stale: 'descending', key: 'ascending', id: 'ascending' } as const;

/** What leaves the fleet, or has left it, gets no new key. */
function mayBeChosen(state: FleetState | undefined): boolean {
  return state !== undefined && !isLeaving(state);
}

function NothingFits() {
  return (
    <p className="flex items-center gap-4 px-4 py-3 text-sm">
      No device fits this filter.
      <button
        type="button"
        className="text-accent hover:underline"
        onClick={() => setFleetView({ filter: 'all', query: '' })}
      >
        Show all
      </button>
    </p>
  );
}
