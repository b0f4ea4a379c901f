import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { DeviceId } from '../model/device-id.ts';
import type { DeviceFacts } from '../model/facts.ts';

interface Board {
  readonly deviceId: DeviceId;
  /** Undefined for this computer itself, which is reached without SSH. */
  readonly hostKey: string | undefined;
  readonly machineId: string;
  readonly bootId: string | undefined;
}

/**
 * Which board is enrolled under which id, for one batch. A board that answers at two addresses would take two ids
 * one after the other and show both as enrolled. Whoever is looked at first keeps the board; nothing is made at the
 * identity provider before that.
 */
export class Boards {
  readonly #boards = new Map<DeviceId, Board>();

  /** @throws DEVICE_SAME_BOARD when this board is in the batch under another id */
  claim(deviceId: DeviceId, hostKey: string | undefined, { machineId, bootId }: DeviceFacts): void {
    if (machineId === undefined) return;
    const board: Board = { deviceId, hostKey, machineId, bootId };
    for (const other of this.#boards.values()) {
      if (other.deviceId === deviceId || !isSameBoard(board, other)) continue;
      throw new EnrollmentError('DEVICE_SAME_BOARD', {
        details: { other: other.deviceId },
        phase: 'check',
        stepId: 'connect',
      });
    }
    this.#boards.set(deviceId, board);
  }
}

/**
 * The machine id alone does not do: an image may bring one for all its boards. The host key with it does, and so does
 * the id the kernel makes at every boot, which one board has at all its addresses, also as the station's own computer.
 */
function isSameBoard(one: Board, other: Board): boolean {
  if (one.machineId !== other.machineId) return false;
  if (one.bootId !== undefined && one.bootId === other.bootId) return true;
  return one.hostKey === other.hostKey;
}
