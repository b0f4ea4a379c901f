import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryTokenCache } from '#shared/adapters/keychain/memory-token-cache.ts';
import type { Metric } from '../../scripts/bench/metric.ts';
import { summarise } from '../lab/headless-summary.ts';
import { LabStation } from '../lab/lab-station.ts';
import { startLabProcess } from './lab-process.ts';

export const name = 'lab-batch';

const SAMPLE_MS = 50;

/** A first run and a re-run of one batch on the lab; the engine alone in this process, the lab in another. */
async function measure(devices: number): Promise<readonly Metric[]> {
  const dir = await mkdtemp(path.join(tmpdir(), 'muster-bench-'));
  const lab = await startLabProcess(path.join(dir, 'lab'), devices);
  const { signal } = new AbortController();
  let firstMoveMs: number | undefined;
  let clickedAt = 0;
  const station = await LabStation.open({
    ...{ profilePath: lab.profilePath, userDataDir: dir, version: '0.0.0', signal },
    tokenCache: createMemoryTokenCache(),
    onDelta: (delta) => {
      const moved = Object.values(delta.rows ?? {}).some((row) => row.state === 'running');
      if (moved) firstMoveMs ??= performance.now() - clickedAt;
    },
  });
  try {
    await station.signIn(signal);
    global.gc?.();
    const baseBytes = process.memoryUsage().rss;
    let peakBytes = baseBytes;
    const sampler = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
    }, SAMPLE_MS);
    const cpuBefore = process.cpuUsage();
    clickedAt = performance.now();
    await station.enrollAll();
    const cpu = process.cpuUsage(cpuBefore);
    clearInterval(sampler);
    const first = summarise(station.state);
    await station.enrollAll();
    const again = summarise(station.state);
    const of = `${devices} devices`;
    return [
      { metric: `${of}: enrolled`, value: first.enrolled, unit: 'devices', goal: devices, better: 'higher' },
      { metric: `${of}: first run`, value: first.seconds, unit: 's', better: 'lower' },
      { metric: `${of}: re-run`, value: again.seconds, unit: 's', better: 'lower' },
      {
        metric: `${of}: engine CPU of the first run`,
        value: (cpu.user + cpu.system) / 1e6,
        unit: 's',
        better: 'lower',
      },
      {
        metric: `${of}: engine memory at its peak, above its base`,
        value: (peakBytes - baseBytes) / 1e6,
        unit: 'MB',
        better: 'lower',
      },
      {
        metric: `${of}: click to first row moving`,
        value: firstMoveMs ?? Number.NaN,
        unit: 'ms',
        goal: 100,
        better: 'lower',
      },
      {
        metric: `${of}: round trips, first run`,
        value: first.roundTripsPerDevice,
        unit: 'per device',
        goal: 5,
        better: 'lower',
      },
      {
        metric: `${of}: round trips, re-run`,
        value: again.roundTripsPerDevice,
        unit: 'per device',
        goal: 3,
        better: 'lower',
      },
    ];
  } finally {
    await station.close();
    await lab.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

export async function run(): Promise<readonly Metric[]> {
  return [...(await measure(12)), ...(await measure(100))];
}
