import { type Endpoint, type ProbeFacts, parseProbe, probeCommand } from '../device/probe.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { formatAddress, formatTarget } from '../model/target.ts';
import { AskedPins } from './asked-pins.ts';
import { DeviceLog } from './device-log.ts';
import {
  checkOf,
  type DoctorCheck,
  doctorChecks,
  type Finding,
  ok,
  problemOf,
  unknown,
} from './doctor-checks.ts';
import { examineAgent, examineDevice, examineServices } from './doctor-findings.ts';
import type { DoctorInput, Patient } from './doctor-input.ts';
import { EnrollmentRecord } from './enrollment-record.ts';
import { type Look, lookAtDevice } from './look-at-device.ts';
import type { DeviceSession } from './ports.ts';

const PROBE_LIMIT_MS = 60_000;

export interface Diagnosis {
  readonly target: string;
  readonly deviceId: string | undefined;
  readonly findings: readonly Finding[];
  readonly problems: number;
}

/**
 * Says what is wrong with a target, without changing anything on it or elsewhere: no host key is pinned, no lock taken,
 * no file written. What depends on something that failed is unknown, with the reason.
 * @throws the signal's reason
 */
export async function diagnose(input: DoctorInput): Promise<Diagnosis> {
  const findings = new Map<DoctorCheck, Finding>();
  const take = (...found: readonly Finding[]): void => {
    for (const finding of found) findings.set(finding.check, finding);
  };
  const connected = await reach(input, take);
  if (connected !== undefined) {
    try {
      const patient = await lookInto(input, connected, take);
      if (patient !== undefined) {
        take(...(await examineDevice(patient)), ...(await examineAgent(patient)));
        take(...(await examineServices(patient)));
      }
    } finally {
      connected.close();
    }
  }
  const first = [...findings.values()].find((finding) => finding.state === 'problem');
  const why = first === undefined ? 'It was not looked at.' : `Not known: ${first.says}`;
  const all = doctorChecks.map((check) => findings.get(check) ?? unknown(check, why));
  return {
    target: formatTarget(input.target),
    deviceId: input.deviceId,
    findings: all,
    problems: all.filter((finding) => finding.state === 'problem').length,
  };
}

/** Connects and logs in. The host key is compared with the pinned one, and a first one is only shown. */
async function reach(
  input: DoctorInput,
  take: (...found: readonly Finding[]) => void,
): Promise<DeviceSession | undefined> {
  const { ports, target, credential, signal } = input;
  const isLocal = target.kind === 'local';
  const hostKeys = new AskedPins(ports.journal);
  try {
    const session = await ports.connector.connect(target, { credential, hostKeys, signal });
    const { hostKeyFingerprint: fingerprint } = session;
    const key = `${fingerprint}, ${hostKeys.targetIsPinned ? 'as pinned' : 'not seen before'}`;
    take(
      ok('connection', isLocal ? 'this computer itself' : `${formatAddress(target)} answers`),
      ok('host-key', fingerprint === undefined ? 'none: nobody can stand in between' : key),
      ok('login', `as ${session.loginUser}`),
    );
    return session;
  } catch (thrown) {
    takeFailure(input, thrown, take);
    return undefined;
  }
}

async function lookInto(
  input: DoctorInput,
  session: DeviceSession,
  take: (...found: readonly Finding[]) => void,
): Promise<Patient | undefined> {
  const { ports, target, signal, sudoPassword } = input;
  const place = { deviceId: input.deviceId ?? '', position: 1, target: '', address: formatAddress(target) };
  const log = new DeviceLog(ports.clock, () => undefined);
  const record = new EnrollmentRecord({ clock: ports.clock, log, publish: () => undefined }, place);
  try {
    const { clock, random } = ports;
    const look = await lookAtDevice({ session, clock, random, record, sudoPassword, signal });
    take(ok('sudo', rootText(look)));
    return { input, facts: look.facts, probe: await probe(input, session, look) };
  } catch (thrown) {
    takeFailure(input, thrown, take);
    return undefined;
  }
}

function rootText({ facts }: Look): string {
  if (facts.elevation === 'root') return 'the login is root';
  return facts.elevation === 'sudo' ? 'sudo, without a password' : 'sudo, with the password';
}

async function probe(input: DoctorInput, session: DeviceSession, look: Look): Promise<ProbeFacts> {
  const nonce = input.ports.random.hex(8);
  const packages = look.facts.missingPackages;
  const command = probeCommand(nonce, { packages, endpoints: endpointsOf(input) });
  const { elevation } = look;
  const result = await session.run(command, { signal: input.signal, elevation, limitMs: PROBE_LIMIT_MS });
  return parseProbe(result.stdout, nonce);
}

/** The servers the agent talks to. */
export function endpointsOf({ profile, knowsFleet }: DoctorInput): Endpoint[] {
  const { identity, nats } = profile;
  const defaultPort = new URL(identity.issuer).protocol === 'http:' ? 80 : 443;
  const urls = nats?.device_urls ?? nats?.urls ?? [];
  return [
    ...(knowsFleet ? [endpoint('issuer', identity.issuer, defaultPort)] : []),
    ...urls.map((url, index) => endpoint(`nats-${index + 1}`, url, 4222)),
  ];
}

function endpoint(name: string, url: string, defaultPort: number): Endpoint {
  const { hostname, port } = new URL(url);
  return { name, host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) };
}

/** The problem itself, and what must have been right for it to show. */
function takeFailure(
  { target, signal }: DoctorInput,
  thrown: unknown,
  take: (...found: readonly Finding[]) => void,
): void {
  if (signal.aborted) throw signal.reason;
  if (!(thrown instanceof EnrollmentError)) throw thrown;
  const failed = checkOf(thrown);
  if (['host-key', 'login'].includes(failed)) take(ok('connection', `${formatAddress(target)} answers`));
  take(problemOf(failed, thrown));
}
