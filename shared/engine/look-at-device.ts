import type { DeviceCommand, ElevationMethod } from '../device/device-command.ts';
import { parseLook } from '../device/facts/parse-facts.ts';
import { lookAsRootCommand, lookCommand } from '../device/look.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { DeviceFacts } from '../model/facts.ts';
import type { Secret } from '../model/secret.ts';
import type { EnrollmentRecord } from './enrollment-record.ts';
import type { Clock, DeviceSession, Random } from './ports.ts';

const LOOK_LIMIT_MS = 60_000;

export interface LookContext {
  readonly session: DeviceSession;
  readonly clock: Clock;
  readonly random: Random;
  readonly record: EnrollmentRecord;
  readonly sudoPassword: Secret | undefined;
  readonly signal: AbortSignal;
}

export interface Look {
  readonly facts: DeviceFacts;
  readonly elevation: ElevationMethod;
}

async function lookOnce(
  context: LookContext,
  command: DeviceCommand,
  nonce: string,
  elevation: ElevationMethod,
) {
  const { session, clock, record, signal } = context;
  const before = clock.nowMs();
  record.countRoundTrip();
  record.log.add({ kind: 'command', stepId: 'connect', text: command.title });
  const result = await session.run(command, { signal, elevation, limitMs: LOOK_LIMIT_MS });
  const stationSeconds = (before + clock.nowMs()) / 2000;
  try {
    return parseLook(result.stdout, nonce, session.loginUser, stationSeconds);
  } catch (thrown) {
    if (!(thrown instanceof EnrollmentError)) throw thrown;
    const evidence = `exit status ${result.exitStatus}\n${result.stderr.slice(0, 2000)}\n${result.stdout.slice(0, 2000)}`;
    throw new EnrollmentError(thrown.code, { details: thrown.details, phase: 'check', evidence });
  }
}

/**
 * The first look: facts, and how commands become root on this device. One round trip; a second one only where
 * sudo asks for its password.
 * @throws DEVICE_SUDO_PASSWORD_NEEDED, DEVICE_SUDO_REFUSED, DEVICE_FACTS_UNREADABLE and what the session throws
 */
export async function lookAtDevice(context: LookContext): Promise<Look> {
  const nonce = context.random.hex(8);
  const first = await lookOnce(context, lookCommand(nonce), nonce, { kind: 'none' });
  if (first.kind === 'facts') {
    return {
      facts: first.facts,
      elevation: first.facts.elevation === 'root' ? { kind: 'none' } : { kind: 'sudo' },
    };
  }
  const details = { user: context.session.loginUser };
  if (first.elevation === 'none')
    throw new EnrollmentError('DEVICE_SUDO_REFUSED', { details, phase: 'check' });
  if (context.sudoPassword === undefined) {
    throw new EnrollmentError('DEVICE_SUDO_PASSWORD_NEEDED', { details, phase: 'check' });
  }
  const elevation: ElevationMethod = { kind: 'sudo-password', password: context.sudoPassword };
  const second = await lookOnce(context, lookAsRootCommand(nonce, 'sudo-password'), nonce, elevation);
  if (second.kind === 'facts') return { facts: second.facts, elevation };
  throw new EnrollmentError('DEVICE_SUDO_REFUSED', { details, phase: 'check' });
}

/** A later look at a device whose way to root is known: one round trip. */
export async function lookAgain(context: LookContext, known: Look): Promise<DeviceFacts> {
  const nonce = context.random.hex(8);
  const { elevation } = known.facts;
  const shown = elevation === 'none' ? 'root' : elevation;
  const look = await lookOnce(context, lookAsRootCommand(nonce, shown), nonce, known.elevation);
  if (look.kind === 'facts') return look.facts;
  throw new EnrollmentError('DEVICE_SUDO_REFUSED', {
    details: { user: context.session.loginUser },
    phase: 'verify',
  });
}
