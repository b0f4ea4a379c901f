import { packagesBytes, reserveBytes } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText, megabytesText } from '../model/duration-text.ts';
import type { Architecture, DeviceFacts } from '../model/facts.ts';

/** The device signs in with a JWT: providers accept little of the future and at most an hour of the past. */
const MAX_CLOCK_OFFSET_SECONDS = 300;

const supportedSystems = new Set(['debian', 'raspbian']);

/** The device's architecture. @throws DEVICE_UNSUPPORTED for a system the agent is not installed on. */
export function requireSupported(facts: DeviceFacts): Architecture {
  const major = Number.parseInt(facts.osVersion, 10);
  if (!supportedSystems.has(facts.osId) || !(major >= 12) || facts.architecture === undefined) {
    const found = `${facts.osName || facts.osId || 'Unknown system'} on ${facts.machine}`;
    throw new EnrollmentError('DEVICE_UNSUPPORTED', {
      details: { found },
      phase: 'check',
      stepId: 'connect',
    });
  }
  return facts.architecture;
}

/** @throws DEVICE_CLOCK_OFF when the agent could not sign in with this clock. */
export function requireClock(facts: DeviceFacts): void {
  const offset = Math.abs(facts.clockOffsetSeconds);
  if (offset <= MAX_CLOCK_OFFSET_SECONDS) return;
  throw new EnrollmentError('DEVICE_CLOCK_OFF', {
    details: { offset: durationText(offset * 1000) },
    phase: 'check',
    stepId: 'connect',
  });
}

/** @throws DEVICE_DISK_FULL when packages, binary and a reserve do not fit. Checked before anything is changed. */
export function requireSpace(facts: DeviceFacts, binary: { sizeBytes: number; sha256: string }): void {
  const forBinary = facts.binarySha256 === binary.sha256 ? 0 : binary.sizeBytes;
  const forPackages = facts.missingPackages.length > 0 ? packagesBytes : 0;
  // A device with everything in place is never refused for its space.
  const needed = forBinary + forPackages === 0 ? 0 : forBinary + forPackages + reserveBytes;
  if (facts.freeBytes >= needed) return;
  throw new EnrollmentError('DEVICE_DISK_FULL', {
    details: { free: megabytesText(facts.freeBytes), needed: megabytesText(needed) },
    phase: 'check',
    stepId: 'connect',
  });
}
