import { agentConfig } from '../device/agent-config.ts';
import { commandFailure } from '../device/command-failure.ts';
import { readAgentJournal, receiveBinary } from '../device/commands.ts';
import { unitFile } from '../device/unit-file.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText, megabytesText } from '../model/duration-text.ts';
import { type Architecture, architectures } from '../model/facts.ts';
import { formatAddress, formatTarget } from '../model/target.ts';
import { deviceChanges, type PlannedStep, planEnrollment } from '../plan/plan-enrollment.ts';
import { requireClock, requireSpace, requireSupported } from '../plan/preconditions.ts';
import { groupIntoTrips } from '../plan/trips.ts';
import type { Desired } from '../steps/define-step.ts';
import type { EnrollmentContext, EnrollmentInput } from './enrollment-context.ts';
import type { ExpectedHeartbeat } from './fleet.ts';
import { type Look, lookAgain, lookAtDevice } from './look-at-device.ts';
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

const UPLOAD_LIMIT_MS = 20 * 60_000;
const JOURNAL_LIMIT_MS = 20_000;
const JOURNAL_LINES = 12;

/**
 * Takes one device through all steps, in order, and leaves its record finished steps only. Safe to repeat: every
 * run begins with a look and does only what is missing.
 * @throws {EnrollmentError} for everything that goes wrong, or the signal's reason when it is aborted
 */
export async function runEnrollment(input: EnrollmentInput): Promise<void> {
  const binaries = await checkStep(input);
  const session = await connectStep(input);
  try {
    const look = await lookAtDevice({
      ...input,
      session,
      clock: input.ports.clock,
      random: input.ports.random,
    });
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

/**
 * Everything that can be checked before the device is touched: the binaries and the sign-in. Files of other
 * architectures than the device's may be wrong without stopping it; that is told once the device is known.
 */
async function checkStep(
  input: EnrollmentInput,
): Promise<(architecture: Architecture) => Promise<AgentBinary>> {
  const { ports, profile, record, signal } = input;
  record.startStep('check');
  await input.tokens.accessToken(signal);
  const open = (architecture: Architecture): Promise<AgentBinary> => {
    const path = profile.agent.binaries[architecture];
    if (path === undefined) {
      const details = { architecture, path: 'the profile names none' };
      throw new EnrollmentError('AGENT_BINARY_MISSING', { details, phase: 'check', stepId: 'check' });
    }
    return ports.binaries.open(path, architecture, signal);
  };
  const named = architectures.filter((architecture) => profile.agent.binaries[architecture] !== undefined);
  const opened = await Promise.allSettled(named.map(async (architecture) => open(architecture)));
  if (!opened.some((result) => result.status === 'fulfilled')) {
    const first = opened[0];
    if (first?.status === 'rejected') throw first.reason;
    const details = { architecture: 'any architecture', path: 'the profile names none' };
    throw new EnrollmentError('AGENT_BINARY_MISSING', { details, phase: 'check', stepId: 'check' });
  }
  record.finishStep('check', 'done');
  return async (architecture) => open(architecture);
}

async function connectStep(input: EnrollmentInput): Promise<DeviceSession> {
  const { ports, record, target, signal } = input;
  record.startStep('connect');
  record.log.add({ kind: 'command', stepId: 'connect', text: `ssh ${formatTarget(target)}` });
  // By address, not by account: another login name is no reason to trust another key.
  const place = formatAddress(target);
  const pinned = ports.journal.hostKey(place);
  const session = await ports.connector.connect(target, {
    credential: input.credential,
    expectedHostKey: pinned,
    signal,
  });
  const fingerprint = session.hostKeyFingerprint;
  record.setHostKey(fingerprint);
  const known = pinned === undefined ? 'first contact, pinned' : 'as pinned';
  record.log.add({ kind: 'note', stepId: 'connect', text: `host key ${fingerprint}, ${known}` });
  try {
    if (pinned === undefined) ports.journal.pinHostKey(place, fingerprint, ports.clock.nowMs());
  } catch (thrown) {
    session.close();
    throw thrown;
  }
  return session;
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
  const nowMs = ports.clock.nowMs();
  const liveKeyIds = (await identity.listKeys(user.userId, signal))
    .filter((key) => key.expiresAt === undefined || key.expiresAt > nowMs)
    .map((key) => key.keyId);
  record.log.add({
    kind: 'note',
    stepId: 'identity',
    text: `machine user ${user.userId} ${user.created ? 'created' : 'found'}, grant ${grant.created ? 'created' : 'found'}, ${liveKeyIds.length} live keys`,
  });
  if (user.created || grant.created) record.finishStep('identity', 'done');
  else record.settleStep('identity', 'already', 'machine user and grant are there');

  const config = agentConfig(profile, input.deviceId, input.labels);
  const desired: Desired = {
    config: { content: config, sha256: ports.sha256(config) },
    unit: { content: unitFile, sha256: ports.sha256(unitFile) },
    binary,
    userId: user.userId,
    liveKeyIds,
    watchesHeartbeats: input.fleet !== undefined,
  };
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

/** A second look after changes: green only from a fact checked after the act. */
async function verify(context: EnrollmentContext, desired: Desired): Promise<void> {
  const { ports, record } = context;
  const facts = await lookAgain({ ...context, clock: ports.clock, random: ports.random }, context.look);
  const [wrong] = deviceChanges(planEnrollment(facts, desired));
  if (wrong === undefined) return;
  if (wrong === 'unit' && facts.unit.enabled && !facts.unit.active)
    throw await agentError(context, 'AGENT_STOPS', {});
  record.log.add({ kind: 'problem', stepId: wrong, text: 'a second look finds this step still to be done' });
  if (record.step(wrong).state !== 'failed') record.finishStep(wrong, 'failed');
  throw new EnrollmentError('STEP_NOT_VERIFIED', {
    details: { step: wrong, problem: 'what was just set is not there' },
    phase: 'verify',
    stepId: wrong,
    subject: context.deviceId,
    evidence: JSON.stringify({ ...facts, serial: undefined }),
  });
}

async function awaitHeartbeat(
  context: EnrollmentContext,
  expected: Omit<ExpectedHeartbeat, 'limitMs' | 'limitText'>,
): Promise<void> {
  const { fleet, profile, record, deviceId, signal } = context;
  const limitMs = (profile.nats?.heartbeat_limit_seconds ?? 90) * 1000;
  record.startStep('heartbeat');
  record.log.add({
    kind: 'note',
    stepId: 'heartbeat',
    text: `waiting for a heartbeat of ${deviceId}, newer than revision ${expected.afterRevision ?? 'the link gives'}`,
  });
  try {
    const limitText = durationText(limitMs);
    const beat = await fleet?.waitFor(deviceId, { ...expected, limitMs, limitText }, signal);
    record.log.add({
      kind: 'exit-ok',
      stepId: 'heartbeat',
      text: `heartbeat seen, revision ${beat?.revision ?? 0}`,
    });
  } catch (thrown) {
    if (!(thrown instanceof EnrollmentError) || thrown.code !== 'AGENT_NO_HEARTBEAT') throw thrown;
    throw await agentError(context, 'AGENT_NO_HEARTBEAT', thrown.details);
  }
  record.finishStep('heartbeat', 'done');
}

/** An error about the agent with its own journal lines: the cause mostly stands there in plain words. */
async function agentError(
  context: EnrollmentContext,
  code: 'AGENT_STOPS' | 'AGENT_NO_HEARTBEAT',
  details: Readonly<Record<string, string | number>>,
): Promise<EnrollmentError> {
  const lines = await readJournalLines(context);
  const last = lines.at(-1);
  const likely = last === undefined ? 'The agent printed nothing.' : `The agent says: ${last}`;
  const stepId = code === 'AGENT_STOPS' ? 'unit' : 'heartbeat';
  return new EnrollmentError(code, {
    details: { ...details, likely },
    phase: 'verify',
    ...{ stepId, subject: context.deviceId, evidence: lines.join('\n') },
  });
}

/** Reading the journal is a help, no step: when it fails too, the log says so and the first error stands. */
async function readJournalLines(context: EnrollmentContext): Promise<readonly string[]> {
  const { session, look, record, signal, target } = context;
  const command = readAgentJournal(JOURNAL_LINES);
  record.log.add({ kind: 'command', text: command.title });
  record.countRoundTrip();
  try {
    const { stdout } = await session.run(command, {
      signal,
      elevation: look.elevation,
      limitMs: JOURNAL_LIMIT_MS,
    });
    const lines = stdout.split('\n').filter((line) => line !== '');
    for (const text of lines) record.log.add({ kind: 'output', text });
    return lines;
  } catch (thrown) {
    const text = `the agent's journal could not be read from ${formatAddress(target)}: ${String(thrown)}`;
    record.log.add({ kind: 'problem', text });
    return [];
  }
}
