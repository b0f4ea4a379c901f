import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { DeviceId } from '../model/device-id.ts';
import type { DeviceFacts } from '../model/facts.ts';

/**
 * Which board is enrolled under which id, for one batch. A board that answers at two addresses would take two ids
 * one after the other and show both as enrolled; it is recognised by host key and machine id together, this computer by
 * its machine id alone.
 */
export class Boards {
  readonly #deviceIds = new Map<string, DeviceId>();

  /** @throws DEVICE_SAME_BOARD when this board is in the batch under another id */
  claim(deviceId: DeviceId, hostKeyFingerprint: string | undefined, facts: DeviceFacts): void {
    if (facts.machineId === undefined) return;
    const board = `${hostKeyFingerprint ?? 'local'} ${facts.machineId}`;
    const other = this.#deviceIds.get(board);
    if (other !== undefined && other !== deviceId) {
      throw new EnrollmentError('DEVICE_SAME_BOARD', {
        details: { other },
        phase: 'check',
        stepId: 'connect',
      });
    }
    this.#deviceIds.set(board, deviceId);
  }
}
