import { create } from 'zustand';
import { showPanel } from '../../app/navigation.ts';
import type { FleetFilter, FleetOrder } from './fleet-rows.ts';

interface FleetView {
  readonly filter: FleetFilter;
  readonly query: string;
  readonly order: FleetOrder;
  readonly selected: string | undefined;
  /** Devices an act is meant for. */
  readonly chosen: ReadonlySet<string>;
}

/** What the operator looks at in the Fleet. */
export const useFleetView = create<FleetView>(() => ({
  filter: 'all',
  query: '',
  order: 'stale',
  selected: undefined,
  chosen: new Set(),
}));

/** Changes part of the view. */
export function setFleetView(part: Partial<FleetView>): void {
  useFleetView.setState(part);
}

/** Selects a device and shows its panel, which is a drawer in a narrow window. */
export function openFleetDevice(deviceId: string): void {
  useFleetView.setState({ selected: deviceId });
  showPanel(true);
}

/** Chooses devices for an act, or takes them out. */
export function chooseDevices(deviceIds: readonly string[], chosen: boolean): void {
  useFleetView.setState((view) => {
    const next = new Set(view.chosen);
    for (const deviceId of deviceIds) {
      if (chosen) next.add(deviceId);
      else next.delete(deviceId);
    }
    return { chosen: next };
  });
}
