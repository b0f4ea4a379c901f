import { commandFailure } from '../device/command-failure.ts';
import { receiveBinary } from '../device/commands.ts';
import { fenced } from '../device/fence.ts';
import { signWithBornKey } from '../device/key-birth.ts';
import { megabytesText } from '../model/duration-text.ts';
import type { PlannedStep } from '../plan/plan-enrollment.ts';
import { groupIntoTrips } from '../plan/trips.ts';
import type { Desired } from '../steps/define-step.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { compensate, mintKey, type PendingKey, registerKey } from './machine-keys.ts';
import { performCommands } from './perform-commands.ts';
import type { AgentBinary, RegisteredKey } from './ports.ts';

const UPLOAD_LIMIT_MS = 20 * 60_000;

/** Performs a plan's trips in order. Returns the key that was made and delivered, if any. */
export async function performPlan(
  context: EnrollmentContext,
  plan: readonly PlannedStep[],
  desired: Desired,
  binary: AgentBinary,
): Promise<PendingKey | undefined> {
  const { keys, signal } = context;
  let publicKey: string | undefined;
  let pending: PendingKey | undefined;
  let delivered = false;
  for (const trip of groupIntoTrips(plan)) {
    if (trip.kind === 'upload') await upload(context, binary);
    else if (trip.kind === 'mint-key') pending = await newKey(context, desired, publicKey);
    else if (trip.kind === 'prove-key') {
      if (
        pending !== undefined &&
        !('file' in pending.key) &&
        !(await isProven(context, pending, pending.key))
      )
        pending = await mintKey(keys, context.deviceId, desired.userId, desired.keyIdsBefore, signal);
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
          const settled = carried.keyIdsBefore.length === 0 || context.fleet === undefined;
          if (delivered && settled)
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
  { userId, keyIdsBefore }: Desired,
  publicKey: string | undefined,
): Promise<PendingKey> {
  const { deviceId, keys, record, signal } = context;
  const note = (text: string): void => record.log.add({ kind: 'note', stepId: 'key-config', text });
  record.startStep('key-config');
  if (publicKey !== undefined) {
    note("registering the device's own key");
    const of = { deviceId, userId, keyIdsBefore };
    const registered = await registerKey(keys, of, publicKey, signal);
    if (registered !== undefined) return registered;
    note('the identity provider takes no public keys');
  }
  note('minting a machine key');
  return mintKey(keys, deviceId, userId, keyIdsBefore, signal);
}

/**
 * Has the device log in with the key it made, before that takes the place of any other. One that does not log in is
 * deleted: a provider may show a registered key and refuse every login with it (zitadel/zitadel#7948).
 */
async function isProven(
  context: EnrollmentContext,
  pending: PendingKey,
  key: RegisteredKey,
): Promise<boolean> {
  const { identity, record, signal } = context;
  let signature = '';
  try {
    const parts = [{ kind: 'fragment', fragment: signWithBornKey(key.signingInput) } as const];
    await performCommands(context, [{ step: 'key-config', parts, goesOn: true }], {
      collect: (line) => {
        if (line.kind === 'signature') signature = line.base64;
      },
    });
    if (signature !== '' && (await identity.provesLogin(key, signature, signal))) {
      const text = `the device has logged in with key ${key.keyId}, whose private half never left it`;
      record.log.add({ kind: 'note', stepId: 'key-config', text });
      return true;
    }
  } catch (thrown) {
    await takeBackKey(context, pending, key.userId);
    throw thrown;
  }
  const text = `key ${key.keyId} of the device does not log in; one is minted instead`;
  record.log.add({ kind: 'problem', stepId: 'key-config', text });
  await takeBackKey(context, pending, key.userId);
  return false;
}

async function takeBackKey(context: EnrollmentContext, pending: PendingKey, userId: string): Promise<void> {
  const { keys, record, deviceId } = context;
  const { settled } = await compensate(keys, {
    ...{ intentId: pending.intentId, issuer: keys.issuer, deviceId, userId },
    ...{
      keyIdsBefore: pending.keyIdsBefore,
      keyId: pending.key.keyId,
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
