import { readFileSync } from 'node:fs';
import { arch, freemem, hostname, loadavg, networkInterfaces, platform, totalmem, uptime } from 'node:os';

/** What the agent puts under its device id; one JSON object, times in ISO 8601 UTC. */
export interface DeviceInfo {
  readonly deviceId: string;
  readonly keyId: string;
  readonly agentVersion: string;
  readonly startedAt: string;
  readonly sentAt: string;
  /** Counts up from 1 since the agent started. */
  readonly sequence: number;
  /** Changes with every boot; empty where the kernel does not tell. */
  readonly bootId: string;
  readonly hostname: string;
  readonly os: string;
  readonly arch: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly uptimeSeconds: number;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
  readonly load1: number;
}

export interface AgentFacts {
  readonly deviceId: string;
  readonly keyId: string;
  readonly startedAt: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The reference agent's own version; no part of the station's. */
export const AGENT_VERSION = 'reference-0.1.0';

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // Not Linux, or a kernel that hides it: the report goes out without this fact.
  }
}

/** `Debian GNU/Linux 12 (bookworm)` from os-release, else the platform's name. */
function osName(): string {
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readIfThere('/etc/os-release'));
  return pretty?.[1] ?? platform();
}

/** Addresses others can reach: no loopback, no link-local. */
function reachableAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

const BOOT_ID = readIfThere('/proc/sys/kernel/random/boot_id');
const OS_NAME = osName();

/** The device as it is now. `sequence` counts the reports of this agent process from 1. */
export function collectDeviceInfo(facts: AgentFacts, sequence: number, now: Date): DeviceInfo {
  return {
    deviceId: facts.deviceId,
    keyId: facts.keyId,
    agentVersion: AGENT_VERSION,
    startedAt: facts.startedAt,
    sentAt: now.toISOString(),
    sequence,
    bootId: BOOT_ID,
    hostname: hostname(),
    os: OS_NAME,
    arch: arch(),
    addresses: reachableAddresses(),
    labels: facts.labels,
    uptimeSeconds: Math.round(uptime()),
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: freemem(),
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
