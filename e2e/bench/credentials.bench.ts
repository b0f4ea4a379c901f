import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { Secret } from '#shared/model/secret.ts';
import { buildProfile } from '#shared/testing/builders.ts';
import { FakeDevice } from '#shared/testing/fake-device.ts';
import { sha256 } from '#shared/testing/fake-ports.ts';
import { MemoryJournal } from '#shared/testing/memory-journal.ts';
import type { Metric } from '../../scripts/bench/metric.ts';
import { Life } from '../lab/proof/mortal.ts';
import { keyPairSource } from '../lab/proof/proof-lab.ts';
import { ProofStation } from '../lab/proof/proof-station.ts';

export const name = 'credentials';

const DEVICES = 300;
const LATENCY_MS = 40;
const CONCURRENCIES = [8, 16, 32];

interface ProviderProcess {
  readonly facts: Readonly<Record<'issuer' | 'clientId' | 'projectId' | 'orgId' | 'adminToken', string>>;
  calls(): Promise<number>;
  stop(): Promise<void>;
}

async function startProvider(): Promise<ProviderProcess> {
  const root = path.resolve(import.meta.dirname, '../..');
  const script = path.join(root, 'e2e/bench/provider-child.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, String(LATENCY_MS)], {
    ...{ cwd: root, stdio: ['pipe', 'pipe', 'inherit'] },
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const next = async <T>(): Promise<T> => {
    const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(60_000) })) as string[];
    return JSON.parse(line ?? '') as T;
  };
  const facts = await next<ProviderProcess['facts']>();
  return {
    facts,
    calls: async () => {
      child.stdin.write('\n');
      const calls = await next<Record<string, number>>();
      return Object.values(calls).reduce((sum, count) => sum + count, 0);
    },
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** Enrolls all devices, so many at once. @throws when one of them fails */
async function enrollAll(station: ProofStation, ids: readonly string[], concurrency: number): Promise<void> {
  const waiting = [...ids];
  const lane = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const error = await station.enroll(id);
      if (error !== undefined) throw error;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

/** A batch of new devices, and the same again as another station that has never seen them. */
async function measure(
  concurrency: number,
  makeKeyPair: ReturnType<typeof keyPairSource>,
): Promise<readonly Metric[]> {
  const provider = await startProvider();
  try {
    const { issuer, clientId: client_id, projectId: project_id, orgId: org_id, adminToken } = provider.facts;
    const profile = buildProfile({ identity: { issuer, client_id, project_id, org_id }, nats: undefined });
    const devices = new Map<string, FakeDevice>();
    for (let number = 1; number <= DEVICES; number += 1) {
      const id = `bench-${number}`;
      const device = new FakeDevice({ deviceId: id, clock: systemClock, makeKeyPair });
      device.machineId = sha256(id).slice(0, 32);
      device.hostKey = `SHA256:${id}`;
      device.canMakeKeys = true;
      devices.set(id, device);
    }
    const token = new Secret(adminToken);
    const tokens = { accessToken: async () => token };
    const run = async (kind: string, goal: number): Promise<readonly Metric[]> => {
      const station = new ProofStation({
        ...{ name: kind, tokens, profile, devices, clock: systemClock, life: new Life() },
        ...{ journal: new MemoryJournal(), heartbeats: undefined, fraction: () => 0 },
      });
      try {
        const before = await provider.calls();
        const startedMs = performance.now();
        await enrollAll(station, [...devices.keys()], concurrency);
        const wallMs = performance.now() - startedMs;
        const calls = (await provider.calls()) - before;
        const of = `${kind} devices, ${concurrency} at once`;
        return [
          { metric: `${of}: requests`, value: calls / DEVICES, unit: 'per device', goal, better: 'lower' },
          {
            metric: `${of}: wall over what the calls take`,
            value: wallMs / ((calls * LATENCY_MS) / concurrency),
            ...{ unit: 'times', goal: 1.15, better: 'lower' },
          },
        ];
      } finally {
        station.close();
      }
    };
    return [...(await run('new', 4)), ...(await run('known', 3))];
  } finally {
    await provider.stop();
  }
}

export async function run(): Promise<readonly Metric[]> {
  const makeKeyPair = keyPairSource(16);
  const metrics: Metric[] = [];
  for (const concurrency of CONCURRENCIES) metrics.push(...(await measure(concurrency, makeKeyPair)));
  return metrics;
}
