import type { Reach } from '../device/probe.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText, megabytesText } from '../model/duration-text.ts';
import type { StepId } from '../model/enrollment.ts';
import { requireClock, requireRoom, requireSupported, requireUnobstructed } from '../plan/preconditions.ts';
import { liveKeyIds } from './desired-state.ts';
import { examine, type Finding, ok, problem, problemOf, unknown } from './doctor-checks.ts';
import type { Patient } from './doctor-input.ts';
import type { AgentBinary } from './ports.ts';

/** A service that begins anew this often is not running, whatever its state says at the moment. */
const MANY_RESTARTS = 3;
/** A heartbeat older than this is no sign of life. Agents beat at least every minute. */
const FRESH_HEARTBEAT_MS = 5 * 60_000;
const ENROLL_AGAIN = 'Enroll it again.';

/** Is the device one that can be enrolled? */
export async function examineDevice(patient: Patient): Promise<Finding[]> {
  const { facts, probe } = patient;
  const system = await examine('system', () => {
    requireSupported(facts);
    requireUnobstructed(facts);
    return facts.osName;
  });
  const clock = await examine('clock', () => {
    requireClock(facts);
    const offset = Math.abs(facts.clockOffsetSeconds);
    return offset < 2 ? 'right' : `off by ${durationText(offset * 1000)}, which is little enough`;
  });
  const { finding: architecture, binary } = await examineBinary(patient);
  return [
    system,
    clock,
    architecture,
    await examineSpace(patient, binary),
    examinePackages(patient),
    probe.aptLockHolder === undefined
      ? ok('apt-lock', 'free')
      : problem(
          'apt-lock',
          `The package system is in use by process ${probe.aptLockHolder}.`,
          'Wait until it has ended; an enrollment waits for it too.',
        ),
  ];
}

async function examineBinary({
  input,
  facts,
}: Patient): Promise<{ readonly finding: Finding; readonly binary: AgentBinary | undefined }> {
  const { ports, profile, signal } = input;
  const { architecture } = facts;
  const path = architecture === undefined ? undefined : profile.agent.binaries[architecture];
  if (architecture === undefined)
    return { finding: unknown('architecture', `No agent is known for ${facts.machine}.`), binary: undefined };
  if (path === undefined && Object.keys(profile.agent.binaries).length === 0) {
    const says = `The device is ${architecture}; no agent binary is named.`;
    return { finding: unknown('architecture', says), binary: undefined };
  }
  try {
    if (path === undefined)
      throw new EnrollmentError('AGENT_BINARY_MISSING', {
        details: { architecture, path: 'the profile names none' },
      });
    const binary = await ports.binaries.open(path, architecture, signal);
    return { finding: ok('architecture', `${architecture}, ${megabytesText(binary.sizeBytes)}`), binary };
  } catch (thrown) {
    if (!(thrown instanceof EnrollmentError)) throw thrown;
    return { finding: problemOf('architecture', thrown), binary: undefined };
  }
}

/** Without a binary its own size is left out; the packages are what needs room. */
async function examineSpace({ facts }: Patient, binary: AgentBinary | undefined): Promise<Finding> {
  return examine('space', () => {
    const steps: StepId[] = [];
    if (facts.missingPackages.length > 0) steps.push('packages');
    if (binary !== undefined && binary.sha256 !== facts.binarySha256) steps.push('binary');
    requireRoom(facts, steps, binary ?? { sizeBytes: 0 });
    return 'enough';
  });
}

function examinePackages({ facts, probe }: Patient): Finding {
  if (probe.brokenPackages !== undefined)
    return problem(
      'packages',
      'An installation on the device was not finished.',
      'Run `dpkg --configure -a` on the device, then enroll it.',
      probe.brokenPackages,
    );
  if (facts.missingPackages.length === 0) return ok('packages', 'all there');
  const says = `${facts.missingPackages.join(', ')} will be installed`;
  const missing = probe.unavailablePackages;
  return missing.length === 0
    ? ok('packages', says)
    : unknown('packages', `${says}; no package source is known yet for ${missing.join(', ')}.`);
}

/** What an earlier enrollment has left. */
export async function examineAgent(patient: Patient): Promise<Finding[]> {
  const { facts, probe, input } = patient;
  const { architecture } = facts;
  const path = architecture === undefined ? undefined : input.profile.agent.binaries[architecture];
  const agent = async (): Promise<Finding> => {
    if (facts.binarySha256 === undefined) return ok('agent', 'not installed yet');
    if (path === undefined || architecture === undefined) return ok('agent', 'installed');
    try {
      const { sha256 } = await input.ports.binaries.open(path, architecture, input.signal);
      return ok(
        'agent',
        sha256 === facts.binarySha256 ? 'as in the profile' : 'another one than in the profile',
      );
    } catch {
      return ok('agent', 'installed'); // What is wrong with our own file is told where it belongs.
    }
  };
  return [await agent(), await examineKey(patient), examineUnit(facts.unitSha256, facts.unit.enabled, probe)];
}

async function examineKey({ facts, input, probe }: Patient): Promise<Finding> {
  const { identity, deviceId, signal, ports } = input;
  const { key } = facts;
  if (key === undefined) {
    return probe.unitState === 'active'
      ? problem('key', 'The agent runs, and there is no machine key it could sign in with.', ENROLL_AGAIN)
      : ok('key', 'none yet');
  }
  if (!key.protectedRight)
    return problem(
      'key',
      'The machine key has other rights than 0640, fleet-agent.',
      `${ENROLL_AGAIN} It is set right.`,
    );
  if (identity === undefined || deviceId === undefined) {
    const why = identity === undefined ? 'nobody is signed in' : 'no device id is named';
    return unknown('key', `key ${key.keyId}; whether it signs in is not known: ${why}.`);
  }
  try {
    const user = await identity.findMachineUser(deviceId, signal);
    if (user === undefined || user.userId !== key.userId)
      return problem(
        'key',
        `The machine key belongs to another account than ${deviceId}.`,
        `${ENROLL_AGAIN} It gets a key of its own.`,
      );
    const live = liveKeyIds(await identity.listKeys(user.userId, signal), ports.clock.nowMs());
    return live.includes(key.keyId)
      ? ok('key', `key ${key.keyId} signs in`)
      : problem(
          'key',
          `The machine key ${key.keyId} was deleted or has expired.`,
          `${ENROLL_AGAIN} It gets a new key.`,
        );
  } catch {
    if (signal.aborted) throw signal.reason;
    // Why not is told under identity, once.
    return unknown('key', `key ${key.keyId}; the identity provider could not be asked.`);
  }
}

function examineUnit(unitSha256: string | undefined, enabled: boolean, probe: Patient['probe']): Finding {
  if (unitSha256 === undefined) return ok('unit', 'not installed yet');
  const last = probe.journalLines.at(-1) ?? 'nothing';
  const evidence = probe.journalLines.join('\n');
  const restarts = probe.unitRestarts ?? 0;
  if (probe.unitState !== 'active' || restarts >= MANY_RESTARTS) {
    const state =
      probe.unitState === 'active' ? `was started ${restarts} times` : `is ${probe.unitState ?? 'not known'}`;
    const error = new EnrollmentError('AGENT_STOPS', {
      details: { likely: `It ${state} and says: ${last}` },
      evidence,
    });
    return problemOf('unit', error);
  }
  if (!enabled) return problem('unit', 'The unit runs, but does not start at the next boot.', ENROLL_AGAIN);
  return ok('unit', 'enabled, running');
}

/** The services of the fleet, seen from here and from the device. */
export async function examineServices(patient: Patient): Promise<Finding[]> {
  return [await examineIdentity(patient), await examineNats(patient)];
}

async function examineIdentity({ input, probe }: Patient): Promise<Finding> {
  const { identity, deviceId, profile, signal } = input;
  if (!input.knowsFleet) return unknown('identity', 'No issuer is named.');
  const reach = probe.reach.get('issuer');
  if (reach?.kind === 'not-reached')
    return problem(
      'identity',
      `The device does not reach ${profile.identity.issuer}.`,
      "Check the device's network and name resolution.",
      reach.why,
    );
  const seen = reach?.kind === 'reached' ? 'reached from the device' : 'not tried from the device';
  if (identity === undefined)
    return unknown('identity', `${seen}; the account is not known: nobody is signed in.`);
  try {
    await identity.requireProject(signal);
    const user = deviceId === undefined ? undefined : await identity.findMachineUser(deviceId, signal);
    if (deviceId === undefined) return ok('identity', `${seen}; no device id is named`);
    if (user === undefined) return ok('identity', `${seen}; no machine user yet`);
    if (!user.hasGrant || !user.hasJwtTokens)
      return problem('identity', 'The machine user lacks its role or its kind of tokens.', ENROLL_AGAIN);
    return ok('identity', `${seen}; machine user ${user.userId} with its role`);
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    return problemOf('identity', thrown);
  }
}

async function examineNats({ input, facts, probe }: Patient): Promise<Finding> {
  const { profile, heartbeatOf, deviceId, ports, signal } = input;
  if (profile.nats === undefined) return unknown('nats', 'The profile names no NATS.');
  const tried = [...probe.reach].filter(([name]) => name.startsWith('nats-')).map(([, reach]) => reach);
  const reached = tried.filter((reach) => reach.kind === 'reached');
  if (tried.length > 0 && reached.length === 0) {
    const urls = (profile.nats.device_urls ?? profile.nats.urls).join(', ');
    return problem(
      'nats',
      `The device does not reach ${urls}.`,
      "Check the device's network, or name other addresses for it in nats.device_urls.",
      tried.map(whyNot).join('\n'),
    );
  }
  const seen = tried.length > 0 ? 'reached from the device' : 'not tried from the device';
  if (heartbeatOf === undefined || deviceId === undefined) {
    const why = heartbeatOf === undefined ? 'nobody is signed in' : 'no device id is named';
    return unknown('nats', `${seen}; heartbeats are not known: ${why}.`);
  }
  try {
    const newest = await heartbeatOf(deviceId);
    if (newest === undefined)
      return facts.unitSha256 === undefined
        ? ok('nats', `${seen}; no heartbeat yet`)
        : noHeartbeat(patientText(deviceId, 'has never sent a heartbeat'), probe);
    const age = ports.clock.nowMs() - newest.receivedAt;
    return age > FRESH_HEARTBEAT_MS
      ? noHeartbeat(patientText(deviceId, `sent its last heartbeat ${durationText(age)} ago`), probe)
      : ok('nats', `${seen}; heartbeat ${durationText(Math.max(0, age))} ago`);
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    return problemOf('nats', thrown);
  }
}

function patientText(deviceId: string, what: string): string {
  return `${deviceId} ${what}.`;
}

function noHeartbeat(says: string, { journalLines }: Patient['probe']): Finding {
  const last = journalLines.at(-1);
  const agent = last === undefined ? '' : ` The agent says: ${last}`;
  return problem(
    'nats',
    `${says}${agent}`,
    'Look at unit and clock above, then enroll it again.',
    journalLines.join('\n'),
  );
}

function whyNot(reach: Reach): string {
  return reach.kind === 'not-reached' ? reach.why : '';
}
