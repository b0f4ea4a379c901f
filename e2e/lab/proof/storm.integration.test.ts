import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { keyPairSource, startProofLab } from './proof-lab.ts';
import { type StormReport, storm } from './storm.ts';

/** How many worlds, and the seed of the first; every world prints its seed when it breaks a promise. */
const runs = Number(process.env.MUSTER_RUNS ?? 10);
const firstSeed = Number(process.env.MUSTER_SEED ?? 1);
const lanes = Math.min(runs, Number(process.env.MUSTER_LANES ?? 2));
const dir = mkdtempSync(join(tmpdir(), 'muster-proof-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('leaves one user, one grant and one key, which the device holds, whatever happens in between', {
  timeout: 60_000 + runs * 10_000,
}, async () => {
  const makeKeyPair = keyPairSource(16);
  const reports: StormReport[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    const lab = await startProofLab(dir);
    try {
      while (next < runs) {
        const seed = firstSeed + next;
        next += 1;
        const report = await storm(lab, seed, makeKeyPair);
        reports.push(report);
        if (report.broken.length > 0) process.stdout.write(`seed ${seed}: ${report.broken.join('; ')}\n`);
      }
    } finally {
      await lab.stop();
    }
  };
  const first = await startProofLab(dir);
  await first.stop();
  await Promise.all(Array.from({ length: lanes }, lane));
  process.stdout.write(`${summary(reports)}\n`);

  expect(reports.flatMap(({ seed, broken }) => broken.map((text) => `seed ${seed}: ${text}`))).toEqual([]);
  expect(reports).toHaveLength(runs);
  // The storm was one.
  expect(total(reports, (report) => report.crashes)).toBeGreaterThan(0);
  expect(total(reports, (report) => report.keysDeleted)).toBeGreaterThan(0);
});

function total(reports: readonly StormReport[], of: (report: StormReport) => number): number {
  return reports.reduce((sum, report) => sum + of(report), 0);
}

function merged(reports: readonly StormReport[], of: (report: StormReport) => object): string {
  const sums = new Map<string, number>();
  for (const report of reports)
    for (const [name, count] of Object.entries(of(report)))
      sums.set(name, (sums.get(name) ?? 0) + Number(count));
  return [...sums].map(([name, count]) => `${name} ${count}`).join(', ');
}

function summary(reports: readonly StormReport[]): string {
  return [
    `${reports.length} interleavings, ${total(reports, (one) => one.enrollments)} enrollments, ` +
      `${total(reports, (one) => one.crashes)} crashes, ${total(reports, (one) => one.lostConnections)} lost connections, ` +
      `${total(reports, (one) => one.keysMade)} keys made, ${total(reports, (one) => one.keysDeleted)} deleted`,
    `faults: ${merged(reports, (one) => one.faults)}`,
    `enrollments that failed: ${merged(reports, (one) => one.failures)}`,
  ].join('\n');
}
