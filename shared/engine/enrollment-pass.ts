import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Architecture } from '../model/facts.ts';
import { formatAddress } from '../model/target.ts';
import { deviceChanges, type PlannedStep, planEnrollment } from '../plan/plan-enrollment.ts';
import { requireClock, requireRoom, requireSupported } from '../plan/preconditions.ts';
import { putOnRecord } from './board-on-record.ts';
import { awaitHeartbeat, verify } from './confirm-enrollment.ts';
import { desiredState, keyIdsToRenew, liveKeyIds } from './desired-state.ts';
import type { EnrollmentContext, EnrollmentInput } from './enrollment-context.ts';
import type { HeartbeatBaseline } from './fleet.ts';
import { requireIdIsFree, type TakenOver } from './id-in-use.ts';
import { keyRealmOf } from './key-realm.ts';
import type { Look } from './look-at-device.ts';
import { lookWhenFree } from './look-when-free.ts';
import {
  type MachineKeysContext,
  type PendingKey,
  retireOldKeys,
  settleEarlierIntents,
} from './machine-keys.ts';
import { performPlan } from './perform-plan.ts';
import type { AgentBinary, DeviceAccount, DeviceSession, KeyIntent, MachineKeyEntry } from './ports.ts';
import { isProvenByLogin } from './prove-key.ts';
import { rememberReplacedKey, replaceableKeyIds, retireReplacedKeys } from './replaced-key.ts';
import { requireReady } from './require-ready.ts';
import { settleDevice } from './settle-device.ts';
import { shutOut } from './take-over.ts';

/** What an enrollment keeps from one pass to the next. */
export interface EnrollmentMemory {
  look: Look | undefined;
  userId: string | undefined;
  /** Where the heartbeats stood before this enrollment changed anything. */
  heartbeats: HeartbeatBaseline | undefined;
  /** A pass has restarted the agent, or may have. */
  restarted: boolean;
  /** Good keys that are replaced all the same: chosen by the first pass, so that a later one keeps what that has minted. */
  renewedKeyIds: readonly string[] | undefined;
  /** What this board takes the id from. */
  takenOver: TakenOver | undefined;
}

/** The memory of an enrollment that begins. */
export function emptyMemory(): EnrollmentMemory {
  return {
    ...{ look: undefined, userId: undefined, heartbeats: undefined, restarted: false },
    ...{ renewedKeyIds: undefined, takenOver: undefined },
  };
}

/**
 * One pass over a device on one connection: look, plan, perform what is missing, verify, wait for the heartbeat.
 * A pass that was cut off is followed by another one that begins the same way; steps that are done stay done.
 * @throws {EnrollmentError} for everything that goes wrong, or the signal's reason when it is aborted
 */
export async function takePass(
  input: EnrollmentInput,
  session: DeviceSession,
  binaries: (architecture: Architecture) => Promise<AgentBinary>,
  memory: EnrollmentMemory,
  seen: (look: Look) => void,
): Promise<void> {
  const { ports, record, boards, deviceId } = input;
  const looking = { ...input, session, clock: ports.clock, random: ports.random };
  const look = await settleDevice(looking, await lookWhenFree(looking), input.setClock);
  const { facts } = look;
  record.setFacts(facts);
  requireSameMachine(input, memory.look, look);
  memory.look = look;
  seen(look);
  boards.claim(deviceId, session.hostKeyFingerprint, facts);
  const architecture = requireSupported(facts);
  requireClock(facts);
  const binary = await binaries(architecture);
  requireReady(input, facts, binary);
  if (record.step('connect').state === 'running') record.finishStep('connect', 'done');

  const { identity, profile } = input;
  const keyValidForDays = profile.identity.key_valid_for_days;
  const keys: MachineKeysContext = { ...ports, identity, realm: keyRealmOf(profile), keyValidForDays };
  await performAll({ ...input, session, look, keys }, binary, memory);
}

/** The address may have gone to another board of the same image, whose host key is the same. */
function requireSameMachine({ target }: EnrollmentInput, before: Look | undefined, now: Look): void {
  const [expected, actual] = [before?.facts.machineId, now.facts.machineId];
  if (expected === undefined || actual === undefined || expected === actual) return;
  const details = { address: formatAddress(target), expected, actual };
  const evidence = `Machine id before: ${expected}\nNow: ${actual}`;
  throw new EnrollmentError('DEVICE_NOT_THE_SAME', {
    details,
    evidence,
    phase: 'connect',
    stepId: 'connect',
  });
}

async function performAll(
  context: EnrollmentContext,
  binary: AgentBinary,
  memory: EnrollmentMemory,
): Promise<void> {
  const { deviceId, fleet, identity, keys, look, ports, record, signal } = context;
  const account = memory.userId === undefined ? await identityStep(context, memory) : undefined;
  const userId = memory.userId ?? account?.userId ?? '';
  memory.userId = userId;
  const unretired = await settleEarlierIntents(keys, deviceId, look.facts, userId);
  // A user made just now holds no key; one call less for every new device.
  const known = account?.created === true ? [] : await identity.listKeys(userId, signal);
  const keyIdsBefore = replaceableKeyIds(known, look.facts.key, userId);
  memory.renewedKeyIds ??= chooseRenewed(context, memory.takenOver, known, keyIdsBefore);
  const renewed = memory.renewedKeyIds;
  const liveIds = liveKeyIds(known, ports.clock.nowMs()).filter((keyId) => !renewed.includes(keyId));
  record.setKey(known.find((key) => key.keyId === look.facts.key?.keyId));
  const desired = desiredState(context, {
    ...{ binary, userId, liveKeyIds: liveIds, keyIdsBefore, watchesHeartbeats: fleet !== undefined },
  });
  const plan = planEnrollment(look.facts, desired);
  showPlan(context, plan);
  requireRoom(look.facts, deviceChanges(plan), binary);
  memory.heartbeats ??= await fleet?.baseline(deviceId, signal);
  memory.restarted ||= deviceChanges(plan).includes('unit');
  const replaced = [...unretired.replaced, ...(delivers(plan) ? rememberReplacedKey(context, userId) : [])];
  const pending = await performPlan(context, plan, desired, binary);
  if (pending !== undefined) {
    const { key, expiresAt } = pending;
    const born = 'publicBase64' in key ? 'device' : 'provider';
    record.setKey({ keyId: key.keyId, expiresAt, createdAt: ports.clock.nowMs(), born });
  }
  const expectedKeyId = pending?.key.keyId ?? look.facts.key?.keyId;
  if (deviceChanges(plan).length > 0) {
    await verify(context, pending === undefined ? desired : { ...desired, liveKeyIds: [pending.key.keyId] });
  }
  if (memory.heartbeats !== undefined) {
    const { restarted } = memory;
    await awaitHeartbeat(context, { ...memory.heartbeats, restarted, keyId: expectedKeyId });
  }
  await retireProvenKey(context, pending, expectedKeyId, [
    ...unretired.intents,
    ...(pending === undefined ? [] : [{ ...pending, userId }]),
  ]);
  if (memory.takenOver?.live !== undefined)
    await shutOut(context, memory.takenOver.live, {
      userId,
      keyIds: keyIdsBefore,
      provenKeyId: expectedKeyId,
    });
  await retireReplacedKeys(context, replaced);
}

/**
 * Good keys this enrollment replaces: the operator asked for it, their end is near, or the board came with the card of the
 * one that had its id: then both hold the same key.
 */
function chooseRenewed(
  { profile, ports, record, rotation, look }: EnrollmentContext,
  takenOver: TakenOver | undefined,
  known: readonly MachineKeyEntry[],
  keyIdsBefore: readonly string[],
): readonly string[] {
  if (rotation !== undefined) {
    rotation.replacedKeyIds ??= keyIdsBefore;
    return rotation.replacedKeyIds;
  }
  if (takenOver !== undefined && takenOver.live === undefined) return keyIdsBefore;
  const renewed = keyIdsToRenew(known, profile, ports.clock.nowMs());
  const held = known.find((key) => key.keyId === look.facts.key?.keyId && renewed.includes(key.keyId));
  if (held?.expiresAt !== undefined) {
    const text = `key ${held.keyId} ends on ${new Date(held.expiresAt).toISOString().slice(0, 10)} and is renewed`;
    record.log.add({ kind: 'note', stepId: 'identity', text });
  }
  return renewed;
}

function delivers(plan: readonly PlannedStep[]): boolean {
  return plan.some(
    (step) => step.kind === 'pending' && step.actions.some((action) => action.kind === 'deliver-key'),
  );
}

/** Finds or makes machine user and grant, for an id that no other board has. No key yet. */
async function identityStep(context: EnrollmentContext, memory: EnrollmentMemory): Promise<DeviceAccount> {
  const { record, identity, deviceId, look, signal } = context;
  record.startStep('identity');
  memory.takenOver = await requireIdIsFree(context);
  await identity.requireProject(signal);
  putOnRecord(context);
  // A board without a key was most likely never enrolled.
  const expected = look.facts.key === undefined ? 'new' : 'unknown';
  const account = await identity.ensureAccount(deviceId, expected, signal);
  const { userId, created, granted } = account;
  record.log.add({
    kind: 'note',
    stepId: 'identity',
    text: `machine user ${userId} ${created ? 'created' : 'found'}, grant ${granted ? 'created' : 'found'}`,
  });
  if (created || granted) record.finishStep('identity', 'done');
  else record.settleStep('identity', 'already', 'machine user and grant are there');
  return account;
}

/**
 * The keys go that the device's own replaces, once that has proven to work: by a heartbeat, which was waited for; where
 * the profile names no NATS, by a login. What nothing has proven stays, and the journal remembers it.
 */
async function retireProvenKey(
  context: EnrollmentContext,
  pending: PendingKey | undefined,
  keyId: string | undefined,
  intents: readonly Pick<KeyIntent, 'intentId' | 'userId' | 'keyIdsBefore'>[],
): Promise<void> {
  const { fleet, keys, record, signal } = context;
  const [replacing] = intents.filter(({ keyIdsBefore }) => keyIdsBefore.some((before) => before !== keyId));
  if (keyId === undefined) return;
  const stepId = fleet === undefined ? 'key-config' : 'heartbeat';
  const note = (text: string): void => record.log.add({ kind: 'note', stepId, text });
  const isProven =
    fleet !== undefined ||
    replacing === undefined ||
    (await isProvenByLogin(context, pending, { userId: replacing.userId, keyId }));
  if (!isProven) {
    note(`older keys stay: no heartbeat and no login has proven key ${keyId}`);
    return;
  }
  let count = 0;
  for (const intent of intents) count += await retireOldKeys(keys, intent, keyId, signal);
  if (count > 0) note(`${count} older keys deleted`);
}

/** Settles what has nothing to do. What an earlier pass has done stays done, also what was cut off behind its end. */
function showPlan({ record }: EnrollmentContext, plan: readonly PlannedStep[]): void {
  for (const step of plan) {
    const { state } = record.step(step.id);
    if (step.kind === 'pending') {
      if (state === 'running') record.clearProgress(step.id);
    } else if (state === 'running') record.finishStep(step.id, 'done');
    else if (state !== 'waiting') continue;
    else if (step.kind === 'already') record.settleStep(step.id, 'already', 'already right');
    else record.settleStep(step.id, 'skipped', step.why);
  }
}
