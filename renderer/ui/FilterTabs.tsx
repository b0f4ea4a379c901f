import { Tabs } from '@base-ui/react/tabs';
import { formatCount } from '../lib/format.ts';

export interface FilterTab<V extends string> {
  readonly value: V;
  readonly word: string;
  /** How many rows it holds; left out where the tabs are no filter. */
  readonly count?: number;
}

/** A row of underlined words of which one holds; as the filter of a table each with how many rows it holds. */
export function FilterTabs<V extends string>({
  tabs,
  value,
  onValueChange,
  label,
}: {
  readonly tabs: readonly FilterTab<V>[];
  readonly value: V;
  readonly onValueChange: (value: V) => void;
  readonly label: string;
}) {
  return (
    <Tabs.Root value={value} onValueChange={(next) => onValueChange(next as V)} className="h-full">
      <Tabs.List aria-label={label} className="flex h-full items-stretch gap-5">
        {tabs.map((tab) => (
          <Tabs.Tab
            key={tab.value}
            value={tab.value}
            className="relative -mb-px flex items-center gap-1.5 whitespace-nowrap border-b-2 border-transparent text-xs text-ink-2 hover:text-ink-1 data-[active]:border-accent data-[active]:font-semibold data-[active]:text-ink-1"
          >
            {tab.word}
            {tab.count === undefined ? null : (
              <span className="min-w-[1ch] text-sm font-semibold text-ink-1">{formatCount(tab.count)}</span>
            )}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs.Root>
  );
}
