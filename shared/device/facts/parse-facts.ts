import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Architecture, DeviceFacts, Elevation, MachineKeyFacts } from '../../model/facts.ts';
import { printable } from '../../model/printable.ts';
import { parseHolder } from '../fence.ts';

/** What a look gives: all facts, or only that root is out of reach without a password or at all. */
export type LookResult =
  | { readonly kind: 'facts'; readonly facts: DeviceFacts }
  | { readonly kind: 'no-root'; readonly elevation: Exclude<Elevation, 'root' | 'sudo'> };

const architectureByName: Readonly<Record<string, Architecture>> = {
  amd64: 'x86_64',
  x86_64: 'x86_64',
  arm64: 'aarch64',
  aarch64: 'aarch64',
  armhf: 'armv7',
  armv7l: 'armv7',
};

/** A clock that reads to full seconds is off by half a second on average. */
const HALF_SECOND_MS = 500;

function unreadable(problem: string): EnrollmentError {
  return new EnrollmentError('DEVICE_FACTS_UNREADABLE', {
    details: { problem },
    phase: 'check',
    stepId: 'connect',
  });
}

function readLines(stdout: string, nonce: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const match = /^@(\S+) (\S+) ?(.*)$/s.exec(line.replace(/\r$/, ''));
    if (match?.[1] === nonce && match[2] !== undefined) found.set(match[2], printable(match[3] ?? '').trim());
  }
  return found;
}

function requireNumber(found: Map<string, string>, name: string): number {
  const text = found.get(name) ?? '';
  if (!/^\d{1,15}$/.test(text)) throw unreadable(`${name} is "${text}", not a number`);
  return Number(text);
}

function optional(found: Map<string, string>, name: string): string | undefined {
  const text = found.get(name);
  return text === undefined || text === '' ? undefined : text;
}

function hashOf(found: Map<string, string>, name: string): string | undefined {
  const text = optional(found, name);
  if (text !== undefined && !/^[0-9a-f]{64}$/.test(text)) throw unreadable(`${name} is not a SHA-256`);
  return text;
}

/** Mode, user and group as `stat -c '%a:%u:%g'` prints them. An id the look did not find gives no right rights. */
function hasRights(
  found: Map<string, string>,
  name: string,
  mode: string,
  user: 'own' | 'agent',
  group: 'own' | 'agent',
): boolean {
  const uid = optional(found, `${user}-uid`);
  const gid = optional(found, `${group}-gid`);
  return uid !== undefined && gid !== undefined && found.get(`${name}-rights`) === `${mode}:${uid}:${gid}`;
}

function keyOf(found: Map<string, string>): MachineKeyFacts | undefined {
  const keyId = optional(found, 'key-id');
  const userId = optional(found, 'key-user');
  if (keyId === undefined || userId === undefined) return undefined;
  return { keyId, userId, protectedRight: hasRights(found, 'key', '640', 'agent', 'agent') };
}

/** A hash counts only when mode, owner and group are right too; otherwise the file is written anew. */
function rightFile(found: Map<string, string>, name: string, mode: string): string | undefined {
  const hash = hashOf(found, name);
  return hasRights(found, name, mode, 'own', 'own') ? hash : undefined;
}

/**
 * Reads what a look printed. Lines without this look's nonce are somebody else's and ignored.
 * @param stationSeconds the station's clock in the middle of the round trip, seconds since 1970
 * @throws {EnrollmentError} DEVICE_FACTS_UNREADABLE when the look did not run to its end or a value is odd
 */
export function parseLook(
  stdout: string,
  nonce: string,
  loginUser: string,
  stationSeconds: number,
): LookResult {
  const found = readLines(stdout, nonce);
  if (found.get('end') !== 'ok') throw unreadable('the look did not run to its end');
  const elevation = found.get('elevation');
  if (elevation === 'none') return { kind: 'no-root', elevation };
  if (elevation === 'sudo-password' && !found.has('machine')) return { kind: 'no-root', elevation };
  if (elevation !== 'root' && elevation !== 'sudo' && elevation !== 'sudo-password') {
    throw unreadable('it does not say who it runs as');
  }
  const machine = optional(found, 'machine');
  if (machine === undefined) throw unreadable('it does not say which machine it is');
  const facts: DeviceFacts = {
    hostname: optional(found, 'hostname') ?? '',
    osId: optional(found, 'os-id') ?? '',
    osVersion: optional(found, 'os-version') ?? '',
    osName: optional(found, 'os-name') ?? '',
    machine,
    architecture: architectureByName[optional(found, 'package-architecture') ?? machine],
    model: optional(found, 'model'),
    serial: optional(found, 'serial'),
    machineId: optional(found, 'machine-id'),
    bootId: optional(found, 'boot-id'),
    freeBytes: requireNumber(found, 'free-kib') * 1024,
    clockOffsetSeconds: requireNumber(found, 'clock') + HALF_SECOND_MS / 1000 - stationSeconds,
    elevation,
    loginUser,
    missingPackages: (optional(found, 'missing-packages') ?? '').split(' ').filter((name) => name !== ''),
    agentUser: {
      exists: optional(found, 'agent-uid') !== undefined,
      lingering: found.get('linger') === 'yes',
      podmanSocketEnabled: found.get('podman-socket') === 'yes',
      hasSubordinateIds: found.get('subordinate-ids') === 'yes',
    },
    binarySha256: rightFile(found, 'binary', '755'),
    configDirectoryRight: hasRights(found, 'config-directory', '750', 'own', 'agent'),
    configSha256: rightFile(found, 'config', '644'),
    unitSha256: rightFile(found, 'unit', '644'),
    key: keyOf(found),
    unit: {
      enabled: found.get('unit-enabled') === 'enabled',
      active: found.get('unit-active') === 'active',
      needsRestart: found.get('needs-restart') === 'yes',
    },
    epoch: requireNumber(found, 'epoch'),
    heldBy: found.has('held-by') ? parseHolder(found.get('held-by') ?? '') : undefined,
  };
  return { kind: 'facts', facts };
}
