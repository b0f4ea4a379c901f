import { EnrollmentError } from '../errors/enrollment-error.ts';
import { type Architecture, architectures } from '../model/facts.ts';
import { formatTarget } from '../model/target.ts';
import type { EnrollmentInput } from './enrollment-context.ts';
import type { AgentBinary, DeviceSession } from './ports.ts';

/**
 * Everything that can be checked before the device is touched: the binaries and the sign-in. Files of other
 * architectures than the device's may be wrong without stopping it; that is told once the device is known.
 */
export async function checkStep(
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

/** What a connection is opened with. */
export type ConnectInput = Pick<EnrollmentInput, 'ports' | 'record' | 'target' | 'credential' | 'signal'>;

/** Opens the connection; its host key is pinned at first contact. */
export async function connectStep(input: ConnectInput): Promise<DeviceSession> {
  const { ports, record, target, signal } = input;
  record.startStep('connect');
  if (target.kind === 'local') return connectHere(input);
  record.log.add({ kind: 'command', stepId: 'connect', text: `ssh ${formatTarget(target)}` });
  const session = await ports.connector.connect(target, {
    credential: input.credential,
    hostKeys: ports.journal,
    signal,
    onNote: (text) => record.log.add({ kind: 'note', stepId: 'connect', text }),
  });
  if (session.hostKeyFingerprint !== undefined) record.setHostKey(session.hostKeyFingerprint);
  return session;
}

/** This computer has no host key: nobody can stand in between. */
async function connectHere({
  ports,
  record,
  target,
  credential,
  signal,
}: ConnectInput): Promise<DeviceSession> {
  record.log.add({ kind: 'note', stepId: 'connect', text: 'this computer itself, without SSH' });
  return ports.connector.connect(target, { credential, hostKeys: ports.journal, signal });
}
