import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, useEffect, useRef, useState } from 'react';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatAge } from '../../lib/format.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { setFleetView, useFleetView } from './fleet-view.ts';
import { type Liveness, livenessOf, livenessWords } from './heartbeat-age.ts';

const ROW_HEIGHT = 26;

const headPlaces: Readonly<Record<string, string>> = {
  'Last heartbeat': 'text-right',
  Labels: 'pl-5',
  Address: 'pr-3 text-right',
};

interface FleetTableProps {
  readonly order: readonly string[];
  readonly livenessById: ReadonlyMap<string, Liveness>;
  readonly onInUse: (inUse: boolean) => void;
}

/** Every device that ever sent a heartbeat. Ages count from one clock. */
export function FleetTable({ order, livenessById, onInUse }: FleetTableProps) {
  const selected = useFleetView((view) => view.selected);
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

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: place + 1,
      ArrowUp: place - 1,
      Home: 0,
      End: order.length - 1,
      PageDown: place + page,
      PageUp: place - page,
    };
    if (event.key === 'Escape') setFleetView({ selected: undefined });
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    setFleetView({ selected: order[Math.min(order.length - 1, Math.max(0, target))] });
  };

  return (
    <div
      role="grid"
      aria-label="Fleet"
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
        {['Device', 'State', 'Last heartbeat', 'Labels', 'Agent', 'System', 'Address'].map((head) => (
          <div key={head} role="columnheader" className={`cell text-ink-1 ${headPlaces[head] ?? ''}`}>
            {head}
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
        <div style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const deviceId = order[item.index] ?? '';
            const next = livenessById.get(order[item.index + 1] ?? '');
            return (
              <FleetRowView
                key={item.key}
                deviceId={deviceId}
                index={item.index}
                top={item.start}
                selected={deviceId === selected}
                endsGroup={next !== undefined && next !== livenessById.get(deviceId)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface FleetRowProps {
  readonly deviceId: string;
  readonly index: number;
  readonly top: number;
  readonly selected: boolean;
  readonly endsGroup: boolean;
}

const FleetRowView = memo(function FleetRowView({
  deviceId,
  index,
  top,
  selected,
  endsGroup,
}: FleetRowProps) {
  const heartbeat = useStation((station) => station.fleet[deviceId]);
  const now = useNow();
  if (heartbeat === undefined) return null;
  const liveness = livenessOf(heartbeat, now);
  const { word, shape, colour } = livenessWords[liveness];
  const calm = liveness === 'online';
  return (
    <div
      role="row"
      tabIndex={-1}
      id={`fleet-${deviceId}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-group-end={endsGroup || undefined}
      className="grid-row fleet-columns"
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => setFleetView({ selected: deviceId })}
    >
      <div role="gridcell" className="flex items-center justify-center pl-2">
        <StateGlyph shape={shape} />
      </div>
      <div role="gridcell" className="mono cell font-medium" title={deviceId}>
        {deviceId}
      </div>
      <div role="gridcell" className={`cell ${colour} ${calm ? '' : 'font-medium'}`}>
        {word}
      </div>
      <div role="gridcell" className={`cell text-right ${calm ? 'text-ink-2' : 'font-semibold text-ink-1'}`}>
        {formatAge(now - heartbeat.receivedAt)}
      </div>
      <div role="gridcell" className="cell cell-flex gap-1.5 pl-5">
        {Object.entries(heartbeat.labels).map(([name, value]) => (
          <span key={name} className="label-chip mono" title={`${name}=${value}`}>
            {name}={value}
          </span>
        ))}
      </div>
      <div role="gridcell" className="cell text-ink-2">
        {heartbeat.agentVersion ?? ''}
      </div>
      <div role="gridcell" className="cell text-ink-2">
        {heartbeat.os ?? ''}
      </div>
      <div
        role="gridcell"
        className="mono cell pr-3 text-right text-ink-2"
        title={heartbeat.addresses.join(', ')}
      >
        {heartbeat.addresses[0] ?? ''}
      </div>
    </div>
  );
});
