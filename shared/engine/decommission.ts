import { commandFailure } from '../device/command-failure.ts';
import { EXIT_OTHER_ID } from '../device/exit-status.ts';
import { fenced } from '../device/fence.ts';
import { parseTripLine } from '../device/fragment.ts';
import { removeAgent } from '../device/removal-commands.ts';
import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { machineUserName } from '../model/device-id.ts';
import type { DecommissionFinding } from '../model/station-state.ts';
import { requireUnobstructed } from '../plan/preconditions.ts';
import type { EnrollmentInput } from './enrollment-context.ts';
import { keyRealmOf } from './key-realm.ts';
import { asEnrollmentError } from './limits.ts';
import { lookWhenFree } from './look-when-free.ts';
import type { KeyIntent } from './ports.ts';
import { connectStep } from './reach-device.ts';

const REMOVE_LIMIT_MS = 3 * 60_000;

export interface DecommissionInput
  extends Pick<
    EnrollmentInput,
    | 'ports'
    | 'profile'
    | 'deviceId'
    | 'identity'
    | 'tokens'
    | 'fleet'
    | 'holder'
    | 'record'
    | 'signal'
    | 'sudoPassword'
    | 'credential'
  > {
  /** Where the agent is taken off; undefined: nothing is done on the device. */
  readonly target: EnrollmentInput['target'] | undefined;
  /** Delete the agent's user account too. */
  readonly removeUser: boolean;
  /** Told as soon as it is so. */
  found(finding: DecommissionFinding): void;
}

/**
 * Takes a device out of the fleet. What can sign in goes first: however the run ends, no credential is left that works.
 * Then the agent on the device, then the device's entry among the heartbeats. Safe to repeat; what is gone already is said
 * and no failure. A device or a broker that cannot be reached is a finding, and the rest goes on without it.
 * @throws {EnrollmentError} what stops it before the account is gone, or the signal's reason
 */
export async function decommissionDevice(input: DecommissionInput): Promise<void> {
  await input.tokens.accessToken(input.signal);
  // Where the project is not seen, the account would not be seen either, and count as gone.
  await input.identity.requireProject(input.signal);
  const userId = await removeAccount(input);
  input.ports.journal.releaseId(keyRealmOf(input.profile), input.deviceId);
  await attempt(input, 'device', () => removeFromDevice(input));
  await attempt(input, 'entry', () => removeEntry(input));
  settleIntents(input, userId);
}

/**
 * Keys one by one and before the user: each is written down first, so that a run that is cut off is finished at the next start.
 * @returns the machine user that was removed, or undefined when there was none any more
 */
async function removeAccount(input: DecommissionInput): Promise<string | undefined> {
  const { identity, deviceId, ports, profile, signal, found } = input;
  const name = machineUserName(deviceId);
  const user = await identity.findMachineUser(deviceId, signal);
  if (user === undefined) {
    found({ what: 'keys', state: 'gone', text: 'no keys' });
    found({ what: 'account', state: 'gone', text: `there is no machine user ${name}` });
    return undefined;
  }
  const { userId } = user;
  const { journal, random, clock } = ports;
  const keys = await identity.listKeys(userId, signal);
  const wishes = keys.map(({ keyId, expiresAt = 0 }) => {
    const intentId = random.uuid();
    journal.openKeyIntent({
      ...keyRealmOf(profile),
      ...{ intentId, deviceId, userId, keyIdsBefore: [], expiresAt },
      createdAt: clock.nowMs(),
    });
    // A key that is to have no holder: whoever recovers deletes it.
    journal.settleKeyIntent(intentId, 'minted', keyId);
    return { intentId, keyId };
  });
  for (const { intentId, keyId } of wishes) {
    await identity.deleteKey(userId, keyId, signal);
    journal.settleKeyIntent(intentId, 'deleted', keyId);
  }
  const count = keys.length === 1 ? '1 key' : `${keys.length} keys`;
  if (keys.length === 0) found({ what: 'keys', state: 'gone', text: 'no keys' });
  else
    found({ what: 'keys', state: 'deleted', text: `${count}: ${keys.map((key) => key.keyId).join(', ')}` });
  await identity.deleteMachineUser(userId, signal);
  found({ what: 'account', state: 'deleted', text: `machine user ${name} (${userId}) with its grant` });
  return userId;
}

/** Runs one part; what fails is found, not thrown. */
async function attempt(
  { signal, found, deviceId }: DecommissionInput,
  what: DecommissionFinding['what'],
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const error = toErrorView(asEnrollmentError(thrown).at({ subject: deviceId }));
    found({ what, state: 'failed', text: error.says, error });
  }
}

async function removeFromDevice(input: DecommissionInput): Promise<void> {
  const { target, ports, record, deviceId, holder, signal, found } = input;
  if (target === undefined) {
    found({ what: 'device', state: 'kept', text: 'the device itself is left as it is' });
    return;
  }
  const session = await connectStep({ ...input, target });
  try {
    const looking = { ...input, session, clock: ports.clock, random: ports.random };
    const look = await lookWhenFree(looking);
    requireUnobstructed(look.facts);
    const { unit, key, binarySha256, configSha256, unitSha256 } = look.facts;
    const isThere =
      unit.active || [key, binarySha256, configSha256, unitSha256].some((one) => one !== undefined);
    const nonce = ports.random.hex(8);
    const command = removeAgent(nonce, deviceId, { removeUser: input.removeUser });
    record.countRoundTrip();
    const result = await session.run(fenced(command, { holder, epoch: look.facts.epoch }), {
      ...{ signal, elevation: look.elevation, limitMs: REMOVE_LIMIT_MS },
      onLine: (_stream, raw) => {
        const line = parseTripLine(raw, nonce);
        if (line.kind === 'run') record.log.add({ kind: 'command', stepId: 'unit', text: line.shows });
        else if (line.kind === 'output' && line.text.trim() !== '')
          record.log.add({ kind: 'output', stepId: 'unit', text: line.text });
      },
    });
    const output = `${result.stdout}\n${result.stderr}`;
    if (result.exitStatus === EXIT_OTHER_ID) {
      const actual = /^enrolled as: (.*)$/m.exec(output)?.[1] ?? 'another device';
      throw new EnrollmentError('DEVICE_HAS_OTHER_ID', { details: { actual, deviceId }, phase: 'check' });
    }
    if (result.exitStatus !== 0) throw commandFailure('unit', result.exitStatus, output);
    const user = input.removeUser ? ', its user account too' : '';
    found(
      isThere
        ? { what: 'device', state: 'deleted', text: `agent stopped, its files removed${user}` }
        : { what: 'device', state: 'gone', text: `there was no agent on it${user}` },
    );
  } finally {
    session.close();
  }
}

async function removeEntry({ fleet, tokens, deviceId, signal, found }: DecommissionInput): Promise<void> {
  if (fleet === undefined) {
    found({ what: 'entry', state: 'kept', text: 'the profile names no NATS: heartbeats were not looked at' });
    return;
  }
  // The broker asks for a token too. One that has ended is waited for here, and not taken for a broker that does not answer.
  await tokens.accessToken(signal);
  const wasThere = await fleet.removeEntry(deviceId, signal);
  found(
    wasThere
      ? { what: 'entry', state: 'deleted', text: 'its entry among the heartbeats' }
      : { what: 'entry', state: 'gone', text: 'it has no entry among the heartbeats' },
  );
}

/**
 * What runs of this device have left open is over: its own keys are gone. A key of another account that it held before is not
 * its own to delete, as another board may hold it too; that it stays is told.
 */
function settleIntents(
  { ports, profile, deviceId, found }: DecommissionInput,
  userId: string | undefined,
): void {
  const open = ports.journal
    .unsettledKeyIntents(keyRealmOf(profile))
    .filter((intent) => intent.deviceId === deviceId);
  const isOthers = (intent: KeyIntent): boolean => userId !== undefined && intent.userId !== userId;
  for (const intent of open)
    ports.journal.settleKeyIntent(intent.intentId, isOthers(intent) ? 'delivered' : 'deleted');
  const stay = open
    .filter(isOthers)
    .map((intent) => `key ${intent.keyId ?? 'without an id'} of account ${intent.userId} stays`);
  const count = `${open.length} open journal entries settled`;
  if (open.length === 0) found({ what: 'records', state: 'gone', text: 'nothing was open in the journal' });
  else if (stay.length === 0) found({ what: 'records', state: 'deleted', text: count });
  else
    found({
      what: 'records',
      state: 'kept',
      text: `${count}; ${stay.join(', ')}: another board may hold it`,
    });
}
