import { ListFilter } from 'lucide-react';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { goTo, showPanel, useNavigation } from '../../app/navigation.ts';
import { RegionBoundary } from '../../app/RegionBoundary.tsx';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatCount } from '../../lib/format.ts';
import { Button, Kbd } from '../../ui/Button.tsx';
import { Counter, CounterRule } from '../../ui/Counter.tsx';
import { FilterField } from '../../ui/Field.tsx';
import { FilterTabs } from '../../ui/FilterTabs.tsx';
import { PANEL_BESIDE, SidePanel } from '../../ui/SidePanel.tsx';
import { useHeldOrder } from '../../ui/use-held-order.ts';
import { useMedia } from '../../ui/use-media.ts';
import { FleetPanel } from './FleetPanel.tsx';
import { FleetTable } from './FleetTable.tsx';
import { setFleetView, useFleetView } from './fleet-view.ts';
import {
  EXPECTED_EVERY_MS,
  fleetRows,
  LATE_AFTER_MS,
  type Liveness,
  matches,
  OFFLINE_AFTER_MS,
} from './heartbeat-age.ts';

/** Which devices are alive, and since when the others are not. */
export function FleetScreen() {
  const fleet = useStation((station) => station.fleet);
  const now = useNow();
  const panelShown = useNavigation((navigation) => navigation.panelShown);
  const panelBeside = useMedia(PANEL_BESIDE);
  const { filter, query, selected } = useFleetView();
  const [inUse, setInUse] = useState(false);
  const onInUse = useCallback((next: boolean) => setInUse(next), []);
  const all = useMemo(() => fleetRows(fleet, now), [fleet, now]);
  const livenessById = useMemo(() => new Map(all.map((row) => [row.deviceId, row.liveness])), [all]);
  const wanted = useMemo(
    () =>
      all
        .filter((row) => filter === 'all' || row.liveness === filter)
        .map((row) => row.deviceId)
        .filter((deviceId) => {
          const heartbeat = fleet[deviceId];
          return heartbeat !== undefined && matches(heartbeat, query);
        }),
    [all, fleet, filter, query],
  );
  const held = useHeldOrder(wanted, `${filter} ${query}`, inUse);
  useEffect(() => {
    if (!panelBeside && selected !== undefined) showPanel(true);
  }, [panelBeside, selected]);

  const count = (liveness: Liveness) => all.filter((row) => row.liveness === liveness).length;
  const counts = { online: count('online'), late: count('late'), offline: count('offline') };
  if (all.length === 0) return <EmptyFleet />;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <FleetHeader counts={counts} total={all.length} now={now} />
      <div className="flex min-h-0 flex-1">
        <section aria-label="Fleet" className="flex min-w-0 flex-1 flex-col">
          <div
            data-region="toolbar"
            className="flex h-[var(--h-toolbar)] shrink-0 items-center gap-2 border-b border-line-2 pl-4 pr-3"
          >
            <FilterTabs
              label="Filter by state"
              tabs={[
                { value: 'all', word: 'All', count: all.length },
                { value: 'offline', word: 'Offline', count: counts.offline },
                { value: 'late', word: 'Late', count: counts.late },
                { value: 'online', word: 'Online', count: counts.online },
              ]}
              value={filter}
              onValueChange={(next) => setFleetView({ filter: next })}
            />
            <div className="ml-auto flex items-center gap-2">
              {held.changed > 0 ? (
                <Button size="small" onClick={held.apply}>{`Order changed, ${held.changed} rows`}</Button>
              ) : null}
              <FilterField
                placeholder="Id, label or address"
                value={query}
                onValueChange={(next) => setFleetView({ query: next })}
                icon={<ListFilter size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
                trailing={<Kbd>/</Kbd>}
              />
            </div>
          </div>
          <RegionBoundary region="Table">
            <FleetTable order={held.order} livenessById={livenessById} onInUse={onInUse} />
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

interface FleetHeaderProps {
  readonly counts: Readonly<Record<Liveness, number>>;
  readonly total: number;
  readonly now: number;
}

function FleetHeader({ counts, total }: FleetHeaderProps) {
  return (
    <header className="flex h-[98px] shrink-0 border-b border-line-2 bg-panel px-4 py-3">
      <div className="min-w-[172px] pr-6">
        <Counter shape="dot" word="Online">
          <span data-testid="online-count" className="block text-[52px] font-semibold leading-[54px]">
            {formatCount(counts.online)}
          </span>
        </Counter>
      </div>
      <CounterRule />
      <Counter
        shape="clock"
        word="Late"
        figure={counts.late}
        tone={counts.late > 0 ? 'text-attn-fg' : 'text-ink-1'}
        note={`over ${LATE_AFTER_MS / 1000} s`}
        boxed
      />
      <CounterRule />
      <Counter
        shape="octagon"
        word="Offline"
        figure={counts.offline}
        tone={counts.offline > 0 ? 'text-fail-fg' : 'text-ink-1'}
        note={`over ${OFFLINE_AFTER_MS / 60_000} min`}
        boxed
      />
      <div className="ml-auto flex">
        <CounterRule />
        <Counter
          word="Devices"
          figure={formatCount(total)}
          note={`a heartbeat every ${EXPECTED_EVERY_MS / 1000} s expected`}
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
