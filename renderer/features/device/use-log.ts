import { useEffect, useState } from 'react';
import type { LogLine } from '#shared/model/station-state.ts';
import { act, call, listen } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';

export interface DeviceLog {
  readonly lines: readonly LogLine[];
  readonly state: 'asking' | 'following' | 'failed';
  readonly error?: ShownError;
}

/** The log of one device: what there is, then what comes. Following ends when the component goes. */
export function useLog(deviceId: string): DeviceLog {
  const [log, setLog] = useState<DeviceLog>({ lines: [], state: 'asking' });

  useEffect(() => {
    let left = false;
    // Lines may arrive before the answer that holds those before them.
    let early: LogLine[] | undefined = [];
    const unsubscribe = listen('device.log', (message) => {
      if (message.deviceId !== deviceId) return;
      if (early !== undefined) early.push(...message.lines);
      else setLog((known) => ({ ...known, lines: [...known.lines, ...message.lines] }));
    });
    void call('device.followLog', { deviceId }).then((answer) => {
      if (left) return;
      const waiting = early ?? [];
      early = undefined;
      setLog(
        answer.ok
          ? { lines: [...answer.value, ...waiting], state: 'following' }
          : { lines: waiting, state: 'failed', error: answer.error },
      );
    });
    return () => {
      left = true;
      unsubscribe();
      void act('device.unfollowLog');
    };
  }, [deviceId]);

  return log;
}
