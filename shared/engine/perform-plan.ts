import { commandFailure } from '../device/command-failure.ts';
import { receiveBinary } from '../device/commands.ts';
import { fenced } from '../device/fence.ts';
import { megabytesText } from '../model/duration-text.ts';
import type { PlannedStep } from '../plan/plan-enrollment.ts';
import { groupIntoTrips } from '../plan/trips.ts';
import type { Desired } from '../steps/define-step.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { compensate, mintKey, type PendingKey } from './machine-keys.ts';
import { performCommands } from './perform-commands.ts';
import type { AgentBinary } from './ports.ts';

const UPLOAD_LIMIT_MS = 20 * 60_000;

/** Performs a plan's trips in order. Returns the key that was minted and delivered, if any. */
export async function performPlan(
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
  const { record, session, look, holder, signal } = context;
  const total = megabytesText(binary.sizeBytes);
  record.startStep('binary');
  record.log.add({ kind: 'note', stepId: 'binary', text: `${total} to send, SHA-256 ${binary.sha256}` });
  const command = fenced(receiveBinary(binary.sha256), { holder, epoch: look.facts.epoch });
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
    throw commandFailure('binary', result.exitStatus, `${result.stderr}\n${result.stdout}`);
  record.log.add({ kind: 'exit-ok', stepId: 'binary', text: 'SHA-256 matches, renamed into place' });
  record.finishStep('binary', 'done');
}
