import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { idOfOtherBoard, onRecordText, otherOnRecord } from './board-on-record.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { keyRealmOf } from './key-realm.ts';

/** The board that is to have an id, as far as its own heartbeats tell it. */
type AskingBoard = Pick<EnrollmentContext, 'ports' | 'profile' | 'deviceId' | 'look'>;

/** What an id was taken over from. */
export interface TakenOver {
  /** The other board, where it is alive; undefined: it is on record only, and which key it has is not known. */
  readonly live: Heartbeat | undefined;
}

/** A board that was heard this lately is alive; agents report more often. */
export const ALIVE_FOR_MS = 45_000;

/**
 * Refuses an id that another board is alive with, or was given while this station kept record, before anything is made for
 * it: two boards with one id would take each other's place for ever. A board that was flashed anew has ended its own
 * heartbeats, is still the one on record, and passes.
 *
 * What the bucket held when the station began to listen may be old, and only a server's clock tells. Where that could
 * be a live board it is listened for first.
 * @returns what the id is taken over from, where the operator asked for that
 * @throws DEVICE_ID_IN_USE, DEVICE_ID_OF_OTHER_BOARD, or the signal's reason
 */
export async function requireIdIsFree(context: EnrollmentContext): Promise<TakenOver | undefined> {
  const other = await otherBoard(context);
  if (other === undefined) return requireOwnOnRecord(context);
  if (context.takeOver !== true) throw idInUse(context, other);
  context.record.log.add({
    kind: 'note',
    stepId: 'identity',
    text: `the operator takes this id over from ${boardText(other)}, which is alive with key ${other.keyId ?? 'unknown'}`,
  });
  return { live: other };
}

/** The other board may be switched off: then only the record speaks for it. */
function requireOwnOnRecord(context: EnrollmentContext): TakenOver | undefined {
  const other = otherOnRecord(context);
  if (other === undefined) return undefined;
  if (context.takeOver !== true) throw idOfOtherBoard(context, other);
  const text = `the operator takes this id over from ${onRecordText(other)}`;
  context.record.log.add({ kind: 'note', stepId: 'identity', text });
  return { live: undefined };
}

/** The board that is alive under this id and is not this one. */
async function otherBoard(context: EnrollmentContext): Promise<Heartbeat | undefined> {
  const { deviceId, fleet, ports, record, signal } = context;
  const heard = fleet?.heard(deviceId);
  const isForeign = foreignTo(context);
  if (fleet === undefined || heard === undefined || !isForeign(heard.heartbeat)) return undefined;
  const { clock } = ports;
  if (heard.isNew) return clock.monotonicMs() - heard.heardAtMs <= ALIVE_FOR_MS ? heard.heartbeat : undefined;
  if (Math.abs(clock.nowMs() - heard.heartbeat.receivedAt) > ALIVE_FOR_MS) return undefined;
  const text = 'listening whether another board is alive under this id';
  record.log.add({ kind: 'note', stepId: 'identity', text });
  record.progress('identity', { text, done: undefined, total: undefined });
  const isOther = (one: Heartbeat): boolean => one.deviceId === deviceId && isForeign(one);
  const other = await fleet.listen(isOther, ALIVE_FOR_MS, signal);
  record.clearProgress('identity');
  return other;
}

/**
 * The other board that may be alive under this id, by the newest heartbeat there is. Nothing is listened for: it may have been
 * switched off since.
 */
export function mayBeAlive(context: AskingBoard, heard: Heartbeat | undefined): Heartbeat | undefined {
  if (heard === undefined || !foreignTo(context)(heard)) return undefined;
  return Math.abs(context.ports.clock.nowMs() - heard.receivedAt) > ALIVE_FOR_MS ? undefined : heard;
}

/**
 * Tells the heartbeats of another board from this one's: by the key, which this board holds or held just before, or
 * by the host name while an agent runs on this board whose key file is gone or was just replaced. What a heartbeat
 * does not tell is believed.
 */
function foreignTo({ ports, profile, deviceId, look }: AskingBoard): (heartbeat: Heartbeat) => boolean {
  const { facts } = look;
  const held = facts.key?.keyId;
  const replaced = ports.journal
    .unsettledKeyIntents(keyRealmOf(profile))
    .filter((intent) => intent.deviceId === deviceId && held !== undefined && intent.keyId === held)
    .flatMap((intent) => intent.keyIdsBefore);
  return ({ keyId, hostname }) => {
    if (keyId === undefined || keyId === held || replaced.includes(keyId)) return false;
    return !(facts.unit.active && (hostname === undefined || hostname === facts.hostname));
  };
}

/** A board by what it says about itself. */
export function boardText({ hostname, addresses }: Heartbeat): string {
  const at = addresses.length === 0 ? '' : ` at ${addresses.join(', ')}`;
  return `${hostname ?? 'host name unknown'}${at}`;
}

function idInUse({ deviceId }: EnrollmentContext, other: Heartbeat): EnrollmentError {
  return new EnrollmentError('DEVICE_ID_IN_USE', {
    details: { deviceId, other: boardText(other) },
    ...{ phase: 'check', stepId: 'identity', subject: deviceId },
    evidence: `A heartbeat was heard with key ${other.keyId ?? 'unknown'}, which this board does not hold.`,
  });
}
