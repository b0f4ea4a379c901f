import type { BaseAgent, ParsedKey } from 'ssh2';
import type { Clock } from '../../../engine/ports.ts';
import { EnrollmentError } from '../../../errors/enrollment-error.ts';
import type { Secret } from '../../../model/secret.ts';
import { KeyFileError, readPrivateKeyText, readPublicKeyText } from '../../system/private-key-file.ts';
import { type AgentKey, listAgentKeys } from './agent.ts';
import { readKeyFile, UnusableKeyError } from './key-file.ts';
import { type KeyRing, publicKeyBlob } from './key-ring.ts';
import { WrongPassphraseError } from './unlock-key.ts';

/** A key that is offered to a device: of a file, with its private half here, or of an agent that signs with it. */
export type OfferedKey =
  | { readonly kind: 'file'; readonly name: string; readonly key: ParsedKey }
  | { readonly kind: 'agent'; readonly name: string; readonly agent: BaseAgent };

/** Which keys a login may use. */
export interface KeyChoice {
  readonly files: readonly NamedKeyFile[];
  /** Whether the agent is asked. */
  readonly agent: boolean;
  readonly agentSocket: string | undefined;
  /** Of the agent only keys that a file names. */
  readonly namedOnly: boolean;
}

export interface NamedKeyFile {
  readonly path: string;
  /** False for a file that an SSH configuration names: it may name some that are not there. */
  readonly required: boolean;
}

/**
 * sshd ends a connection at its sixth refusal (MaxAuthTries), whatever it was refused for: four keys of an agent, one
 * of a file and a password fit.
 */
export const MOST_AGENT_KEYS = 4;

export interface GatheredKeys {
  readonly keys: readonly OfferedKey[];
  /** What the device's log should tell. */
  readonly notes: readonly string[];
}

export interface KeyGatherer {
  /**
   * The keys to offer, best first: those that files name, then the agent's others. A named key that the agent holds
   * is left to the agent, so that nobody is asked for its passphrase.
   * @throws STATION_KEY_PASSPHRASE_NEEDED, STATION_KEY_PASSPHRASE_WRONG, STATION_KEY_UNUSABLE,
   * STATION_SSH_AGENT_UNAVAILABLE
   */
  gather(choice: KeyChoice, passphrase: Secret | undefined, signal: AbortSignal): Promise<GatheredKeys>;
}

export function createKeyGatherer(options: { readonly clock: Clock; readonly ring: KeyRing }): KeyGatherer {
  const { clock, ring } = options;

  async function fromFile(
    { path, required }: NamedKeyFile,
    agentKeys: readonly AgentKey[],
    passphrase: Secret | undefined,
    signal: AbortSignal,
  ): Promise<OfferedKey | undefined> {
    const held = (blob: Buffer | undefined): OfferedKey | undefined => {
      const found = blob && agentKeys.find((key) => key.publicBlob.equals(blob));
      return found && { kind: 'agent', name: found.name, agent: found.agent };
    };
    try {
      const content = await readPrivateKeyText(path, signal);
      const publicOnly = publicKeyBlob(content);
      const named = publicOnly === undefined ? undefined : held(publicOnly);
      if (named !== undefined) return named;
      const file = readKeyFile(content);
      const fromAgent =
        agentKeys.length === 0
          ? undefined
          : held(file.form === 'openssh' ? file.publicBlob : await publicHalf(path, signal));
      if (fromAgent !== undefined) return fromAgent;
      if (file.encrypted && passphrase === undefined)
        throw keyError('STATION_KEY_PASSPHRASE_NEEDED', path, 'it has a passphrase');
      return { kind: 'file', name: path, key: await ring.open(content, file, passphrase, signal) };
    } catch (thrown) {
      if (thrown instanceof KeyFileError && thrown.isMissing) {
        // Its public half beside it is enough where an agent holds the other.
        const fromAgent = held(await publicHalf(path, signal));
        if (fromAgent !== undefined || !required) return fromAgent;
      }
      throw translated(thrown, path);
    }
  }

  return {
    gather: async (choice, passphrase, signal) => {
      const agentKeys = choice.agent ? await listAgentKeys(choice.agentSocket, clock, signal) : [];
      const keys: OfferedKey[] = [];
      let problem: unknown;
      for (const file of choice.files) {
        try {
          const key = await fromFile(file, agentKeys, passphrase, signal);
          if (key !== undefined && !keys.some((other) => isSame(other, key))) keys.push(key);
        } catch (thrown) {
          if (file.required || !(thrown instanceof EnrollmentError)) throw thrown;
          problem ??= thrown;
        }
      }
      const named = keys.filter((key) => key.kind === 'agent').map((key) => key.agent);
      const others = choice.namedOnly ? [] : agentKeys.filter((key) => !named.includes(key.agent));
      const room = Math.max(0, MOST_AGENT_KEYS - named.length);
      keys.push(
        ...others.slice(0, room).map(({ name, agent }): OfferedKey => ({ kind: 'agent', name, agent })),
      );
      if (keys.length === 0 && problem !== undefined) throw problem;
      const left = others.length - room;
      const notes = left > 0 ? [`the SSH agent holds ${left} more keys, which are not offered`] : [];
      return { keys, notes };
    },
  };
}

function isSame(one: OfferedKey, other: OfferedKey): boolean {
  if (one.kind === 'agent' && other.kind === 'agent') return one.agent === other.agent;
  return one.kind === 'file' && other.kind === 'file' && one.key === other.key;
}

async function publicHalf(path: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return publicKeyBlob(await readPublicKeyText(`${path}.pub`, signal));
  } catch (thrown) {
    if (thrown instanceof KeyFileError) return undefined;
    throw thrown;
  }
}

function translated(thrown: unknown, path: string): unknown {
  if (thrown instanceof WrongPassphraseError)
    return keyError('STATION_KEY_PASSPHRASE_WRONG', path, 'the passphrase is wrong', thrown);
  if (thrown instanceof UnusableKeyError || thrown instanceof KeyFileError)
    return keyError('STATION_KEY_UNUSABLE', path, thrown.message, thrown);
  return thrown;
}

function keyError(
  code: 'STATION_KEY_PASSPHRASE_NEEDED' | 'STATION_KEY_PASSPHRASE_WRONG' | 'STATION_KEY_UNUSABLE',
  path: string,
  problem: string,
  cause?: unknown,
): EnrollmentError {
  return new EnrollmentError(code, {
    details: { path, problem },
    subject: path,
    phase: 'connect',
    ...(cause === undefined ? {} : { cause }),
  });
}
