import type { DeviceFacts } from '../model/facts.ts';
import { deviceChanges, planEnrollment } from '../plan/plan-enrollment.ts';
import { requireRoom, requireUnobstructed } from '../plan/preconditions.ts';
import { desiredState } from './desired-state.ts';
import type { EnrollmentInput } from './enrollment-context.ts';
import type { AgentBinary } from './ports.ts';

/**
 * Refuses a device that cannot take what an enrollment would write, before the identity provider is asked for
 * anything. Of its key only the provider can tell whether it logs in: here it counts as right, and the plan is checked
 * once more when it is known.
 * @throws DEVICE_OBSTRUCTED, DEVICE_READ_ONLY, DEVICE_DISK_FULL
 */
export function requireReady(
  input: Pick<EnrollmentInput, 'ports' | 'profile' | 'deviceId' | 'labels' | 'identity'>,
  facts: DeviceFacts,
  binary: AgentBinary,
): void {
  requireUnobstructed(facts);
  const { keyId, userId = '' } = facts.key ?? {};
  const hoped = desiredState(input, {
    ...{ binary, userId, liveKeyIds: keyId === undefined ? [] : [keyId] },
    ...{ keyIdsBefore: [], watchesHeartbeats: false },
  });
  requireRoom(facts, deviceChanges(planEnrollment(facts, hoped)), binary);
}
