import { commandFailure } from '../device/command-failure.ts';
import { receiveBinary } from '../device/commands.ts';
import { fenced } from '../device/fence.ts';
import { megabytesText } from '../model/duration-text.ts';
import type { PlannedStep } from '../plan/plan-enrollment.ts';
import { groupIntoTrips } from '../plan/trips.ts';
import type { Desired } from '../steps/define-step.ts';
import { uploadLimits } from './device-limits.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { type BornKey, compensate, mintKey, type PendingKey, registerKey } from './machine-keys.ts';
import { performCommands } from './perform-commands.ts';
import type { AgentBinary, LoginProof } from './ports.ts';
import { mintInstead, proveBornKey } from './prove-key.ts';

/** Performs a plan's trips in order. Returns the key that was made and delivered, if any. */
export async function performPlan(
  context: EnrollmentContext,
  plan: readonly PlannedStep[],
  desired: Desired,
  binary: AgentBinary,
): Promise<PendingKey | undefined> {
  const { keys } = context;
  let publicKey: string | undefined;
  let pending: PendingKey | undefined;
  let delivered = false;
  for (const trip of groupIntoTrips(plan)) {
    if (trip.kind === 'upload') await upload(context, binary);
    else if (trip.kind === 'mint-key') pending = await newKey(context, desired, publicKey);
    else if (trip.kind === 'prove-key') {
      if (pending !== undefined && !('file' in pending.key))
        pending = await provenOrMinted(context, desired, pending, pending.key);
    } else if (trip.kind === 'commands') {
      const carries =
        !delivered &&
        trip.segments.some((segment) => segment.parts.some((part) => part.kind === 'receive-key'));
      const carried = carries ? pending : undefined;
      if (carried) keys.journal.settleKeyIntent(carried.intentId, 'delivering', carried.key.keyId);
      await performCommands(context, trip.segments, {
        ...(carried === undefined ? {} : { key: carried.key }),
        onKey: async (delivery) => {
          if (carried === undefined) return;
          delivered = delivery === 'delivered';
          // With older keys alive the entry stays open until they are retired: a run that is cut off before that
          // would leave them for ever.
          if (delivered && carried.keyIdsBefore.length === 0)
            keys.journal.settleKeyIntent(carried.intentId, 'delivered', carried.key.keyId);
          else if (delivery === 'not-delivered') await takeBackKey(context, carried, desired.userId);
        },
        collect: (line) => {
          if (line.kind === 'public-key') publicKey = line.base64;
        },
      });
    }
  }
  return pending;
}

/** The key the device made, registered; or a minted one, where it made none or the provider does not take it. */
async function newKey(
  context: EnrollmentContext,
  { userId, keyIdsBefore, bornPair }: Desired,
  publicKey: string | undefined,
): Promise<PendingKey> {
  const { deviceId, keys, record, signal } = context;
  const note = (text: string): void => record.log.add({ kind: 'note', stepId: 'key-config', text });
  record.startStep('key-config');
  if (publicKey !== undefined && bornPair !== undefined) {
    note("registering the device's own key");
    const of = { intentId: bornPair, deviceId, userId, keyIdsBefore };
    const registered = await registerKey(keys, of, publicKey, signal);
    if (registered !== undefined) return registered;
    note('the identity provider takes no public keys');
  }
  note('minting a machine key');
  return mintKey(keys, deviceId, userId, keyIdsBefore, signal);
}

/** The key the device made, once it has logged in; otherwise it is deleted, and one is minted. */
async function provenOrMinted(
  context: EnrollmentContext,
  desired: Desired,
  pending: PendingKey,
  key: BornKey,
): Promise<PendingKey> {
  let proof: LoginProof;
  try {
    proof = await proveBornKey(context, key);
  } catch (thrown) {
    await takeBackKey(context, pending, key.userId);
    throw thrown;
  }
  if (proof === 'logs-in') return pending;
  await takeBackKey(context, pending, key.userId);
  return mintInstead(context, desired, proof);
}

/**
 * Deletes a key that the device certainly does not hold. The entry says so first: what cannot be deleted now is left to the
 * recovery, which never touches a key that is on its way to a device.
 */
async function takeBackKey(context: EnrollmentContext, pending: PendingKey, userId: string): Promise<void> {
  const { keys, record, deviceId } = context;
  try {
    keys.journal.settleKeyIntent(pending.intentId, 'minted', pending.key.keyId);
  } catch (thrown) {
    // The key goes all the same; where that fails too, the device's next enrollment settles the entry.
    keys.logger.log('error', 'key-not-recorded-as-undelivered', { deviceId, error: String(thrown) });
  }
  const { settled } = await compensate(keys, {
    ...keys.realm,
    ...{ intentId: pending.intentId, deviceId, userId },
    ...{
      keyIdsBefore: pending.keyIdsBefore,
      keyId: pending.key.keyId,
      state: 'minted',
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
  const { record, session, look, holder, signal } = context;
  const total = megabytesText(binary.sizeBytes);
  record.startStep('binary');
  record.log.add({ kind: 'note', stepId: 'binary', text: `${total} to send, SHA-256 ${binary.sha256}` });
  const command = fenced(receiveBinary(binary.sha256), { holder, epoch: look.facts.epoch });
  record.log.add({ kind: 'command', stepId: 'binary', text: command.title });
  const result = await session.upload(command, binary, {
    signal,
    elevation: look.elevation,
    ...uploadLimits(binary.sizeBytes),
    onProgress: (sent) => {
      const text = `${(sent / 1_000_000).toFixed(1)} / ${total}`;
      record.progress('binary', { text, done: sent, total: binary.sizeBytes });
    },
  });
  if (result.exitStatus !== 0)
    throw commandFailure('binary', result.exitStatus, `${result.stderr}\n${result.stdout}`);
  record.log.add({ kind: 'exit-ok', stepId: 'binary', text: 'SHA-256 matches, renamed into place' });
  record.finishStep('binary', 'done');
}
