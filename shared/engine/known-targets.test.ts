import { expect, it } from 'vitest';
import { knownTargets, type Whereabouts } from './known-targets.ts';

const nowhere: Whereabouts = { benchRows: [], lastTarget: () => undefined, heartbeat: () => undefined };
const heard = (...addresses: string[]) => ({
  deviceId: 'a',
  receivedAt: 0,
  revision: 1,
  addresses,
  labels: {},
});
const row = (deviceId: string, target: string) => ({ rowId: `row-${deviceId}`, deviceId, target });

it('takes the Bench before the last enrollment, and that before the heartbeat', () => {
  const where = {
    benchRows: [row('a', 'ssh://pi@10.0.0.1')],
    lastTarget: (deviceId: string) => (deviceId === 'c' ? undefined : 'ssh://pi@10.0.0.2'),
    heartbeat: () => heard('10.0.0.3'),
  };
  expect(knownTargets(['a', 'b', 'c'], where)).toEqual([
    { deviceId: 'a', target: 'ssh://pi@10.0.0.1', from: 'bench' },
    { deviceId: 'b', target: 'ssh://pi@10.0.0.2', from: 'last-run' },
    { deviceId: 'c', target: 'ssh://10.0.0.3', from: 'heartbeat' },
  ]);
});

it('knows nothing of a device that was heard at link-local addresses only', () => {
  expect(knownTargets(['a'], { ...nowhere, heartbeat: () => heard('fe80::1') })).toEqual([{ deviceId: 'a' }]);
  expect(knownTargets(['a'], nowhere)).toEqual([{ deviceId: 'a' }]);
});

it('tells what forbids a row of the Bench', () => {
  const benchRows = [row('a', 'ssh://10.0.0.1'), { ...row('a', 'ssh://10.0.0.2'), rowId: 'again' }];
  expect(knownTargets(['a'], { ...nowhere, benchRows })[0]?.problem?.code).toBe('DEVICE_ID_DUPLICATE');
});
