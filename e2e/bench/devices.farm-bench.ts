import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseDeviceId } from '#shared/model/device-id.ts';
import { profileSchema } from '#shared/model/profile.ts';
import type { Metric } from '../../scripts/bench/metric.ts';
import { say } from '../../scripts/setup/report.mjs';
import { startFarmDevice } from '../farm/farm.ts';
import { byAnsible } from './devices/by-ansible.ts';
import { byMuster } from './devices/by-muster.ts';
import { byOpenSsh } from './devices/by-openssh.ts';
import { type Contender, type Contestant, writeKnownHosts, writePayload } from './devices/payload.ts';
import { measureUpload } from './devices/upload.ts';

export const name = 'devices';

/** How many devices at once, and how often: one device is soon measured, and a single figure says little. */
const sizes = [
  { devices: 1, rounds: 3 },
  { devices: 8, rounds: 3 },
  { devices: 24, rounds: 1 },
];
const binaryBytes = 8 * 1024 * 1024;
const SAMPLE_MS = 20;

/**
 * Muster's engine, OpenSSH and Ansible bring the same devices to the same state: user, linger, id ranges, podman
 * socket, binary of 8 MiB, key, config, unit, started. podman is there already. Nobody asks an identity provider and
 * nobody waits for a heartbeat. Each first run is on fresh disks; every run logs in anew and checks host keys.
 */
export async function run(): Promise<readonly Metric[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-bench-'));
  const most = Math.max(...sizes.map(({ devices }) => devices));
  const contenders = await bootAll(most);
  const profile = profileSchema.parse({
    name: 'bench',
    // The others are handed a key, so that the Station is too.
    identity: { issuer: 'https://id.example', client_id: '1', project_id: '1', key_birth: 'provider' },
    ssh: { user: 'pi', private_key_file: contenders[0]?.device.privateKeyFile },
    agent: { binaries: { x86_64: path.join(folder, 'fleet-agent') } },
  });
  const payload = writePayload(folder, profile, binaryBytes);
  const devices = contenders.map(({ device }) => device);
  writeKnownHosts(payload, devices);
  const muster = byMuster(profile, folder);
  try {
    const contestants = [muster, byOpenSsh(payload), byAnsible(payload)];
    await warmUp(muster, contenders);
    const metrics: Metric[] = [];
    for (const { devices: count, rounds } of sizes) {
      metrics.push(...(await compare(contestants, contenders.slice(0, count), rounds)));
    }
    const [first] = contenders;
    if (first) metrics.push(...(await measureUpload(first, payload, muster.ports)));
    return metrics;
  } finally {
    await muster.close();
    await Promise.all(devices.map((device) => device.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A station runs for days: its first batch compiles the engine and grows the heap by some 40 MB, once. What counts as memory
 * of the devices in flight comes on top of that.
 */
async function warmUp(muster: Contestant, contenders: readonly Contender[]): Promise<void> {
  const { seconds, memoryBytes } = await timed(() => muster.enroll(contenders));
  const grown = (memoryBytes / 1e6).toFixed(0);
  say(
    'bench',
    `warmed up by a batch of ${contenders.length}: ${seconds.toFixed(1)} s, heap grown by ${grown} MB`,
  );
}

async function bootAll(count: number): Promise<readonly Contender[]> {
  const startedAt = performance.now();
  const contenders = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const id = parseDeviceId(`bench-${String(index + 1).padStart(2, '0')}`);
      if (!id.ok) throw new Error(id.problem.says);
      const conditions = ['python'] as const;
      return { id: id.id, device: await startFarmDevice({ name: id.id, packages: 'installed', conditions }) };
    }),
  );
  say('bench', `${count} devices booted in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  return contenders;
}

interface Timing {
  firstSeconds: number[];
  againSeconds: number[];
  memoryBytes: number[];
}

/** One after the other on the same devices, reset before each first run; the order turns from round to round. */
async function compare(
  contestants: readonly Contestant[],
  contenders: readonly Contender[],
  rounds: number,
): Promise<readonly Metric[]> {
  const timings = new Map<string, Timing>();
  for (let round = 0; round < rounds; round += 1) {
    const turn = round % contestants.length;
    for (const contestant of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
      await Promise.all(contenders.map(({ device }) => device.reset()));
      const timing = timings.get(contestant.name) ?? { firstSeconds: [], againSeconds: [], memoryBytes: [] };
      timings.set(contestant.name, timing);
      const first = await timed(() => contestant.enroll(contenders));
      await sameState(contestant, contenders);
      const again = await timed(() => contestant.enroll(contenders));
      timing.firstSeconds.push(first.seconds);
      timing.againSeconds.push(again.seconds);
      timing.memoryBytes.push(first.memoryBytes);
      const seconds = `first run ${first.seconds.toFixed(2)} s, re-run ${again.seconds.toFixed(2)} s`;
      say('bench', `${contenders.length} devices, ${contestant.name}: ${seconds}`);
    }
  }
  return [...timings].length === 0 ? [] : metricsOf(contenders.length, timings);
}

/** @throws when a contestant left a device in another state than the others do */
async function sameState(contestant: Contestant, contenders: readonly Contender[]): Promise<void> {
  const look = `systemctl is-active fleet-agent; systemctl is-enabled fleet-agent
stat -c '%a %U' /usr/local/bin/fleet-agent /etc/fleet-agent/zitadel-key.json /etc/fleet-agent/config.toml
[ -S /run/user/$(id -u fleet-agent)/podman/podman.sock ] && [ -e /var/lib/systemd/linger/fleet-agent ] && echo socket`;
  const wanted = 'active\nenabled\n755 root\n640 fleet-agent\n644 root\nsocket\n';
  for (const { id, device } of contenders) {
    const { stdout } = await device.exec(look);
    if (stdout !== wanted)
      throw new Error(`${contestant.name} left ${id} as\n${stdout}instead of\n${wanted}`);
  }
}

async function timed(work: () => Promise<void>): Promise<{ seconds: number; memoryBytes: number }> {
  global.gc?.();
  const base = process.memoryUsage().rss;
  let peak = base;
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, SAMPLE_MS);
  const startedAt = performance.now();
  try {
    await work();
    return { seconds: (performance.now() - startedAt) / 1_000, memoryBytes: peak - base };
  } finally {
    clearInterval(sampler);
  }
}

function metricsOf(count: number, timings: ReadonlyMap<string, Timing>): readonly Metric[] {
  const of = `${count} ${count === 1 ? 'device' : 'devices'}`;
  const seconds = (who: string, run: 'firstSeconds' | 'againSeconds') =>
    median(timings.get(who)?.[run] ?? []);
  const runs = [
    { run: 'firstSeconds', title: 'first run', ansible: 6 },
    { run: 'againSeconds', title: 're-run', ansible: 18 },
  ] as const;
  const metrics = runs.flatMap(({ run, title, ansible }): Metric[] => [
    ...[...timings.keys()].map(
      (who): Metric => ({
        ...{ metric: `${of}, ${title}: ${who}`, value: seconds(who, run), unit: 's', better: 'lower' },
      }),
    ),
    {
      metric: `${of}, ${title}: Muster over OpenSSH`,
      value: seconds('Muster', run) / seconds('OpenSSH', run),
      ...{ unit: 'times', goal: count === 1 ? 1.2 : 1, better: 'lower' },
    },
    {
      metric: `${of}, ${title}: Ansible over Muster`,
      value: seconds('Ansible', run) / seconds('Muster', run),
      ...{ unit: 'times', goal: ansible, better: 'higher' },
    },
  ]);
  const memory = median(timings.get('Muster')?.memoryBytes ?? []) / 1e6 / count;
  const row: Metric = {
    metric: `${of}: engine memory beyond that of a station that has run a batch`,
    ...{ value: memory, unit: 'MB per device', better: 'lower', ...(count > 1 ? { goal: 2 } : {}) },
  };
  return [...metrics, row];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
