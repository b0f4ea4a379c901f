import { agentConfig } from '../device/agent-config.ts';
import { unitFile } from '../device/unit-file.ts';
import type { Profile } from '../model/profile.ts';
import type { Desired } from '../steps/define-step.ts';
import type { EnrollmentInput } from './enrollment-context.ts';
import type { AgentBinary, MachineKeyEntry } from './ports.ts';

/** What this device should hold at the end: the same for a run and for its preview. */
export function desiredState(
  {
    ports,
    profile,
    deviceId,
    labels,
    identity,
  }: Pick<EnrollmentInput, 'ports' | 'profile' | 'deviceId' | 'labels' | 'identity'>,
  found: Pick<Desired, 'userId' | 'liveKeyIds' | 'keyIdsBefore' | 'watchesHeartbeats'> & {
    readonly binary: AgentBinary;
  },
): Desired {
  const config = agentConfig(profile, deviceId, labels);
  return {
    config: { content: config, sha256: ports.sha256(config) },
    unit: { content: unitFile, sha256: ports.sha256(unitFile) },
    ...found,
    bornPair:
      profile.identity.key_birth === 'device' && identity.takesPublicKeys ? ports.random.uuid() : undefined,
  };
}

const DAY_MS = 24 * 60 * 60 * 1000;
const RENEW_AT_MOST_BEFORE_MS = 30 * DAY_MS;

/**
 * Ids of keys that an enrollment replaces though they log in: less than a third of their validity is left, and at most 30
 * days. A fleet that is enrolled anew once a month never comes to the end of a key.
 */
export function keyIdsToRenew(
  keys: readonly MachineKeyEntry[],
  { identity }: Pick<Profile, 'identity'>,
  nowMs: number,
): string[] {
  const leftMs = renewBeforeMs({ identity });
  return keys
    .filter(({ expiresAt }) => expiresAt !== undefined && expiresAt > nowMs && expiresAt - nowMs < leftMs)
    .map((key) => key.keyId);
}

/** How long before its end a key is renewed. */
export function renewBeforeMs({ identity }: Pick<Profile, 'identity'>): number {
  const { key_valid_for_days: days } = identity;
  return Math.min(RENEW_AT_MOST_BEFORE_MS, ((days ?? Number.POSITIVE_INFINITY) * DAY_MS) / 3);
}

/** Ids of the keys that log in now. */
export function liveKeyIds(keys: readonly MachineKeyEntry[], nowMs: number): string[] {
  return keys.filter((key) => key.expiresAt === undefined || key.expiresAt > nowMs).map((key) => key.keyId);
}
