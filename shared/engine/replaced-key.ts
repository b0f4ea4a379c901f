import { EnrollmentError } from '../errors/enrollment-error.ts';
import { knownSerial } from '../model/board-identity.ts';
import { type DeviceId, parseDeviceId } from '../model/device-id.ts';
import type { DeviceFacts } from '../model/facts.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import type { Heard } from './fleet.ts';
import { ALIVE_FOR_MS } from './id-in-use.ts';
import type { Clock, KeyIntent, MachineKeyEntry } from './ports.ts';

/** A key of another machine user, with the journal entry that keeps it from being forgotten. */
export type ReplacedKey = Pick<KeyIntent, 'intentId' | 'userId'> & { readonly keyId: string };

/**
 * Ids of the keys of a machine user that a new one replaces: what the provider lists, and the key the device holds. A
 * search lags behind writes, so another station may have given the device a key a moment ago that is not listed yet.
 */
export function replaceableKeyIds(
  listed: readonly MachineKeyEntry[],
  held: DeviceFacts['key'],
  userId: string,
): readonly string[] {
  const ids = listed.map((key) => key.keyId);
  return held === undefined || held.userId !== userId || ids.includes(held.keyId)
    ? ids
    : [...ids, held.keyId];
}

/**
 * Writes down the key of another machine user that the device still holds, just before a new one takes its place: the
 * board was enrolled under another id before, and nobody but the device knows of that key. The entry says what one of
 * a delivery says: a look decides whether the device holds it.
 */
export function rememberReplacedKey(
  { keys, deviceId, look, ports }: EnrollmentContext,
  userId: string,
): readonly ReplacedKey[] {
  const key = look.facts.key;
  if (key === undefined || key.userId === userId) return [];
  const intentId = ports.random.uuid();
  const createdAt = ports.clock.nowMs();
  keys.journal.openKeyIntent({
    ...keys.realm,
    ...{ intentId, deviceId, userId: key.userId },
    ...{ keyIdsBefore: [], expiresAt: 0, createdAt },
  });
  keys.journal.settleKeyIntent(intentId, 'delivering', key.keyId);
  return [{ intentId, userId: key.userId, keyId: key.keyId }];
}

/**
 * Deletes keys of other machine users that this board held, now that its own has proven to work. What a board says of a key
 * proves nothing: a copied card holds the key of the board it was copied from, which may be switched off, and a hostile one
 * may name any key. Only a key of an id that this very board was given, by the station's own record, is deleted; any
 * other stays, and the log tells. Even that one stays while somebody signs in with it: whoever was heard with it lately is
 * listened for, since this board's own agent stopped.
 */
export async function retireReplacedKeys(
  context: EnrollmentContext,
  replaced: readonly ReplacedKey[],
): Promise<void> {
  const { fleet, keys, record, ports, signal } = context;
  const note = (text: string): void => record.log.add({ kind: 'note', stepId: 'heartbeat', text });
  for (const { intentId, userId, keyId } of replaced) {
    if (fleet === undefined) {
      // This board needs it no more, but nothing tells whether the one it was copied from does.
      keys.journal.settleKeyIntent(intentId, 'delivered');
      note(`key ${keyId} of machine user ${userId}, which the device held before, is left alone`);
      continue;
    }
    const formerId = await formerIdWith(context, userId);
    if (formerId === undefined) {
      keys.journal.settleKeyIntent(intentId, 'delivered');
      note(
        `key ${keyId} of machine user ${userId}, which the device held before, stays: this station did not give it to this board. Decommission the id it belongs to where no board needs it`,
      );
      continue;
    }
    const isWithIt = (heartbeat: Heartbeat): boolean => heartbeat.keyId === keyId;
    const waitMs = mayBeAliveForMs(fleet.heardWith(keyId), ports.clock);
    if (waitMs > 0) note(`listening whether another board signs in with key ${keyId}`);
    const other = waitMs > 0 ? await fleet.listen(isWithIt, waitMs, signal) : undefined;
    if (other !== undefined) {
      keys.journal.settleKeyIntent(intentId, 'delivered');
      note(`key ${keyId} of machine user ${userId} stays: ${other.deviceId} signs in with it`);
      continue;
    }
    try {
      await keys.identity.deleteKey(userId, keyId, signal);
      keys.journal.settleKeyIntent(intentId, 'deleted');
      note(`key ${keyId} of machine user ${userId}, which the device held before, deleted`);
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof EnrollmentError)) throw thrown;
      keys.logger.log('warn', 'replaced-key-not-deleted', { userId, keyId, error: String(thrown) });
      note(
        `key ${keyId} of machine user ${userId} could not be deleted yet; the next enrollment tries again`,
      );
    }
  }
}

/**
 * The id this board was given before, by the station's record, whose machine user this is; undefined where there is none. A
 * serial number is what the board says of itself, so its host key, which it has to hold, must be the same too.
 */
async function formerIdWith(
  { deviceId, identity, keys, look, session, signal }: EnrollmentContext,
  userId: string,
): Promise<DeviceId | undefined> {
  const serial = knownSerial(look.facts);
  if (serial === undefined) return undefined;
  for (const id of keys.journal.idsOfSerial(keys.realm, serial)) {
    const former = parseDeviceId(id);
    if (id === deviceId || !former.ok) continue;
    const { hostKey } = keys.journal.boardOf(keys.realm, id) ?? {};
    if (hostKey !== session.hostKeyFingerprint) continue;
    const user = await identity.findMachineUser(former.id, signal);
    if (user?.userId === userId) return former.id;
  }
  return undefined;
}

/** How long silence must last until whoever was heard is not alive any more; 0 when that is so already. */
function mayBeAliveForMs(heard: Heard | undefined, clock: Clock): number {
  if (heard === undefined) return 0;
  if (heard.isNew) return heard.heardAtMs + ALIVE_FOR_MS - clock.monotonicMs();
  return Math.abs(clock.nowMs() - heard.heartbeat.receivedAt) <= ALIVE_FOR_MS ? ALIVE_FOR_MS : 0;
}
