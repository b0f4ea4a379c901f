import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron as electron } from '@playwright/test';
import { stringify } from 'smol-toml';
import type { Metric } from '../../scripts/bench/metric.ts';

export const name = 'window-start';

const ROUNDS = 7;
const root = path.resolve(import.meta.dirname, '../..');

/** Milliseconds from just before the process is spawned to the first painted content. */
async function firstPaintMs(args: readonly string[], userData: string): Promise<number> {
  const { ELECTRON_RUN_AS_NODE: _never, ...env } = process.env;
  const executablePath = env.ELECTRON_EXEC_PATH;
  if (executablePath === undefined)
    throw new Error('ELECTRON_EXEC_PATH is not set. Run it with: npm run bench');
  const spawnedAt = Date.now();
  const app = await electron.launch({
    executablePath,
    args: [...args, `--user-data-dir=${userData}`],
    env: env as Record<string, string>,
  });
  try {
    const page = await app.firstWindow();
    // Buffered: the paint may be over before anybody asks.
    const paintedAt = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          new PerformanceObserver((list) => {
            const paint = list.getEntriesByName('first-contentful-paint')[0];
            if (paint) resolve(performance.timeOrigin + paint.startTime);
          }).observe({ type: 'paint', buffered: true });
        }),
    );
    return paintedAt - spawnedAt;
  } finally {
    await app.close();
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The Station and a bare window in turns, so that a busy moment hits both. */
export async function run(): Promise<readonly Metric[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'muster-bench-'));
  const profile = path.join(dir, 'profile.toml');
  writeFileSync(
    profile,
    stringify({
      name: 'bench',
      identity: { issuer: 'http://127.0.0.1:9', client_id: '1', project_id: '1' },
      agent: { binaries: {} },
    }),
  );
  const bare = path.join(root, 'e2e/bench/bare-electron.cjs');
  const stationTimes: number[] = [];
  const bareTimes: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      const bareMs = await firstPaintMs([bare], path.join(dir, 'bare'));
      const stationMs = await firstPaintMs([root, `--profile=${profile}`], path.join(dir, 'station'));
      // The first round is the first start ever: it fills the disk cache and makes both data folders.
      if (round === 0) continue;
      bareTimes.push(bareMs);
      stationTimes.push(stationMs);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return [
    {
      metric: 'bare Electron window, first paint (median)',
      value: median(bareTimes),
      unit: 'ms',
      better: 'lower',
    },
    {
      metric: 'Station window, first paint (median)',
      value: median(stationTimes),
      unit: 'ms',
      better: 'lower',
    },
    {
      metric: 'Station over bare window',
      value: median(stationTimes) / median(bareTimes),
      unit: 'times',
      goal: 1.6,
      better: 'lower',
    },
  ];
}
