import { create } from 'zustand';
import type { Choices, FoundState } from './bench-rows.ts';

/** The answer to the last scan, shown large. */
export interface ScanEcho {
  readonly right: boolean;
  readonly text: string;
  readonly says: string;
  readonly at: number;
}

interface BenchView {
  readonly filter: 'all' | FoundState;
  readonly query: string;
  /** What the operator ticked or unticked; all else follows the default. */
  readonly choices: Choices;
  readonly selected: string | undefined;
  /** Row whose id is being edited. */
  readonly editing: string | undefined;
  readonly echo: ScanEcho | undefined;
  readonly addShown: boolean;
}

/** What the operator does on the Bench. */
export const useBenchView = create<BenchView>(() => ({
  filter: 'all',
  query: '',
  choices: {},
  selected: undefined,
  editing: undefined,
  echo: undefined,
  addShown: false,
}));

/** Changes part of the view. */
export function setBenchView(part: Partial<BenchView>): void {
  useBenchView.setState(part);
}

/** Puts rows into the next batch, or takes them out. */
export function choose(rowIds: readonly string[], chosen: boolean): void {
  useBenchView.setState(({ choices }) => ({
    choices: { ...choices, ...Object.fromEntries(rowIds.map((rowId) => [rowId, chosen])) },
  }));
}
