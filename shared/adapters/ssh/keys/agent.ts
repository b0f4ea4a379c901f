import ssh2, { type BaseAgent, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import type { Clock } from '../../../engine/ports.ts';
import { describeThrown, EnrollmentError } from '../../../errors/enrollment-error.ts';
import { printable } from '../../../model/printable.ts';

/** An agent that shows what it holds answers at once; asking a person comes later, with the signature. */
const LIST_LIMIT_MS = 5000;
/** Where Windows' own OpenSSH agent listens. */
const WINDOWS_PIPE = '\\\\.\\pipe\\openssh-ssh-agent';

/** One key of an agent, as ssh2 takes it: an agent that holds this key and nothing else. */
export interface AgentKey {
  readonly publicBlob: Buffer;
  readonly name: string;
  readonly agent: BaseAgent;
}

/** Shows ssh2 one key of an agent. Never an agent for forwarding: it gives no stream. */
class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent;
  readonly #key: ParsedKey;

  constructor(agent: BaseAgent, key: ParsedKey) {
    super();
    this.#agent = agent;
    this.#key = key;
  }

  override getIdentities(callback: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    callback(null, [this.#key]);
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    if (typeof options !== 'function' && options.hash === ('sha1' as string)) {
      done?.(new Error('The device takes RSA signatures with SHA-1 only.'));
      return;
    }
    this.#agent.sign(key, data, typeof options === 'function' ? {} : options, done);
  }
}

/** Where the agent of this account listens, or undefined. */
export function agentSocket(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const named = environment.SSH_AUTH_SOCK;
  if (named !== undefined && named !== '') return named;
  return platform === 'win32' ? WINDOWS_PIPE : undefined;
}

/**
 * The keys an agent holds, in its order. Keys of types ssh2 does not know are left out.
 * @throws STATION_SSH_AGENT_UNAVAILABLE
 */
export async function listAgentKeys(
  socket: string | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly AgentKey[]> {
  if (socket === undefined) throw unavailable('SSH_AUTH_SOCK is not set');
  const agent = ssh2.createAgent(socket) as BaseAgent;
  const keys = await new Promise<ParsedKey[]>((resolve, reject) => {
    const settle = (outcome: () => void) => {
      cancel();
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    const cancel = clock.after(LIST_LIMIT_MS, () =>
      settle(() => reject(unavailable(`it did not answer within ${LIST_LIMIT_MS / 1000} s`))),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    agent.getIdentities((error, found) =>
      settle(() => {
        if (error) reject(unavailable(`nothing answers at ${socket}`, error));
        else resolve((found ?? []) as ParsedKey[]);
      }),
    );
  });
  return keys.map((key) => ({
    publicBlob: key.getPublicSSH(),
    name: `${key.type} ${printable(key.comment).slice(0, 60)}`.trim(),
    agent: new OneKeyAgent(agent, key),
  }));
}

function unavailable(problem: string, cause?: unknown): EnrollmentError {
  return new EnrollmentError('STATION_SSH_AGENT_UNAVAILABLE', {
    details: { problem },
    phase: 'connect',
    ...(cause === undefined ? {} : { cause, evidence: describeThrown(cause) }),
  });
}
