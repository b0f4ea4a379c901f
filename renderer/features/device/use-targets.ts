import { useEffect, useState } from 'react';
import type { Output } from '#shared/contract/ipc.ts';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';

export type KnownTarget = Output<'fleet.targets'>[number];

export interface Targets {
  /** Undefined while the station is asked. */
  readonly known: readonly KnownTarget[] | undefined;
  readonly error?: ShownError;
}

/** Where devices are reached, asked once when the component appears. */
export function useTargets(deviceIds: readonly string[]): Targets {
  const [targets, setTargets] = useState<Targets>({ known: undefined });
  // The ids of an open question do not change; a new array of the same ones must not ask again.
  const asked = deviceIds.join(' ');
  useEffect(() => {
    let left = false;
    void call('fleet.targets', { deviceIds: asked.split(' ') }).then((answer) => {
      if (left) return;
      setTargets(answer.ok ? { known: answer.value } : { known: undefined, error: answer.error });
    });
    return () => {
      left = true;
    };
  }, [asked]);
  return targets;
}

export const fromWords = {
  bench: 'on the Bench',
  'last-run': 'from its last enrollment',
  heartbeat: 'from its heartbeat',
} as const;
