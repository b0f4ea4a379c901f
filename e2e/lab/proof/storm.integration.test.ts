import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { keyPairSource, startProofLab } from './proof-lab.ts';
import { type Counts, type StormReport, storm } from './storm.ts';

/** How many worlds, and the seed of the first; every world prints its seed when it breaks a promise. */
const runs = Number(process.env.MUSTER_RUNS ?? 20);
const firstSeed = Number(process.env.MUSTER_SEED ?? 1);
const dir = mkdtempSync(join(tmpdir(), 'muster-proof-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('leaves one user, one grant and one key, which the device holds, or nothing, whatever happens in between', {
  timeout: 60_000 + runs * 15_000,
}, async () => {
  const makeKeyPair = keyPairSource(24);
  const reports: StormReport[] = [];
  const lab = await startProofLab(dir, makeKeyPair);
  try {
    for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
      const report = await storm(lab, seed, makeKeyPair);
      reports.push(report);
      if (report.broken.length > 0) process.stdout.write(`seed ${seed}: ${report.broken.join('; ')}\n`);
      // A run that somebody ends before its end has shown something all the same.
      if (reports.length % 100 === 0 && reports.length < runs) process.stdout.write(`${summary(reports)}\n`);
    }
  } finally {
    await lab.stop();
  }
  process.stdout.write(`${summary(reports)}\n`);

  expect(reports.flatMap(({ seed, broken }) => broken.map((text) => `seed ${seed}: ${text}`))).toEqual([]);
  expect(reports).toHaveLength(runs);
  // The storm was one, and everything was asked of it.
  expect(total(reports, (report) => report.deaths)).toBeGreaterThan(0);
  expect(total(reports, (report) => report.keysDeleted)).toBeGreaterThan(0);
  if (runs < 20) return;
  const acts = sums(reports, (report) => report.acts);
  expect([...acts.keys()].sort()).toEqual(['decommission', 'enroll', 'rotate', 'take over']);
  expect([...sums(reports, (report) => report.generations).keys()].sort()).toEqual(['probe', 'v1', 'v2']);
});

function total(reports: readonly StormReport[], of: (report: StormReport) => number): number {
  return reports.reduce((sum, report) => sum + of(report), 0);
}

function sums(reports: readonly StormReport[], of: (report: StormReport) => object): Map<string, number> {
  const all = new Map<string, number>();
  for (const report of reports)
    for (const [name, count] of Object.entries(of(report)))
      all.set(name, (all.get(name) ?? 0) + Number(count));
  return all;
}

function summary(reports: readonly StormReport[]): string {
  const list = (of: (report: StormReport) => Readonly<Counts> | object): string =>
    [...sums(reports, of)].map(([name, count]) => `${name} ${count}`).join(', ');
  const number = (of: (report: StormReport) => number): number => total(reports, of);
  const broken = reports.filter((report) => report.broken.length > 0).length;
  return [
    `worlds: ${reports.length}, of them without faults ${number((one) => Number(one.isCalm))}, with a broken promise ${broken}`,
    `ids: ${list((one) => one.plots)}`,
    `acts: ${list((one) => one.acts)}; renewals among them ${number((one) => one.renewals)}`,
    `stations by the API they speak: ${list((one) => one.generations)}`,
    `faults of the provider: ${list((one) => one.faults)}`,
    `deaths of stations ${number((one) => one.deaths)}, connections lost ${number((one) => one.lostConnections)}` +
      ` (with a reboot ${number((one) => one.reboots)}), bus lost ${number((one) => one.busLosses)}, ` +
      `journal full ${number((one) => one.journalRefusals)}`,
    `keys: made ${number((one) => one.keysMade)}, deleted ${number((one) => one.keysDeleted)}`,
    `acts that failed, by code: ${list((one) => one.failures)}`,
  ].join('\n');
}
