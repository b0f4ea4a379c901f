import {
  filesBytes,
  otherPackagesBytes,
  packagesBytes,
  reserveBytes,
  writtenPlaces,
} from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText, megabytesText } from '../model/duration-text.ts';
import type { StepId } from '../model/enrollment.ts';
import { type Architecture, type DeviceFacts, type PlaceName, placeNames } from '../model/facts.ts';

/** The device signs in with a JWT: providers accept little of the future and at most an hour of the past. */
const MAX_CLOCK_OFFSET_SECONDS = 300;

/** Nobody reads 8760 hours. */
const DAY_SECONDS = 86_400;

const supportedSystems = new Set(['debian', 'raspbian']);

function refused(
  code: EnrollmentError['code'],
  details: Readonly<Record<string, string>>,
  evidence?: string,
): EnrollmentError {
  const place = { phase: 'check' } as const;
  return new EnrollmentError(code, { ...place, details, ...(evidence === undefined ? {} : { evidence }) });
}

/** The device's architecture. @throws DEVICE_UNSUPPORTED for a system the agent is not installed on. */
export function requireSupported(facts: DeviceFacts): Architecture {
  const major = Number.parseInt(facts.osVersion, 10);
  if (!supportedSystems.has(facts.osId) || !(major >= 12) || facts.architecture === undefined) {
    const found = `${facts.osName || facts.osId || 'Unknown system'} on ${facts.machine}`;
    throw refused('DEVICE_UNSUPPORTED', { found });
  }
  return facts.architecture;
}

/** @throws DEVICE_CLOCK_OFF when the agent could not sign in with this clock. */
export function requireClock(facts: DeviceFacts): void {
  const offset = Math.abs(facts.clockOffsetSeconds);
  if (offset <= MAX_CLOCK_OFFSET_SECONDS) return;
  const days = Math.round(offset / DAY_SECONDS);
  throw refused('DEVICE_CLOCK_OFF', { offset: days < 2 ? durationText(offset * 1000) : `${days} days` });
}

/** @throws DEVICE_OBSTRUCTED for what the station neither follows nor removes. */
export function requireUnobstructed({ obstacles }: DeviceFacts): void {
  const [first] = obstacles;
  if (first === undefined) return;
  const all = obstacles.map(({ path, problem }) => `${path} ${problem}`).join('\n');
  throw refused('DEVICE_OBSTRUCTED', { path: first.path, problem: first.problem }, all);
}

/** Bytes the steps still to do will write, by place. */
function roomFor(
  steps: readonly StepId[],
  binaryBytes: number,
  missingPackages: readonly string[],
): ReadonlyMap<PlaceName, number> {
  const room = new Map<PlaceName, number>();
  const add = (name: PlaceName, bytes: number): void => {
    room.set(name, (room.get(name) ?? 0) + bytes);
  };
  if (steps.length > 0) add('config', filesBytes);
  if (steps.includes('packages')) {
    const packages = missingPackages.includes('podman') ? packagesBytes : otherPackagesBytes;
    add('programs', packages.programs + reserveBytes);
    add('archives', packages.archives);
    add('state', packages.state);
  }
  if (steps.includes('binary')) add('binary', binaryBytes + (steps.includes('packages') ? 0 : reserveBytes));
  return room;
}

/**
 * Refuses a device before anything is changed on it, for what these steps would write. A device on which nothing is
 * left to do is never refused for its space or for being read-only.
 * @param steps the steps of the plan that change something
 * @throws DEVICE_READ_ONLY, DEVICE_DISK_FULL
 */
export function requireRoom(
  facts: DeviceFacts,
  steps: readonly StepId[],
  binary: { readonly sizeBytes: number },
): void {
  const room = roomFor(steps, binary.sizeBytes, facts.missingPackages);
  const places = placeNames.filter((name) => room.has(name)).map((name) => ({ name, ...facts.places[name] }));
  // A /usr of its own that is read-only is an arrangement of the image: apt knows how, or says so.
  const readOnly = places.find(({ name, writable }) => !writable && name !== 'programs');
  if (readOnly !== undefined) throw refused('DEVICE_READ_ONLY', { place: writtenPlaces[readOnly.name] });
  for (const { mount, freeBytes, name } of places) {
    const sharing = places.filter((other) => other.mount === mount);
    const needed = sharing.reduce((sum, other) => sum + (room.get(other.name) ?? 0), 0);
    if (freeBytes >= needed) continue;
    throw refused('DEVICE_DISK_FULL', {
      ...{ free: megabytesText(freeBytes), needed: megabytesText(needed), place: writtenPlaces[name] },
    });
  }
}
