import { Tabs } from '@base-ui/react/tabs';
import { formatCount } from '../lib/format.ts';

export interface FilterTab<V extends string> {
  readonly value: V;
  readonly word: string;
  readonly count: number;
}

/** The underlined filter row of a table: a word and how many rows it holds. */
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
            className="relative -mb-px flex items-center gap-1.5 border-b-2 border-transparent text-xs text-ink-2 hover:text-ink-1 data-[active]:border-accent data-[active]:font-semibold data-[active]:text-ink-1"
          >
            {tab.word}
            <span className="min-w-[1ch] text-sm font-semibold text-ink-1">{formatCount(tab.count)}</span>
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs.Root>
  );
}
