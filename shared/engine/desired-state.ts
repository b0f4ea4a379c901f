import { agentConfig } from '../device/agent-config.ts';
import { unitFile } from '../device/unit-file.ts';
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
  found: Pick<Desired, 'userId' | 'liveKeyIds' | 'watchesHeartbeats'> & { readonly binary: AgentBinary },
): Desired {
  const config = agentConfig(profile, deviceId, labels);
  return {
    config: { content: config, sha256: ports.sha256(config) },
    unit: { content: unitFile, sha256: ports.sha256(unitFile) },
    ...found,
    wantsBornKey: profile.identity.key_birth === 'device' && identity.takesPublicKeys,
  };
}

/** Ids of the keys that log in now. */
export function liveKeyIds(keys: readonly MachineKeyEntry[], nowMs: number): string[] {
  return keys.filter((key) => key.expiresAt === undefined || key.expiresAt > nowMs).map((key) => key.keyId);
}
