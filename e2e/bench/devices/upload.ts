import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { receiveBinary } from '#shared/device/commands.ts';
import { type DeviceCommand, defineCommand } from '#shared/device/device-command.ts';
import { receiveParts } from '#shared/device/receive.ts';
import type { StationPorts } from '#shared/engine/ports.ts';
import type { Metric } from '../../../scripts/bench/metric.ts';
import { must } from '../../farm/commands.ts';
import type { Contender, Payload } from './payload.ts';
import { sampleAgent } from './sample-agent.ts';

const sizeBytes = 64 * 1024 * 1024;
const rounds = 7;
const limitMs = 120_000;

/**
 * A file of 64 MiB to one device, login included, beside `scp`: the bytes alone, as `scp` writes them, and the engine's whole
 * upload by sudo, with the hash checked on the device, flushed and put in its place. In turns; the median counts.
 */
export async function measureUpload(
  { device }: Contender,
  payload: Payload,
  ports: StationPorts,
): Promise<readonly Metric[]> {
  const file = path.join(payload.folder, 'big-agent');
  writeFileSync(file, sampleAgent(sizeBytes));
  await device.reset();
  const signal = AbortSignal.timeout(limitMs * rounds);
  const binary = await ports.binaries.open(file, 'x86_64', signal);
  const plain = defineCommand('Upload', `t=big-agent-by-station\n${receiveParts()}`, { asRoot: false });
  const bySession = async (command: DeviceCommand) => {
    const target = { kind: 'ssh', user: device.user, host: device.address, port: device.sshPort } as const;
    const options = { credential: { user: device.user }, hostKeys: ports.journal, signal };
    const session = await ports.connector.connect(target, options);
    const { exitStatus, stderr } = await session.upload(command, binary, {
      signal,
      elevation: { kind: 'sudo' },
      limitMs,
    });
    session.close();
    if (exitStatus !== 0) throw new Error(`upload: status ${exitStatus}\n${stderr}`);
  };
  const byScp = async () => {
    const known = ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${payload.knownHosts}`];
    const login = ['-i', device.privateKeyFile, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'];
    await must('scp', ['-q', ...known, ...login, file, `${device.user}@${device.address}:big-agent`], {
      limitMs,
    });
  };
  const times = { muster: [] as number[], scp: [] as number[], whole: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    times.scp.push(await secondsOf(byScp));
    times.muster.push(await secondsOf(() => bySession(plain)));
    times.whole.push(await secondsOf(() => bySession(receiveBinary(binary.sha256))));
  }
  const [muster, scp] = [median(times.muster), median(times.scp)];
  const ratios = times.muster.map((seconds, round) => seconds / (times.scp[round] ?? Number.NaN));
  return [
    { metric: 'upload of 64 MiB with login: scp', value: scp, unit: 's', better: 'lower' },
    { metric: 'upload of 64 MiB with login: Muster', value: muster, unit: 's', better: 'lower' },
    {
      metric: 'upload: Muster over scp (median of rounds)',
      ...{ value: median(ratios), unit: 'times', goal: 1.1, better: 'lower' },
    },
    {
      metric: 'the same, hash checked, flushed and in its place: Muster',
      ...{ value: median(times.whole), unit: 's', better: 'lower' },
    },
  ];
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
