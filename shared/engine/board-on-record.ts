import { EnrollmentError } from '../errors/enrollment-error.ts';
import { type BoardIdentity, identityText, isOtherBoard } from '../model/board-identity.ts';
import { formatTarget } from '../model/target.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { keyRealmOf } from './key-realm.ts';
import type { BoardOnRecord } from './ports.ts';

const thisComputer = formatTarget({ kind: 'local' });

/** An id, and the board that is to have it. */
export type BoardContext = Pick<
  EnrollmentContext,
  'ports' | 'profile' | 'deviceId' | 'target' | 'session' | 'look'
>;

/** The board this id was given to, where that is another one than this. It need not be alive. */
export function otherOnRecord(context: BoardContext): BoardOnRecord | undefined {
  const onRecord = recordOf(context);
  return onRecord !== undefined && isOtherBoard(onRecord, identityOf(context)) ? onRecord : undefined;
}

/**
 * Puts on record that the id is this board's. Belongs directly before the first thing that is made for the id: a run that
 * is killed afterwards leaves nothing that another board could take for its own. The same board keeps the day it was
 * given the id, and what cannot be read of it now is still known from before.
 * @throws STATION_JOURNAL_FAILED: then nothing may be made for the id
 */
export function putOnRecord(context: BoardContext): void {
  const { ports, profile, deviceId, target } = context;
  const before = otherOnRecord(context) === undefined ? recordOf(context) : undefined;
  const now = identityOf(context);
  const board: BoardOnRecord = {
    serial: now.serial ?? before?.serial,
    machineId: now.machineId ?? before?.machineId,
    hostKey: now.hostKey ?? before?.hostKey,
    target: formatTarget(target),
    givenAt: before?.givenAt ?? ports.clock.nowMs(),
  };
  // A device that is as it was costs the disk nothing.
  if (before !== undefined && isUnchanged(before, board)) return;
  ports.journal.giveId(keyRealmOf(profile), deviceId, board);
}

/** DEVICE_ID_OF_OTHER_BOARD, with all that is known of both boards. */
export function idOfOtherBoard(context: BoardContext, other: BoardOnRecord): EnrollmentError {
  const { deviceId, target } = context;
  return new EnrollmentError('DEVICE_ID_OF_OTHER_BOARD', {
    details: { deviceId, other: placeText(other), day: dayOf(other) },
    ...{ phase: 'check', stepId: 'identity', subject: deviceId },
    evidence: [
      `On record since ${new Date(other.givenAt).toISOString()}, at ${other.target}: ${identityText(other)}`,
      `This board, at ${formatTarget(target)}: ${identityText(identityOf(context))}`,
    ].join('\n'),
  });
}

/** A board by what an operator can find it by, and since when it has the id. */
export function onRecordText(board: BoardOnRecord): string {
  return `${placeText(board)} since ${dayOf(board)}`;
}

function placeText({ serial, target }: BoardOnRecord): string {
  const place = target === thisComputer ? 'this computer itself' : `the board at ${target}`;
  return serial === undefined ? place : `${place} with serial number ${serial}`;
}

function dayOf({ givenAt }: BoardOnRecord): string {
  return new Date(givenAt).toISOString().slice(0, 10);
}

function recordOf({ ports, profile, deviceId }: BoardContext): BoardOnRecord | undefined {
  return ports.journal.boardOf(keyRealmOf(profile), deviceId);
}

function identityOf({ look, session }: BoardContext): BoardIdentity {
  const { serial, machineId } = look.facts;
  return { serial, machineId, hostKey: session.hostKeyFingerprint };
}

function isUnchanged(before: BoardOnRecord, now: BoardOnRecord): boolean {
  return (['serial', 'machineId', 'hostKey', 'target'] as const).every((name) => before[name] === now[name]);
}
