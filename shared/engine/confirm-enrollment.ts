import { readAgentJournal } from '../device/unit-commands.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText } from '../model/duration-text.ts';
import { formatAddress } from '../model/target.ts';
import { deviceChanges, planEnrollment } from '../plan/plan-enrollment.ts';
import type { Desired } from '../steps/define-step.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import type { ExpectedHeartbeat } from './fleet.ts';
import { lookAgain } from './look-at-device.ts';

const JOURNAL_LIMIT_MS = 20_000;
const JOURNAL_LINES = 12;

/** A second look after changes: green only from a fact checked after the act. */
export async function verify(context: EnrollmentContext, desired: Desired): Promise<void> {
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

/** Waits for the first heartbeat of this enrollment. */
export async function awaitHeartbeat(
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
