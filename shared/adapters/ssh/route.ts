import type { DeviceCredential } from '../../engine/ports.ts';
import type { Profile } from '../../model/profile.ts';
import { formatAddress, parseTarget, type SshTarget } from '../../model/target.ts';
import { configProblem, type LoadedConfig } from './config/read-config.ts';
import { type HostSettings, resolveHost } from './config/resolve-host.ts';
import type { KeyChoice } from './keys/gather-keys.ts';

/** One host on the way to a device; the last one is the device. */
export interface Hop {
  /** Where to connect to, and as whom. */
  readonly target: SshTarget & { readonly user: string };
  readonly family: 0 | 4 | 6;
  /** As it was written, for the operator. */
  readonly address: string;
  /** Where its host key is pinned. */
  readonly place: string;
  /** Its name in a known hosts file. */
  readonly knownName: string;
  readonly keys: KeyChoice;
}

/** What the station knows of the account it runs under. */
export interface Account {
  readonly home: string;
  readonly user: string;
  readonly agentSocket: string | undefined;
}

export type SshSettings = Partial<Omit<Profile['ssh'], 'user'>>;

export interface RouteQuestion {
  readonly target: SshTarget;
  readonly credential: Pick<DeviceCredential, 'user'>;
  readonly settings: SshSettings;
  readonly config: LoadedConfig | undefined;
  readonly account: Account;
}

const MOST_HOPS = 8;
const DEFAULT_PORT = 22;

/**
 * The way to a target: jump hosts first, the device last. Pure. What the target says comes before the configuration,
 * and that before the profile. Only the first jump host of a list is reached by jump hosts of its own, as with ssh.
 * @throws STATION_SSH_CONFIG_UNUSABLE
 */
export function planRoute(question: RouteQuestion): readonly Hop[] {
  const { settings, config, account } = question;
  const source = config?.path ?? 'ssh.jump';

  const hopOf = (written: SshTarget): { readonly hop: Hop; readonly jump: readonly string[] | undefined } => {
    const found = askConfig(written, question);
    const { hostName: host, port = DEFAULT_PORT } = found;
    const user = written.user ?? found.user ?? question.credential.user;
    const target = { kind: 'ssh', user, host, port } as const;
    const { hostKeyAlias: alias } = found;
    const hop: Hop = {
      ...{ target, family: found.family, address: formatAddress(written) },
      place: alias ?? formatAddress(target),
      knownName: alias ?? (port === DEFAULT_PORT ? host : `[${host}]:${port}`),
      keys: keysOf(settings, found, account),
    };
    return { hop, jump: found.proxyJump };
  };

  const routeTo = (written: SshTarget, defaultJump: readonly string[], depth: number): Hop[] => {
    if (depth > MOST_HOPS) throw configProblem(source, 'its jump hosts lead in a circle');
    const { hop, jump = defaultJump } = hopOf(written);
    const [first, ...rest] = jump.map((text) => jumpTarget(text, source));
    if (first === undefined) return [hop];
    return [...routeTo(first, [], depth + 1), ...rest.map((next) => hopOf(next).hop), hop];
  };

  const hops = routeTo(question.target, settings.jump ?? [], 0);
  if (hops.length > MOST_HOPS) throw configProblem(source, `more than ${MOST_HOPS - 1} jump hosts in a row`);
  return hops;
}

function jumpTarget(text: string, source: string): SshTarget {
  const parsed = parseTarget(text);
  if (parsed.ok && parsed.target.kind === 'ssh') return parsed.target;
  throw configProblem(source, `"${text.slice(0, 80)}" is not a jump host`);
}

function askConfig(written: SshTarget, { config, credential, account }: RouteQuestion): HostSettings {
  const { host, port, user } = written;
  if (config === undefined) {
    return {
      ...{ hostName: host, port, user, identityFiles: [], identitiesOnly: false, family: 0 },
      ...{ identityAgent: undefined, proxyJump: undefined, hostKeyAlias: undefined },
    };
  }
  return resolveHost(config, {
    ...{ host, user, defaultUser: credential.user, localUser: account.user, home: account.home },
    // A target that names port 22 cannot be told from one that names none.
    port: port === DEFAULT_PORT ? undefined : port,
  });
}

function keysOf(settings: SshSettings, found: HostSettings, account: Account): KeyChoice {
  const { private_key_file: file, agent = false } = settings;
  const fromConfig = found.identityFiles.map((path) => ({ path, required: false }));
  return {
    files: [...fromConfig, ...(file === undefined ? [] : [{ path: file, required: true }])],
    agent: agent && found.identityAgent !== 'none',
    agentSocket: found.identityAgent ?? account.agentSocket,
    namedOnly: found.identitiesOnly,
  };
}
