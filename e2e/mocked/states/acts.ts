import type { Output } from '#shared/contract/ipc.ts';
import type {
  DecommissionFinding,
  DecommissionView,
  MachineKeyView,
  StationState,
} from '#shared/model/station-state.ts';
import { batch, now } from './batch.ts';
import { errorOf } from './errors.ts';
import { fleetOf, fleet as wholeFleet } from './stations.ts';

const DAY = 86_400_000;

/** A key that ends in so many days, of ninety. */
export function key(days: number, part: Partial<MachineKeyView> = {}): MachineKeyView {
  const expiresAt = now + days * DAY;
  return {
    ...({ standing: 'registered', keyId: '371640022158114837', others: 0, askedAt: now } as const),
    ...{ expiresAt, madeAt: expiresAt - 90 * DAY, renewFrom: expiresAt - 30 * DAY },
    ...part,
  };
}

const beats = fleetOf(2961);
const ids = Object.keys(beats);

/** The keys of the first devices: two ended, one deleted, some near their end, the rest good. */
export const keys: Record<string, MachineKeyView> = Object.fromEntries(
  ids.slice(0, 240).map((deviceId, place) => {
    if (place === 1 || place === 13) return [deviceId, key(-3)];
    if (place === 2) return [deviceId, { standing: 'deleted', keyId: '4711', others: 1, askedAt: now }];
    if (place === 4) return [deviceId, { standing: 'unsure', others: 2, askedAt: now }];
    if (place % 17 === 0) return [deviceId, key(12, { born: 'device' })];
    return [deviceId, key(30 + (place % 58), { born: place % 2 === 0 ? 'device' : 'provider' })];
  }),
);

const finished = { ...batch, state: 'finished', finishedAt: now - 60_000 } as const;

/** A fleet whose keys are partly known, and no batch that runs. */
export const keyed: StationState = {
  ...wholeFleet,
  batch: finished,
  keys,
  keyLookUp: { state: 'finished', total: 240, done: 240 },
};

export const firstDevice = ids[0] ?? '';

const gone: DecommissionFinding[] = [
  { what: 'keys', state: 'deleted', text: '1 key: 371640022158114837' },
  {
    what: 'account',
    state: 'deleted',
    text: `machine user device-${firstDevice} (371640022158114901) with its grant`,
  },
];
const unreachable = errorOf('DEVICE_UNREACHABLE', { address: '10.20.4.0', seconds: 10 });

export const leavingNow: DecommissionView = {
  ...{ deviceId: firstDevice, state: 'running', startedAt: now - 3000, findings: gone },
};
export const leftPartly: DecommissionView = {
  ...{ deviceId: firstDevice, state: 'failed', startedAt: now - 15_000, finishedAt: now - 2000 },
  findings: [
    ...gone,
    { what: 'device', state: 'failed', text: unreachable.says, error: unreachable },
    { what: 'entry', state: 'deleted', text: 'its entry among the heartbeats' },
    { what: 'records', state: 'gone', text: 'nothing was open in the journal' },
  ],
};
export const leftWhole: DecommissionView = {
  ...{ deviceId: firstDevice, state: 'done', startedAt: now - 15_000, finishedAt: now - 2000 },
  findings: [
    ...gone,
    { what: 'device', state: 'deleted', text: 'agent stopped, its files removed' },
    { what: 'entry', state: 'deleted', text: 'its entry among the heartbeats' },
    { what: 'records', state: 'gone', text: 'nothing was open in the journal' },
  ],
};

/** The fleet after a decommission: the entry of the device is gone. */
export function after(view: DecommissionView): StationState {
  const { [view.deviceId]: _gone, ...rest } = keyed.fleet;
  return { ...keyed, fleet: rest, ...leftBy(view) };
}

/** What the station knows of a device it has decommissioned. */
export function leftBy(view: DecommissionView): Pick<StationState, 'keys' | 'decommissions'> {
  const none: MachineKeyView = { standing: 'none', others: 0, askedAt: now - 2000 };
  return { keys: { ...keys, [view.deviceId]: none }, decommissions: { [view.deviceId]: view } };
}

/** A device that reports after its decommission. */
export const reportsOn: StationState = {
  ...keyed,
  ...leftBy({ ...leftWhole, startedAt: now - 2 * DAY - 13_000, finishedAt: now - 2 * DAY }),
};

/** Where devices are reached, as the station knows it. */
export const targets: Output<'fleet.targets'> = [
  { deviceId: firstDevice, target: 'ssh://pi@10.20.4.0', from: 'last-run' },
];
export const manyTargets: Output<'fleet.targets'> = ids.slice(0, 5).map((deviceId, place) => {
  if (place === 3) return { deviceId };
  if (place === 4) {
    const problem = errorOf('DEVICE_ID_DUPLICATE', { deviceId });
    return { deviceId, target: `ssh://pi@10.20.4.${place}`, from: 'bench', problem } as const;
  }
  const from = (['bench', 'last-run', 'heartbeat'] as const)[place];
  return { deviceId, target: `ssh://pi@10.20.4.${place}`, from } as const;
});
