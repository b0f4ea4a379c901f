import {
  type Architecture,
  type DeviceFacts,
  type Elevation,
  type MachineKeyFacts,
  type PlaceFacts,
  type PlaceName,
  placeNames,
} from '../../model/facts.ts';
import { parseHolder } from '../fence.ts';
import { binaryPath, configDirectory, configPath, keyPath, requiredPackages, unitPath } from '../paths.ts';
import {
  type FactLines,
  optional,
  optionalHash,
  readFactLines,
  requireNumber,
  unreadable,
} from './fact-lines.ts';
import { type FileFacts, hasRights, isOwnFile, obstaclesOf, readFiles, readPlace } from './file-facts.ts';

/** What a look gives: all facts, or only that root is out of reach without a password or at all. */
export type LookResult =
  | { readonly kind: 'facts'; readonly facts: DeviceFacts }
  | { readonly kind: 'no-root'; readonly elevation: Exclude<Elevation, 'root' | 'sudo'> };

const byPackages: Readonly<Record<string, Architecture>> = {
  amd64: 'x86_64',
  arm64: 'aarch64',
  armhf: 'armv7',
};

const byKernel: Readonly<Record<string, Architecture>> = {
  x86_64: 'x86_64',
  aarch64: 'aarch64',
  armv7l: 'armv7',
  armv8l: 'armv7',
};

/** A clock that reads to full seconds is off by half a second on average. */
const HALF_SECOND_MS = 500;

/**
 * What programs the device runs: its packages decide, for 32 bits of them run on a 64-bit kernel. Raspberry Pi OS
 * calls its packages armhf on the first boards too, whose processor is an ARMv6.
 */
function architectureOf(packages: string | undefined, machine: string): Architecture | undefined {
  if (machine === 'armv6l') return undefined;
  return packages === undefined ? byKernel[machine] : byPackages[packages];
}

/** A hash counts only when it is a file of its own whose mode, owner and group are right too. */
function rightFile(
  found: FactLines,
  name: string,
  file: FileFacts | undefined,
  mode: string,
): string | undefined {
  const hash = optionalHash(found, name);
  return isOwnFile(file) && hasRights(found, file, mode, 'own', 'own') ? hash : undefined;
}

function keyOf(found: FactLines, file: FileFacts | undefined): MachineKeyFacts | undefined {
  const keyId = optional(found, 'key-id');
  const userId = optional(found, 'key-user');
  if (!isOwnFile(file) || keyId === undefined || userId === undefined) return undefined;
  return { keyId, userId, protectedRight: hasRights(found, file, '640', 'agent', 'agent') };
}

function missingPackagesOf(found: FactLines): readonly string[] {
  const names = (optional(found, 'missing-packages') ?? '').split(' ').filter((name) => name !== '');
  const known: readonly string[] = requiredPackages;
  const odd = names.find((name) => !known.includes(name));
  if (odd !== undefined) throw unreadable(`missing-packages has "${odd.slice(0, 100)}"`);
  return names;
}

function agentUserOf(found: FactLines): DeviceFacts['agentUser'] {
  const uid = optional(found, 'agent-uid');
  const gid = optional(found, 'agent-gid');
  return {
    exists: uid !== undefined,
    hasOwnGroup: gid !== undefined && found.get('agent-main-gid') === gid,
    hasHome: uid !== undefined && found.get('agent-home')?.toLowerCase() === `directory:${uid}`,
    lingering: found.get('linger') === 'yes',
    managerRunning: found.get('user-manager') === 'running',
    podmanSocketEnabled: found.get('podman-socket') === 'enabled',
    podmanSocketListens: found.get('podman-listens') === 'yes',
    hasSubordinateIds: found.get('subordinate-ids') === 'yes',
  };
}

function unitOf(found: FactLines): DeviceFacts['unit'] {
  const state = (found.get('unit-state') ?? '').split(' ');
  return {
    enabled: found.get('unit-enabled') === 'yes',
    active: state.includes('ActiveState=active'),
    needsReload: state.includes('NeedDaemonReload=yes'),
    hasForeignDropIns: optional(found, 'drop-ins') !== undefined,
    needsRestart: found.get('needs-restart') === 'yes',
  };
}

/**
 * Reads what a look printed.
 * @param stationSeconds the station's clock in the middle of the round trip, seconds since 1970
 * @throws {EnrollmentError} DEVICE_FACTS_UNREADABLE when the look did not run to its end or a value is odd
 */
export function parseLook(
  stdout: string,
  nonce: string,
  loginUser: string,
  stationSeconds: number,
): LookResult {
  const found = readFactLines(stdout, nonce);
  if (found.get('end') !== 'ok') throw unreadable('the look did not run to its end');
  const elevation = found.get('elevation');
  if (elevation === 'none') return { kind: 'no-root', elevation };
  if (elevation === 'sudo-password' && !found.has('machine')) return { kind: 'no-root', elevation };
  if (elevation !== 'root' && elevation !== 'sudo' && elevation !== 'sudo-password') {
    throw unreadable('it does not say who it runs as');
  }
  const machine = optional(found, 'machine');
  if (machine === undefined) throw unreadable('it does not say which machine it is');
  const files = readFiles(found);
  const places = Object.fromEntries(placeNames.map((name) => [name, readPlace(found, name)]));
  const facts: DeviceFacts = {
    hostname: optional(found, 'hostname') ?? '',
    osId: optional(found, 'os-id') ?? '',
    osVersion: optional(found, 'os-version') ?? '',
    osName: optional(found, 'os-name') ?? '',
    machine,
    architecture: architectureOf(optional(found, 'package-architecture'), machine),
    model: optional(found, 'model'),
    serial: optional(found, 'serial'),
    machineId: optional(found, 'machine-id'),
    bootId: optional(found, 'boot-id'),
    places: places as Record<PlaceName, PlaceFacts>,
    obstacles: obstaclesOf(found, files),
    firstBootRunning: found.get('first-boot') === 'running',
    rebootRequired: found.get('reboot') === 'required',
    clockOffsetSeconds: requireNumber(found, 'clock') + HALF_SECOND_MS / 1000 - stationSeconds,
    elevation,
    loginUser,
    missingPackages: missingPackagesOf(found),
    agentUser: agentUserOf(found),
    binarySha256: rightFile(found, 'binary', files.get(binaryPath), '755'),
    configDirectoryRight: hasRights(found, files.get(configDirectory), '750', 'own', 'agent'),
    configSha256: rightFile(found, 'config', files.get(configPath), '644'),
    unitSha256: rightFile(found, 'unit', files.get(unitPath), '644'),
    key: keyOf(found, files.get(keyPath)),
    canMakeKeys: found.get('key-maker') === 'openssl',
    unit: unitOf(found),
    epoch: requireNumber(found, 'epoch'),
    heldBy: found.has('held-by') ? parseHolder(found.get('held-by') ?? '') : undefined,
  };
  return { kind: 'facts', facts };
}
