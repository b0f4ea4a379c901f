import { ArrowDownWideNarrow, ListFilter } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { goTo, showPanel, useNavigation } from '../../app/navigation.ts';
import { RegionBoundary } from '../../app/RegionBoundary.tsx';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { countOf, formatCount } from '../../lib/format.ts';
import { Button, Kbd } from '../../ui/Button.tsx';
import { ChoiceMenu } from '../../ui/ChoiceMenu.tsx';
import { Counter, CounterRule } from '../../ui/Counter.tsx';
import { FilterField } from '../../ui/Field.tsx';
import { type FilterTab, FilterTabs } from '../../ui/FilterTabs.tsx';
import { SidePanel } from '../../ui/SidePanel.tsx';
import { type HeldOrder, useHeldOrder } from '../../ui/use-held-order.ts';
import { RotateKeysButton } from '../device/RotateKeys.tsx';
import { FleetPanel } from './FleetPanel.tsx';
import { FleetTable } from './FleetTable.tsx';
import {
  type FleetFilter,
  type FleetOrder,
  type FleetRow,
  type FleetState,
  fleetOrders,
  fleetRows,
  isLeaving,
  shownIds,
} from './fleet-rows.ts';
import { setFleetView, useFleetView } from './fleet-view.ts';
import { EXPECTED_EVERY_MS, LATE_AFTER_MS, OFFLINE_AFTER_MS } from './heartbeat-age.ts';
import { KeyCounter } from './KeyCounter.tsx';

const orderWords: Readonly<Record<FleetOrder, string>> = {
  stale: 'Stale first',
  key: 'Key end first',
  id: 'By id',
};

/** Which devices are alive, since when the others are not, and how long their keys last. */
export function FleetScreen() {
  const fleet = useStation((station) => station.fleet);
  const rows = useStation((station) => station.rows);
  const keys = useStation((station) => station.keys);
  const decommissions = useStation((station) => station.decommissions);
  const now = useNow();
  const panelShown = useNavigation((navigation) => navigation.panelShown);
  const { filter, query, order, selected } = useFleetView();
  const [inUse, setInUse] = useState(false);
  const onInUse = useCallback((next: boolean) => setInUse(next), []);
  const known = useMemo(() => ({ fleet, rows, keys, decommissions }), [fleet, rows, keys, decommissions]);
  const all = useMemo(() => fleetRows(known, now), [known, now]);
  const states = useMemo(() => new Map(all.map((row) => [row.deviceId, row.state])), [all]);
  const wanted = useMemo(
    () => shownIds(all, known, { filter, query, order }),
    [all, known, filter, query, order],
  );
  const held = useHeldOrder(wanted, `${filter} ${order} ${query}`, inUse);

  if (all.length === 0) return <EmptyFleet />;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <FleetHeader rows={all} />
      <div className="flex min-h-0 flex-1">
        <section aria-label="Fleet" className="flex min-w-0 flex-1 flex-col">
          <FleetToolbar rows={all} states={states} held={held} />
          <RegionBoundary region="Table">
            <FleetTable order={held.order} states={states} onInUse={onInUse} />
          </RegionBoundary>
        </section>
        <SidePanel
          width={348}
          title="Device"
          open={panelShown && selected !== undefined}
          onOpenChange={(open) => {
            showPanel(open);
            if (!open) setFleetView({ selected: undefined });
          }}
        >
          <RegionBoundary region="Panel">
            <FleetPanel />
          </RegionBoundary>
        </SidePanel>
      </div>
    </div>
  );
}

interface FleetToolbarProps {
  readonly rows: readonly FleetRow[];
  readonly states: ReadonlyMap<string, FleetState>;
  readonly held: HeldOrder;
}

function FleetToolbar({ rows, states, held }: FleetToolbarProps) {
  const { filter, query, order, chosen } = useFleetView();
  const count = (state: FleetState) => rows.filter((row) => row.state === state).length;
  const careful = rows.filter((row) => row.keyNeedsCare).length;
  const leaving = rows.filter((row) => isLeaving(row.state)).length;
  const tabs: FilterTab<FleetFilter>[] = [
    { value: 'all', word: 'All', count: rows.length },
    { value: 'offline', word: 'Offline', count: count('offline') },
    { value: 'late', word: 'Late', count: count('late') },
    { value: 'online', word: 'Online', count: count('online') },
    { value: 'key', word: 'Keys to renew', count: careful },
    ...(leaving > 0 || filter === 'leaving'
      ? [{ value: 'leaving', word: 'Leaving', count: leaving } as const]
      : []),
  ];
  const meant = [...chosen].filter((deviceId) => {
    const state = states.get(deviceId);
    return state !== undefined && !isLeaving(state);
  });
  return (
    <div
      data-region="toolbar"
      className="flex h-[var(--h-toolbar)] shrink-0 items-center gap-2 border-b border-line-2 pl-4 pr-3"
    >
      <FilterTabs
        label="Filter by state"
        tabs={tabs}
        value={filter}
        onValueChange={(next) => setFleetView({ filter: next })}
      />
      <div className="ml-auto flex items-center gap-2">
        {/* The chip stands where the order is chosen: nothing beside it moves. */}
        <span className="flex w-[126px] justify-end">
          {held.changed > 0 ? (
            <Button
              size="small"
              className="w-full"
              title="Shows the rows in the order they have now"
              onClick={held.apply}
            >
              {`Order changed, ${held.changed}`}
            </Button>
          ) : (
            <ChoiceMenu
              trigger={
                <Button
                  size="small"
                  className="w-full"
                  icon={<ArrowDownWideNarrow size={13} strokeWidth={1.7} aria-hidden="true" />}
                >
                  {orderWords[order]}
                </Button>
              }
              value={order}
              choices={fleetOrders.map((value) => ({ value, word: orderWords[value] }))}
              onChoose={(next) => setFleetView({ order: next })}
            />
          )}
        </span>
        <FilterField
          placeholder="Id, label or address"
          value={query}
          onValueChange={(next) => setFleetView({ query: next })}
          icon={<ListFilter size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
          trailing={<Kbd>/</Kbd>}
          className="w-[176px]"
        />
        <span className="flex min-w-[138px] justify-end">
          <RotateKeysButton
            deviceIds={meant}
            label={meant.length === 0 ? 'Rotate keys…' : `Rotate ${countOf(meant.length, 'key')}…`}
          />
        </span>
      </div>
    </div>
  );
}

function FleetHeader({ rows }: { readonly rows: readonly FleetRow[] }) {
  const present = useMemo(
    () => rows.filter((row) => !isLeaving(row.state)).map((row) => row.deviceId),
    [rows],
  );
  const count = (state: FleetState) => rows.filter((row) => row.state === state).length;
  const [online, late, offline] = [count('online'), count('late'), count('offline')];
  const left = rows.length - present.length;
  return (
    <header className="flex h-[98px] shrink-0 border-b border-line-2 bg-panel px-4 py-3">
      <div className="min-w-[172px] pr-6">
        <Counter shape="dot" word="Online">
          <span data-testid="online-count" className="block text-[52px] font-semibold leading-[54px]">
            {formatCount(online)}
          </span>
        </Counter>
      </div>
      <CounterRule />
      <Counter
        shape="clock"
        word="Late"
        figure={late}
        tone={late > 0 ? 'text-attn-fg' : 'text-ink-1'}
        note={`over ${LATE_AFTER_MS / 1000} s`}
        boxed
      />
      <CounterRule />
      <Counter
        shape="octagon"
        word="Offline"
        figure={offline}
        tone={offline > 0 ? 'text-fail-fg' : 'text-ink-1'}
        note={`over ${OFFLINE_AFTER_MS / 60_000} min`}
        boxed
      />
      <CounterRule />
      <KeyCounter needCare={rows.filter((row) => row.keyNeedsCare).length} deviceIds={present} />
      <div className="ml-auto flex">
        <CounterRule />
        <Counter
          word="Devices"
          figure={formatCount(present.length)}
          note={
            left === 0
              ? `a heartbeat every ${EXPECTED_EVERY_MS / 1000} s expected`
              : `${formatCount(left)} leaving or left`
          }
          boxed
          last
        />
      </div>
    </header>
  );
}

function EmptyFleet() {
  const nats = useStation((station) => station.lamps.nats);
  const says =
    nats.state === 'ok'
      ? 'No heartbeat has arrived yet. The first one comes when a device is enrolled.'
      : `No heartbeats: NATS is ${nats.word}. ${nats.detail ?? ''}`;
  return (
    <div className="flex items-center gap-4 p-6" data-region="table">
      <p className="text-md">{says}</p>
      <Button kind="primary" data-primary onClick={() => goTo('bench')}>
        Go to the Bench
      </Button>
    </div>
  );
}
