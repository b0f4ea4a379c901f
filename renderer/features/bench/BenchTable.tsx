import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import type { BenchDevice } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { useStation } from '../../app/station-store.ts';
import { Button } from '../../ui/Button.tsx';
import { CheckMark } from '../../ui/CheckMark.tsx';
import { AddThisComputer } from './AddThisComputer.tsx';
import { BenchRow } from './BenchRow.tsx';
import { choosable, isChosen } from './bench-rows.ts';
import { choose, setBenchView, useBenchView } from './bench-view.ts';

const ROW_HEIGHT = 26;
const PROBLEM_HEIGHT = 44;

/** The devices of the bench in the order in which they came; they are never sorted under the operator's hand. */
export function BenchTable({ devices }: { readonly devices: readonly BenchDevice[] }) {
  const { choices, selected, editing } = useBenchView();
  const scroller = useRef<HTMLDivElement>(null);
  const heightOf = (device: BenchDevice | undefined) =>
    device?.problem !== undefined && device.deviceId !== '' ? PROBLEM_HEIGHT : ROW_HEIGHT;
  const virtual = useVirtualizer({
    count: devices.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => heightOf(devices[index]),
    overscan: 8,
    getItemKey: (index) => devices[index]?.rowId ?? index,
  });
  // A row grows when its id turns out wrong.
  const heights = devices.map((device) => (heightOf(device) === ROW_HEIGHT ? '.' : '!')).join('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: measures again exactly when a height changed
  useEffect(() => virtual.measure(), [heights, virtual]);

  const place = devices.findIndex((device) => device.rowId === selected);
  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place);
  }, [place, virtual]);

  const able = devices.filter(choosable);
  const chosen = able.filter((device) => isChosen(device, choices)).length;

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== event.currentTarget) return;
    const device = devices[place];
    const moveTo = (index: number) => {
      const next = devices[Math.min(devices.length - 1, Math.max(0, index))];
      if (next !== undefined) setBenchView({ selected: next.rowId });
    };
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => moveTo(place + 1),
      ArrowUp: () => moveTo(place - 1),
      Home: () => moveTo(0),
      End: () => moveTo(devices.length - 1),
      PageDown: () => moveTo(place + page),
      PageUp: () => moveTo(place - page),
      ' ': () => {
        if (device !== undefined && choosable(device)) choose([device.rowId], !isChosen(device, choices));
      },
      Enter: () => device !== undefined && setBenchView({ editing: device.rowId }),
      F2: () => device !== undefined && setBenchView({ editing: device.rowId }),
      Delete: () => device !== undefined && void act('bench.remove', { rowId: device.rowId }),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  };

  return (
    <div
      role="grid"
      aria-label="Devices on the bench"
      aria-rowcount={devices.length + 1}
      className="flex min-h-0 flex-1 flex-col"
      data-region="table"
      tabIndex={0}
      aria-activedescendant={place >= 0 ? `bench-${selected}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="row" aria-rowindex={1} className="grid-head bench-columns h-7">
        <div role="columnheader" className="flex items-center justify-center pl-2">
          <CheckMark
            state={chosen === 0 ? 'off' : chosen === able.length ? 'on' : 'some'}
            disabled={able.length === 0}
            label="Enroll all shown"
            onToggle={() =>
              choose(
                able.map((device) => device.rowId),
                chosen < able.length,
              )
            }
          />
        </div>
        {['Device id to be', 'Found as', 'Address', 'System'].map((head) => (
          <div key={head} role="columnheader" className="cell text-ink-1">
            {head}
          </div>
        ))}
        <div role="columnheader" className="cell pr-3 text-right text-ink-1">
          Note
        </div>
      </div>
      <div ref={scroller} role="rowgroup" data-testid="bench-rows" className="grid-scroll min-h-0 flex-1">
        {devices.length === 0 ? <EmptyBench /> : null}
        <div style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const device = devices[item.index];
            return device === undefined ? null : (
              <BenchRow
                key={item.key}
                device={device}
                index={item.index}
                top={item.start}
                height={item.size}
                chosen={isChosen(device, choices)}
                selected={device.rowId === selected}
                editing={device.rowId === editing}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

function EmptyBench() {
  const empty = useStation((station) => station.bench.length === 0);
  return (
    <div className="flex items-center gap-4 px-4 py-3">
      <p className="text-sm">
        {empty ? 'No device is on the bench yet. Add the address of one.' : 'No device fits this filter.'}
      </p>
      {empty ? (
        <>
          <Button onClick={() => setBenchView({ addShown: true })}>Add address</Button>
          <AddThisComputer />
        </>
      ) : (
        <Button onClick={() => setBenchView({ filter: 'all', query: '' })}>Show all</Button>
      )}
    </div>
  );
}
