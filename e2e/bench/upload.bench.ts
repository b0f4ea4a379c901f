import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createAgentBinaryStore } from '#shared/adapters/binary/agent-binary-store.ts';
import { ELF_HEADER_BYTES } from '#shared/adapters/binary/elf.ts';
import { noSshdReason, type RealSshd, startRealSshd } from '#shared/adapters/ssh/testing/real-sshd.ts';
import { testConnector } from '#shared/adapters/ssh/testing/test-connector.ts';
import { receiveBinary } from '#shared/device/commands.ts';
import { type DeviceCommand, defineCommand } from '#shared/device/device-command.ts';
import { receiveParts } from '#shared/device/receive.ts';
import type { AgentBinary } from '#shared/engine/ports.ts';
import type { Metric } from '../../scripts/bench/metric.ts';
import { startSlowRelay } from './slow-relay.ts';

export const name = 'upload';

const ROUNDS = 7;
/** Of this computer, whose own program is sent. */
const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const MEBIBYTE = 1024 * 1024;
const SIZE_BYTES = 64 * MEBIBYTE;
const SLOW_SIZE_BYTES = 8 * MEBIBYTE;
const SLOW = { bitsPerSecond: 2_000_000, oneWayDelayMs: 40 };
const LIMIT_MS = 240_000;

const runFile = promisify(execFile);

interface Sample {
  readonly word: string;
  readonly file: string;
  readonly bytes: Buffer;
}

/** What an agent binary is like: the first part of a real program, this computer's Node. */
function programBytes(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  const descriptor = openSync(process.execPath, 'r');
  readSync(descriptor, bytes, 0, sizeBytes, 0);
  closeSync(descriptor);
  return bytes;
}

/** What nothing can compress, behind a program's header. */
function randomProgramBytes(sizeBytes: number): Buffer {
  return Buffer.concat([programBytes(ELF_HEADER_BYTES), randomBytes(sizeBytes - ELF_HEADER_BYTES)]);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

class Measurement {
  readonly #binaries = createAgentBinaryStore();
  readonly #sshd: RealSshd;
  readonly #folder: string;

  constructor(sshd: RealSshd, folder: string) {
    this.#sshd = sshd;
    this.#folder = folder;
  }

  /** Milliseconds for login, upload and goodbye; `transferMs` without the login. */
  async upload(command: DeviceCommand, sample: Sample, port = this.#sshd.port) {
    const ssh = { private_key_file: this.#sshd.clientKeyFile };
    const binary = await this.#open(sample);
    const startedAt = performance.now();
    const connector = testConnector(ssh);
    const session = await connector.connect(
      { kind: 'ssh', user: undefined, host: '127.0.0.1', port },
      {
        credential: { user: this.#sshd.user },
        hostKeys: { hostKey: () => undefined, pinHostKey: () => undefined },
        signal: AbortSignal.timeout(LIMIT_MS),
      },
    );
    const loggedInAt = performance.now();
    const { exitStatus, stderr } = await session.upload(command, binary, {
      ...{ elevation: { kind: 'none' }, signal: AbortSignal.timeout(LIMIT_MS), limitMs: LIMIT_MS },
    });
    const endedAt = performance.now();
    session.close();
    if (exitStatus !== 0) throw new Error(`The upload failed: ${stderr}`);
    return { ms: endedAt - startedAt, transferMs: endedAt - loggedInAt };
  }

  /** Opened and hashed, as before every enrollment. */
  #open({ file }: Sample): Promise<AgentBinary> {
    return this.#binaries.open(file, architecture, AbortSignal.timeout(LIMIT_MS));
  }

  async sha256(sample: Sample): Promise<string> {
    return (await this.#open(sample)).sha256;
  }

  close(): Promise<void> {
    return this.#binaries.close();
  }

  async scp(sample: Sample): Promise<number> {
    const startedAt = performance.now();
    await runFile('scp', [
      ...['-q', '-P', String(this.#sshd.port), '-i', this.#sshd.clientKeyFile, '-o', 'BatchMode=yes'],
      ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
      ...[sample.file, `${this.#sshd.user}@127.0.0.1:${path.join(this.#folder, 'by-scp')}`],
    ]);
    return performance.now() - startedAt;
  }
}

/** Upload with login against scp in turns, so that a busy moment hits both; then a slow link. */
export async function run(): Promise<readonly Metric[]> {
  const missing = noSshdReason();
  if (missing !== undefined) throw new Error(`This bench needs an OpenSSH server: ${missing}.`);
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-bench-'));
  const sshd = await startRealSshd();
  const measurement = new Measurement(sshd, folder);
  try {
    const make = (word: string, bytes: Buffer): Sample => {
      const file = path.join(folder, word.replaceAll(' ', '-'));
      writeFileSync(file, bytes, { mode: 0o755 });
      return { word, file, bytes };
    };
    const metrics: Metric[] = [];
    for (const sample of [
      make('random bytes', randomProgramBytes(SIZE_BYTES)),
      make('a program', programBytes(SIZE_BYTES)),
    ])
      metrics.push(...(await againstScp(measurement, sample, folder)));
    for (const sample of [
      make('a program, slow', programBytes(SLOW_SIZE_BYTES)),
      make('random bytes, slow', randomProgramBytes(SLOW_SIZE_BYTES / 4)),
    ])
      metrics.push(...(await onSlowLink(measurement, sample, sshd, folder)));
    return metrics;
  } finally {
    await measurement.close();
    await sshd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function againstScp(measurement: Measurement, sample: Sample, folder: string): Promise<Metric[]> {
  const root = path.join(folder, 'root');
  await mkdir(path.join(root, 'usr/local/bin'), { recursive: true });
  await mkdir(path.join(root, 'etc'), { recursive: true });
  const received = path.join(root, 'usr/local/bin/fleet-agent');
  const sha256 = await measurement.sha256(sample);
  const plain = defineCommand('Upload', `t='${folder}/by-upload'\n${receiveParts()}`, { asRoot: false });
  const whole = defineCommand('Upload', `MUSTER_DEVICE_ROOT='${root}'\n${receiveBinary(sha256).script}`, {
    asRoot: false,
  });
  const times = { scp: [] as number[], upload: [] as number[], whole: [] as number[] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const scp = await measurement.scp(sample);
    const { ms } = await measurement.upload(plain, sample);
    const verified = await measurement.upload(whole, sample);
    // The first round fills caches and compiles.
    if (round === 0) continue;
    times.scp.push(scp);
    times.upload.push(ms);
    times.whole.push(verified.ms);
  }
  if (!(await readFile(received)).equals(sample.bytes)) throw new Error('Another file arrived.');
  await rm(root, { recursive: true, force: true });
  const ratios = times.upload.map((ms, round) => ms / (times.scp[round] ?? Number.NaN));
  const of = `64 MiB of ${sample.word}`;
  return [
    { metric: `${of}: scp (median)`, value: median(times.scp), unit: 'ms', better: 'lower' },
    {
      metric: `${of}: upload with login (median)`,
      value: median(times.upload),
      unit: 'ms',
      better: 'lower',
    },
    {
      metric: `${of}: upload over scp (median of rounds)`,
      value: median(ratios),
      unit: 'times',
      goal: 1.1,
      better: 'lower',
    },
    {
      metric: `${of}: the same, hash checked, on disk and renamed (median)`,
      value: median(times.whole),
      unit: 'ms',
      better: 'lower',
    },
  ];
}

async function onSlowLink(
  measurement: Measurement,
  sample: Sample,
  sshd: RealSshd,
  folder: string,
): Promise<Metric[]> {
  const relay = await startSlowRelay(sshd.port, SLOW);
  try {
    const command = defineCommand('Upload', `t='${folder}/by-upload'\n${receiveParts()}`, { asRoot: false });
    const { transferMs } = await measurement.upload(command, sample, relay.port);
    const leastBytes = Math.min(gzipSync(sample.bytes, { level: 6 }).length, sample.bytes.length);
    const idealMs = (leastBytes * 8000) / SLOW.bitsPerSecond + 2 * SLOW.oneWayDelayMs;
    const of = `${sample.bytes.length / MEBIBYTE} MiB of ${sample.word} link (2 Mbit/s, 80 ms)`;
    return [
      { metric: `${of}: upload`, value: transferMs, unit: 'ms', better: 'lower' },
      {
        metric: `${of}: over the time of its gzip -6 bytes`,
        value: transferMs / idealMs,
        unit: 'times',
        goal: 1.2,
        better: 'lower',
      },
    ];
  } finally {
    await relay.stop();
  }
}
