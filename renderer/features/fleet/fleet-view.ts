import { create } from 'zustand';
import type { Liveness } from './heartbeat-age.ts';

interface FleetView {
  readonly filter: 'all' | Liveness;
  readonly query: string;
  readonly selected: string | undefined;
}

/** What the operator looks at in the Fleet. */
export const useFleetView = create<FleetView>(() => ({ filter: 'all', query: '', selected: undefined }));

/** Changes part of the view. */
export function setFleetView(part: Partial<FleetView>): void {
  useFleetView.setState(part);
}
