import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { Secret } from '#shared/model/secret.ts';
import { buildProfile } from '#shared/testing/builders.ts';
import { FakeDevice } from '#shared/testing/fake-device.ts';
import { signAside } from '#shared/testing/fake-openssl.ts';
import { sha256 } from '#shared/testing/fake-ports.ts';
import { MemoryJournal } from '#shared/testing/memory-journal.ts';
import type { Metric } from '../../scripts/bench/metric.ts';
import { Life } from '../lab/proof/mortal.ts';
import { keyPairSource } from '../lab/proof/proof-lab.ts';
import { ProofStation } from '../lab/proof/proof-station.ts';

export const name = 'credentials';

const DEVICES = 300;
const LATENCY_MS = 40;
/** A profile's default, and twice as many. Four times as many keep two processors busy all the time: shown, without a goal. */
const CONCURRENCIES = [8, 16, 32];
const GOAL_UP_TO = 16;

/** Asked once for a whole run, however many devices it has. */
const ROUTES_OF_A_RUN = [/openid-configuration$/, /\/orgs\/me$/, /\/ListProjects$/, /\/projects\/_search$/];

/** What has come to the provider so far. */
interface Served {
  readonly calls: Readonly<Record<string, number>>;
  readonly servedMs: number;
}

interface ProviderProcess {
  readonly facts: Readonly<Record<'issuer' | 'clientId' | 'projectId' | 'orgId' | 'adminToken', string>>;
  served(): Promise<Served>;
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
    served: () => {
      child.stdin.write('\n');
      return next<Served>();
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

function callsSince(before: Served, after: Served): { readonly ofDevices: number; readonly ofRun: number } {
  const sums = { ofDevices: 0, ofRun: 0 };
  for (const [route, count] of Object.entries(after.calls)) {
    const isOfRun = ROUTES_OF_A_RUN.some((pattern) => pattern.test(route));
    sums[isOfRun ? 'ofRun' : 'ofDevices'] += count - (before.calls[route] ?? 0);
  }
  return sums;
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
      const device = new FakeDevice({ deviceId: id, clock: systemClock, makeKeyPair, sign: signAside });
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
        ...{ journal: new MemoryJournal(), heartbeats: undefined, fraction: () => 0, api: 'probe' },
      });
      try {
        const before = await provider.served();
        const startedMs = performance.now();
        await enrollAll(station, [...devices.keys()], concurrency);
        const wallMs = performance.now() - startedMs;
        const after = await provider.served();
        const { ofDevices, ofRun } = callsSince(before, after);
        const of = `${kind} devices, ${concurrency} at once`;
        const idealMs = ((ofDevices + ofRun) * LATENCY_MS) / concurrency;
        const servedMs = (after.servedMs - before.servedMs) / concurrency;
        return [
          {
            metric: `${of}: requests`,
            value: ofDevices / DEVICES,
            unit: 'per device',
            goal,
            better: 'lower',
          },
          { metric: `${of}: requests besides`, value: ofRun, unit: 'per run', better: 'lower' },
          {
            metric: `${of}: wall over calls × ${LATENCY_MS} ms ÷ ${concurrency}`,
            value: wallMs / idealMs,
            ...{ unit: 'times', better: 'lower', ...(concurrency <= GOAL_UP_TO ? { goal: 1.15 } : {}) },
          },
          // The lab's own work comes on top of its latency, and this computer's other work on top of that.
          {
            metric: `${of}: wall over the time calls were at the provider`,
            value: wallMs / servedMs,
            ...{ unit: 'times', better: 'lower' },
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
