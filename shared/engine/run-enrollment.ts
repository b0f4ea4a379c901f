import { commandFailure } from '../device/command-failure.ts';
import { receiveBinary } from '../device/commands.ts';
import { megabytesText } from '../model/duration-text.ts';
import { deviceChanges, type PlannedStep, planEnrollment } from '../plan/plan-enrollment.ts';
import { requireClock, requireSpace, requireSupported } from '../plan/preconditions.ts';
import { groupIntoTrips } from '../plan/trips.ts';
import type { Desired } from '../steps/define-step.ts';
import { awaitHeartbeat, verify } from './confirm-enrollment.ts';
import { desiredState, liveKeyIds } from './desired-state.ts';
import type { EnrollmentContext, EnrollmentInput } from './enrollment-context.ts';
import { type Look, type LookContext, lookAtDevice } from './look-at-device.ts';
import {
  compensate,
  type MachineKeysContext,
  mintKey,
  type PendingKey,
  retireOldKeys,
  settleEarlierIntents,
} from './machine-keys.ts';
import { performCommands } from './perform-commands.ts';
import type { AgentBinary, DeviceSession, KeyIntent } from './ports.ts';
import { checkStep, connectStep } from './reach-device.ts';
import { settleDevice } from './settle-device.ts';

const UPLOAD_LIMIT_MS = 20 * 60_000;

/**
 * Takes one device through all steps, in order, and leaves its record finished steps only. Safe to repeat: every
 * run begins with a look and does only what is missing.
 * @throws {EnrollmentError} for everything that goes wrong, or the signal's reason when it is aborted
 */
export async function runEnrollment(input: EnrollmentInput): Promise<void> {
  const binaries = await checkStep(input);
  const session = await connectStep(input);
  try {
    const { clock, random } = input.ports;
    const looking: LookContext = { ...input, session, clock, random };
    const look = await settleDevice(looking, await lookAtDevice(looking), input.setClock);
    const { facts } = look;
    input.record.setFacts(facts);
    input.boards.claim(input.deviceId, session.hostKeyFingerprint, facts);
    const architecture = requireSupported(facts);
    requireClock(facts);
    const binary = await binaries(architecture);
    requireSpace(facts, binary);
    input.record.finishStep('connect', 'done');
    await enrollConnected(input, session, look, binary);
  } finally {
    session.close();
  }
}

async function enrollConnected(
  input: EnrollmentInput,
  session: DeviceSession,
  look: Look,
  binary: AgentBinary,
): Promise<void> {
  const { ports, profile, record, identity, signal } = input;
  const { issuer, key_valid_for_days: keyValidForDays } = profile.identity;
  const keys: MachineKeysContext = { ...ports, identity, issuer, keyValidForDays };
  const context: EnrollmentContext = { ...input, session, look, keys };

  record.startStep('identity');
  await identity.requireProject(signal);
  const user = await identity.ensureMachineUser(input.deviceId, signal);
  const grant = await identity.ensureGrant(user.userId, signal);
  const unretired = await settleEarlierIntents(keys, input.deviceId, look.facts);
  const liveIds = liveKeyIds(await identity.listKeys(user.userId, signal), ports.clock.nowMs());
  record.log.add({
    kind: 'note',
    stepId: 'identity',
    text: `machine user ${user.userId} ${user.created ? 'created' : 'found'}, grant ${grant.created ? 'created' : 'found'}, ${liveIds.length} live keys`,
  });
  if (user.created || grant.created) record.finishStep('identity', 'done');
  else record.settleStep('identity', 'already', 'machine user and grant are there');

  const desired = desiredState(input, {
    ...{ binary, userId: user.userId, liveKeyIds: liveIds, watchesHeartbeats: input.fleet !== undefined },
  });
  const plan = planEnrollment(look.facts, desired);
  settleUnchanged(context, plan);
  const heartbeatsBefore = await input.fleet?.baseline(input.deviceId, signal);
  const pending = await performPlan(context, plan, desired, binary);
  const expectedKeyId = pending?.minted.keyId ?? look.facts.key?.keyId;
  if (deviceChanges(plan).length > 0) {
    await verify(
      context,
      pending === undefined ? desired : { ...desired, liveKeyIds: [pending.minted.keyId] },
    );
  }
  if (heartbeatsBefore !== undefined) {
    const restarted = deviceChanges(plan).includes('unit');
    await awaitHeartbeat(context, { ...heartbeatsBefore, restarted, keyId: expectedKeyId });
  }
  await retireProvenKey(context, expectedKeyId, [
    ...unretired,
    ...(pending === undefined ? [] : [{ ...pending, userId: user.userId }]),
  ]);
}

/** The key the device holds has proven to work: the keys it replaces go. Without heartbeats nothing is proven. */
async function retireProvenKey(
  { fleet, keys, record, signal }: EnrollmentContext,
  keyId: string | undefined,
  intents: readonly Pick<KeyIntent, 'intentId' | 'userId' | 'keyIdsBefore'>[],
): Promise<void> {
  if (keyId === undefined) return;
  let count = 0;
  for (const intent of intents) {
    if (fleet === undefined) keys.journal.settleKeyIntent(intent.intentId, 'delivered');
    else count += await retireOldKeys(keys, intent, keyId, signal);
  }
  if (count > 0) record.log.add({ kind: 'note', stepId: 'heartbeat', text: `${count} older keys deleted` });
}

function settleUnchanged({ record }: EnrollmentContext, plan: readonly PlannedStep[]): void {
  for (const step of plan) {
    if (step.kind === 'already') record.settleStep(step.id, 'already', 'already right');
    else if (step.kind === 'skipped') record.settleStep(step.id, 'skipped', step.why);
  }
}

/** Performs a plan's trips in order. Returns the key that was minted and delivered, if any. */
async function performPlan(
  context: EnrollmentContext,
  plan: readonly PlannedStep[],
  desired: Desired,
  binary: AgentBinary,
): Promise<PendingKey | undefined> {
  const { record, keys, signal } = context;
  let pending: PendingKey | undefined;
  let delivered = false;
  for (const trip of groupIntoTrips(plan)) {
    if (trip.kind === 'upload') await upload(context, binary);
    else if (trip.kind === 'mint-key') {
      record.startStep(trip.step);
      record.log.add({ kind: 'note', stepId: trip.step, text: 'minting a machine key' });
      pending = await mintKey(keys, context.deviceId, desired.userId, desired.liveKeyIds, signal);
    } else if (trip.kind === 'commands') {
      const carries =
        !delivered &&
        trip.segments.some((segment) => segment.parts.some((part) => part.kind === 'receive-key'));
      const key = carries ? pending : undefined;
      if (key) keys.journal.settleKeyIntent(key.intentId, 'delivering', key.minted.keyId);
      await performCommands(context, trip.segments, key?.minted, async (delivery) => {
        if (key === undefined) return;
        delivered = delivery === 'delivered';
        // With older keys alive the entry stays open until they are retired: a run that is cut off before that
        // would leave them for ever.
        const settled = key.keyIdsBefore.length === 0 || context.fleet === undefined;
        if (delivered && settled) keys.journal.settleKeyIntent(key.intentId, 'delivered', key.minted.keyId);
        else if (delivery === 'not-delivered') await takeBackKey(context, key, desired.userId);
      });
    }
  }
  return pending;
}

async function takeBackKey(context: EnrollmentContext, key: PendingKey, userId: string): Promise<void> {
  const { keys, record, deviceId } = context;
  const { settled } = await compensate(keys, {
    ...{ intentId: key.intentId, issuer: keys.issuer, deviceId, userId },
    ...{
      keyIdsBefore: key.keyIdsBefore,
      keyId: key.minted.keyId,
      state: 'delivering',
      createdAt: 0,
      expiresAt: 0,
    },
  });
  const text = settled
    ? 'The new key was deleted again.'
    : 'The new key could not be deleted yet; the station will try again.';
  record.log.add({ kind: 'note', stepId: 'key-config', text });
}

async function upload(context: EnrollmentContext, binary: AgentBinary): Promise<void> {
  const { record, session, look, signal } = context;
  const total = megabytesText(binary.sizeBytes);
  record.startStep('binary');
  record.log.add({ kind: 'note', stepId: 'binary', text: `${total} to send, SHA-256 ${binary.sha256}` });
  const command = receiveBinary(binary.sha256);
  record.log.add({ kind: 'command', stepId: 'binary', text: command.title });
  const result = await session.upload(command, binary, {
    signal,
    elevation: look.elevation,
    limitMs: UPLOAD_LIMIT_MS,
    onProgress: (sent) => {
      const text = `${(sent / 1_000_000).toFixed(1)} / ${total}`;
      record.progress('binary', { text, done: sent, total: binary.sizeBytes });
    },
  });
  if (result.exitStatus !== 0)
    throw commandFailure('binary', result.exitStatus, result.stderr || result.stdout);
  record.log.add({ kind: 'exit-ok', stepId: 'binary', text: 'SHA-256 matches, renamed into place' });
  record.finishStep('binary', 'done');
}
