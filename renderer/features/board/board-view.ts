import { create } from 'zustand';
import type { BoardFilter, BoardOrder } from './board-order.ts';

interface BoardView {
  readonly filter: BoardFilter;
  readonly query: string;
  readonly order: BoardOrder;
  readonly selected: string | undefined;
  /** Device whose drawer is open. */
  readonly opened: string | undefined;
  readonly legendShown: boolean;
  /** Ids as they stand in the table now; the drawer walks through them. */
  readonly shownOrder: readonly string[];
}

/** What the operator looks at on the Board. */
export const useBoardView = create<BoardView>(() => ({
  filter: 'all',
  query: '',
  order: 'needs-you',
  selected: undefined,
  opened: undefined,
  legendShown: true,
  shownOrder: [],
}));

/** Changes part of the view. */
export function setBoardView(part: Partial<BoardView>): void {
  useBoardView.setState(part);
}

/** Selects a device and opens its drawer. */
export function openDevice(deviceId: string): void {
  useBoardView.setState({ selected: deviceId, opened: deviceId });
}

/** Closes the drawer; the selection stays. */
export function closeDevice(): void {
  useBoardView.setState({ opened: undefined });
}
