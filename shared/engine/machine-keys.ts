import { publicKeyPem } from '../device/key-birth.ts';
import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { DeviceFacts } from '../model/facts.ts';
import type {
  Clock,
  IdentityProvider,
  Journal,
  KeyIntent,
  KeyRealm,
  Logger,
  MachineKeyEntry,
  MintedKey,
  Random,
  RegisteredKey,
} from './ports.ts';

/** Time a compensation may take even when the enrollment itself was stopped. */
const COMPENSATION_LIMIT_MS = 20_000;
/** Waits between looks for a key whose id was lost: projections lag by milliseconds to seconds. */
const LOOK_AGAIN_AFTER_MS = [100, 200, 400, 800, 1600, 3200];
/** After this, a key that cannot be found does not exist. */
const SEARCH_LAG_AT_MOST_MS = 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const FAR_FUTURE_DAYS = 20 * 365;
/** Providers may keep an expiry to the second only. */
const EXPIRY_GRAIN_MS = 1000;
/** Refusals: the provider made no key, so there is nothing to look for. */
const refusals = new Set<EnrollmentErrorCode>([
  'IDENTITY_NOT_SIGNED_IN',
  'IDENTITY_SESSION_ENDED',
  'IDENTITY_ROLE_MISSING',
  'IDENTITY_SIGN_IN_NOT_ACCEPTED',
  'IDENTITY_PAUSED',
]);

export interface MachineKeysContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly logger: Logger;
  readonly identity: IdentityProvider;
  readonly realm: KeyRealm;
  /** Validity of new keys; far in the future where the profile names none. */
  readonly keyValidForDays?: number | undefined;
}

/** A registered key with its public half as the device told it: DER in base64. */
export interface BornKey extends RegisteredKey {
  /** What its pair is called on the device: the id of its journal entry. */
  readonly pair: string;
  readonly publicBase64: string;
}

/** A new key together with its journal entry. */
export interface PendingKey<Key extends MintedKey | BornKey = MintedKey | BornKey> {
  readonly intentId: string;
  readonly key: Key;
  readonly keyIdsBefore: readonly string[];
  readonly expiresAt: number;
}

function compensationSignal(clock: Clock): { readonly signal: AbortSignal; readonly done: () => void } {
  const controller = new AbortController();
  const cancel = clock.after(COMPENSATION_LIMIT_MS, () =>
    controller.abort(
      new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } }),
    ),
  );
  return { signal: controller.signal, done: cancel };
}

/**
 * Mints a key with the intent on disk before the call. A reply that got lost leaves a live key nobody holds:
 * whatever is new then is deleted at once, or at the next start if that fails too.
 * @throws STATION_JOURNAL_FAILED before anything happened, or what the provider answered
 */
export async function mintKey(
  context: MachineKeysContext,
  deviceId: string,
  userId: string,
  keyIdsBefore: readonly string[],
  signal: AbortSignal,
): Promise<PendingKey<MintedKey>> {
  const intentId = context.random.uuid();
  const pending = await obtainKey(context, { intentId, deviceId, userId, keyIdsBefore }, (expiresAt) =>
    context.identity.mintKey(userId, expiresAt, signal),
  );
  if (pending === undefined) throw new Error('A provider that mints gives a key.');
  return pending;
}

/**
 * Registers the public half of a key that was born on the device, in the same way. Undefined where the provider does
 * not take one.
 * @param of `intentId`: what the pair is called on the device
 */
export async function registerKey(
  context: MachineKeysContext,
  of: KeyOwner,
  publicBase64: string,
  signal: AbortSignal,
): Promise<PendingKey<BornKey> | undefined> {
  const pem = publicKeyPem(publicBase64);
  return obtainKey(context, of, async (expiresAt) => {
    const key = await context.identity.registerKey(of.userId, pem, expiresAt, signal);
    return key === undefined ? undefined : { ...key, pair: of.intentId, publicBase64 };
  });
}

/** Whose key it will be, and under which journal entry. */
type KeyOwner = Pick<KeyIntent, 'intentId' | 'deviceId' | 'userId' | 'keyIdsBefore'>;

async function obtainKey<Key extends MintedKey | BornKey>(
  context: MachineKeysContext,
  of: KeyOwner,
  obtain: (expiresAt: number) => Promise<Key | undefined>,
): Promise<PendingKey<Key> | undefined> {
  const { realm, clock, journal, random } = context;
  const { intentId } = of;
  const createdAt = clock.nowMs();
  // A little earlier than promised, by chance, a day at most: no two keys of a user share their expiry.
  const validForMs = (context.keyValidForDays ?? FAR_FUTURE_DAYS) * DAY_MS;
  const earlierMs = random.fraction() * Math.min(DAY_MS, validForMs / 50);
  const expiresAt = Math.round(createdAt + validForMs - earlierMs);
  const intent = { ...of, ...realm, expiresAt, createdAt };
  journal.openKeyIntent(intent);
  try {
    const key = await obtain(expiresAt);
    journal.settleKeyIntent(intentId, key === undefined ? 'deleted' : 'minted', key?.keyId);
    return key === undefined ? undefined : { intentId, key, keyIdsBefore: of.keyIdsBefore, expiresAt };
  } catch (thrown) {
    if (thrown instanceof EnrollmentError && refusals.has(thrown.code)) {
      journal.settleKeyIntent(intentId, 'deleted');
      throw thrown;
    }
    await compensate(context, { ...intent, keyId: undefined, state: 'minting' });
    throw thrown;
  }
}

/** What became of an intent: whether its journal entry is closed, and how many keys had to go. */
export interface Compensation {
  readonly settled: boolean;
  readonly deleted: number;
}

/**
 * Deletes what an unfinished intent may have left alive. A key whose id never reached us is told
 * by the expiry it was asked for: a key of another station is never taken for it. Searches lag behind writes, so it is looked for more than once, and an entry that nothing was found
 * for stays open until it is old enough to be believed.
 * @param held the key the device was seen to hold, which is never deleted
 */
export async function compensate(
  context: MachineKeysContext,
  intent: KeyIntent,
  held?: string,
): Promise<Compensation> {
  const { clock, journal, logger, identity } = context;
  const { deviceId, userId } = intent;
  const limit = compensationSignal(clock);
  try {
    const orphans =
      intent.keyId === undefined
        ? await lookForOrphans(context, intent, held, limit.signal)
        : [intent.keyId].filter((keyId) => keyId !== held);
    for (const keyId of orphans) await identity.deleteKey(userId, keyId, limit.signal);
    const isCertain = orphans.length > 0 || clock.nowMs() - intent.createdAt > SEARCH_LAG_AT_MOST_MS;
    if (isCertain) journal.settleKeyIntent(intent.intentId, 'deleted');
    logger.log('info', 'undelivered-keys', { deviceId, deleted: orphans.length, settled: isCertain });
    return { settled: isCertain, deleted: orphans.length };
  } catch (thrown) {
    logger.log('warn', 'undelivered-key-kept-in-journal', { deviceId, error: String(thrown) });
    return { settled: false, deleted: 0 };
  } finally {
    limit.done();
  }
}

async function lookForOrphans(
  { clock, identity }: MachineKeysContext,
  intent: KeyIntent,
  held: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  for (const waitMs of [0, ...LOOK_AGAIN_AFTER_MS]) {
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    const orphans = orphansOf(intent, await identity.listKeys(intent.userId, signal), held);
    if (orphans.length > 0) return orphans;
  }
  return [];
}

/**
 * Keys an intent may have left alive, among those the provider knows: its own, or, where the reply never came, what is
 * new since and expires when it was asked to. Never the key the device holds.
 */
export function orphansOf(
  { keyId, keyIdsBefore, expiresAt }: KeyIntent,
  keys: readonly MachineKeyEntry[],
  held: string | undefined,
): string[] {
  const candidates = keys.filter((key) => key.keyId !== held);
  const orphans =
    keyId !== undefined
      ? candidates.filter((key) => key.keyId === keyId)
      : candidates
          .filter((key) => !keyIdsBefore.includes(key.keyId))
          .filter(
            (key) => key.expiresAt !== undefined && Math.abs(key.expiresAt - expiresAt) < EXPIRY_GRAIN_MS,
          );
  return orphans.map((key) => key.keyId);
}

/** What earlier enrollments of a device left open, to be retired once the key it holds has proven to work. */
export interface Unretired {
  /** Intents of the key the device holds: the keys that one replaces. */
  readonly intents: readonly KeyIntent[];
  /** Keys of other machine users that the device held before. */
  readonly replaced: readonly {
    readonly intentId: string;
    readonly userId: string;
    readonly keyId: string;
  }[];
}

/**
 * Settles what earlier enrollments of this device left open, now that the device itself has told which key it
 * holds: the key it holds was delivered, any other was not.
 * @param userId this device's machine user; a key of another one is deleted only once the new key has proven to work
 */
export async function settleEarlierIntents(
  context: MachineKeysContext,
  deviceId: string,
  facts: DeviceFacts,
  userId: string,
): Promise<Unretired> {
  const held = facts.key?.keyId;
  const intents: KeyIntent[] = [];
  const replaced: Unretired['replaced'][number][] = [];
  for (const intent of context.journal.unsettledKeyIntents(context.realm)) {
    if (intent.deviceId !== deviceId) continue;
    const { intentId, keyId } = intent;
    if (held !== undefined && keyId === held) {
      if (intent.keyIdsBefore.length > 0) intents.push(intent);
      else context.journal.settleKeyIntent(intentId, 'delivered');
    } else if (intent.userId !== userId && keyId !== undefined && intent.state === 'delivering') {
      replaced.push({ intentId, userId: intent.userId, keyId });
    } else await compensate(context, intent, held);
  }
  return { intents, replaced };
}

/**
 * Deletes the keys the device had before, once the new one has proven to work, and settles the intent. By list,
 * never "all but mine": another station may have given the device a newer key meanwhile. What cannot be deleted
 * is reported, and the intent stays open, so that the next enrollment of the device tries again.
 */
export async function retireOldKeys(
  context: MachineKeysContext,
  intent: Pick<KeyIntent, 'intentId' | 'userId' | 'keyIdsBefore'>,
  keyId: string,
  signal: AbortSignal,
): Promise<number> {
  const deleted = await deleteAll(
    context,
    intent.userId,
    intent.keyIdsBefore.filter((before) => before !== keyId),
    signal,
  );
  if (deleted.complete) context.journal.settleKeyIntent(intent.intentId, 'delivered');
  return deleted.count;
}

async function deleteAll(
  context: MachineKeysContext,
  userId: string,
  keyIds: readonly string[],
  signal: AbortSignal,
): Promise<{ count: number; complete: boolean }> {
  let deleted = 0;
  for (const keyId of keyIds) {
    try {
      await context.identity.deleteKey(userId, keyId, signal);
      deleted += 1;
    } catch (thrown) {
      context.logger.log('warn', 'old-key-not-deleted', { userId, keyId, error: String(thrown) });
    }
  }
  return { count: deleted, complete: deleted === keyIds.length };
}

/**
 * At start and after sign-in: deletes keys that were minted but never handed to a device. Keys whose delivery
 * was cut off are left alone, because the device may hold them; the next enrollment of that device settles them.
 */
export async function recoverKeys(
  context: MachineKeysContext,
): Promise<{ deleted: number; undecided: number }> {
  const intents = context.journal.unsettledKeyIntents(context.realm);
  const left = intents.filter(({ state }) => state !== 'delivering');
  const undecided = intents.length - left.length;
  let deleted = 0;
  if (left.length > 0 && (await seesProject(context)))
    for (const intent of left) deleted += (await compensate(context, intent)).deleted;
  return { deleted, undecided };
}

/**
 * Whether this sign-in acts where the keys were made. A profile that names no organisation is used in that of whoever has
 * signed in, and in another one every key looks deleted.
 */
async function seesProject({ clock, identity, logger }: MachineKeysContext): Promise<boolean> {
  const limit = compensationSignal(clock);
  try {
    await identity.requireProject(limit.signal);
    return true;
  } catch (thrown) {
    logger.log('warn', 'undelivered-keys-not-looked-for', { error: describeThrown(thrown) });
    return false;
  } finally {
    limit.done();
  }
}
