import { ListFilter } from 'lucide-react';
import { useMemo } from 'react';
import { showPanel, useNavigation } from '../../app/navigation.ts';
import { RegionBoundary } from '../../app/RegionBoundary.tsx';
import { useStation } from '../../app/station-store.ts';
import { Button, Kbd } from '../../ui/Button.tsx';
import { FilterField } from '../../ui/Field.tsx';
import { FilterTabs } from '../../ui/FilterTabs.tsx';
import { PANEL_BESIDE, SidePanel } from '../../ui/SidePanel.tsx';
import { useMedia } from '../../ui/use-media.ts';
import { AddAddress } from './AddAddress.tsx';
import { BatchPanel } from './BatchPanel.tsx';
import { BenchTable } from './BenchTable.tsx';
import { type FoundState, foundState, foundStates, isChosen } from './bench-rows.ts';
import { setBenchView, useBenchView } from './bench-view.ts';
import { ScanField } from './ScanField.tsx';

const tabWords: Readonly<Record<FoundState, string>> = {
  problem: 'Problems',
  unnamed: 'Not named',
  new: 'New',
  failed: 'Failed before',
  enrolled: 'Enrolled',
  left: 'Left',
  running: 'In this batch',
  awaiting: 'Sign-in',
};

/** The devices that can be enrolled, and the next batch. */
export function BenchScreen() {
  const bench = useStation((station) => station.bench);
  const panelShown = useNavigation((navigation) => navigation.panelShown);
  const { filter, query, choices } = useBenchView();
  const panelBeside = useMedia(PANEL_BESIDE);
  const shown = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    return bench.filter(
      (device) =>
        (filter === 'all' || foundState(device) === filter) &&
        (wanted === '' || `${device.deviceId} ${device.address}`.toLowerCase().includes(wanted)),
    );
  }, [bench, filter, query]);
  const chosen = bench.filter((device) => isChosen(device, choices)).length;
  const tabs: { value: 'all' | FoundState; word: string; count: number }[] = [
    { value: 'all', word: 'All', count: bench.length },
    ...foundStates
      .map((state) => ({
        value: state,
        word: tabWords[state],
        count: bench.filter((device) => foundState(device) === state).length,
      }))
      .filter((tab) => tab.count > 0 || tab.value === filter),
  ];
  return (
    <div className="flex h-full min-h-0 flex-col">
      <ScanField />
      <div className="flex min-h-0 flex-1">
        <section aria-label="Bench" className="flex min-w-0 flex-1 flex-col">
          <div className="flex h-[var(--h-toolbar)] shrink-0 items-center gap-3 border-b border-line-2 pl-4 pr-3">
            <FilterTabs
              label="Filter by what was found"
              tabs={tabs}
              value={filter}
              onValueChange={(next) => setBenchView({ filter: next })}
            />
            <span className="ml-auto whitespace-nowrap text-xs text-ink-2">{`${chosen} chosen`}</span>
            <FilterField
              placeholder="Id or address"
              value={query}
              onValueChange={(next) => setBenchView({ query: next })}
              icon={<ListFilter size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
              trailing={<Kbd>/</Kbd>}
            />
            {panelBeside ? null : (
              <Button kind="primary" onClick={() => showPanel(true)}>{`Next batch (${chosen})`}</Button>
            )}
          </div>
          <RegionBoundary region="Table">
            <BenchTable devices={shown} />
          </RegionBoundary>
        </section>
        <SidePanel width={372} title="Next batch" open={panelShown} onOpenChange={showPanel}>
          <RegionBoundary region="Panel">
            <BatchPanel />
          </RegionBoundary>
        </SidePanel>
      </div>
      <AddAddress />
    </div>
  );
}
