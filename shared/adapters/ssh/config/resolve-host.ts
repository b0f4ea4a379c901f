import { isAbsolute, join } from 'node:path';
import { matchesPatterns } from '../hosts/host-pattern.ts';
import type { Directive } from './parse-config.ts';
import { configProblem, type LoadedConfig } from './read-config.ts';

/** What a configuration says of one host. */
export interface HostSettings {
  readonly hostName: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** `none`, or where the agent listens. */
  readonly identityAgent: string | undefined;
  /** Jump hosts as written, the one next to the station first. Empty for `none`, undefined when nothing is said. */
  readonly proxyJump: readonly string[] | undefined;
  readonly hostKeyAlias: string | undefined;
  readonly family: 0 | 4 | 6;
}

export interface HostQuestion {
  /** As the operator wrote it. */
  readonly host: string;
  /** Named in the target, which comes before what the configuration says. */
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** Login name where neither names one. */
  readonly defaultUser: string;
  readonly localUser: string;
  readonly home: string;
}

/** Keywords that decide where a connection goes, or as whom. All others do not concern the station. */
const followed = new Set([
  ...['hostname', 'port', 'user', 'identityfile', 'identitiesonly', 'identityagent', 'proxyjump'],
  ...['proxycommand', 'hostkeyalias', 'addressfamily'],
]);
/** To pass these over would mean to connect to another place, or from another. */
const unsupported: Readonly<Record<string, RegExp>> = {
  canonicalizehostname: /^(yes|always)$/i,
  bindaddress: /./,
  bindinterface: /./,
  proxyusefdpass: /^yes$/i,
  knownhostscommand: /^(?!none$)/i,
};
const families: Readonly<Record<string, 0 | 4 | 6>> = { any: 0, inet: 4, inet6: 6 };
const MOST_IDENTITIES = 10;

/**
 * Asks a configuration about a host, as ssh would: blocks in order, the first value of a keyword counts, identity files
 * add up. Pure.
 * @throws STATION_SSH_CONFIG_UNUSABLE for what would change the way to the host and cannot be followed
 */
export function resolveHost(config: LoadedConfig, question: HostQuestion): HostSettings {
  const values = new Map<string, Directive>();
  const identities: string[] = [];
  const seen = new Map<string, { readonly directive: Directive; readonly path: string }>();
  const value = (keyword: string): string | undefined => values.get(keyword)?.args[0];
  const hostNow = () => expand(value('hostname') ?? '%h', { h: question.host }, config.path);
  const userNow = () => question.user ?? value('user') ?? question.defaultUser;

  const take = (directive: Directive, path: string) => {
    const { keyword, args, line } = directive;
    const said = args.join(' ');
    if (unsupported[keyword]?.test(said))
      throw configProblem(path, `line ${line}: ${keyword} "${said}" is not supported`);
    if (!followed.has(keyword)) return;
    if (keyword === 'identityfile') {
      if (args[0]?.toLowerCase() !== 'none' && identities.length < MOST_IDENTITIES)
        identities.push(args[0] ?? '');
      return;
    }
    // Whichever of the two comes first says how the host is reached.
    const rival = { proxyjump: 'proxycommand', proxycommand: 'proxyjump' }[keyword];
    if (values.has(keyword) || (rival !== undefined && values.has(rival))) return;
    values.set(keyword, directive);
    seen.set(keyword, { directive, path });
  };

  const walk = ({ path, blocks, included }: LoadedConfig) => {
    for (const block of blocks) {
      const matters = block.entries.some(
        (entry) => entry.kind === 'include' || followed.has(entry.keyword) || entry.keyword in unsupported,
      );
      if (!matters) continue;
      const { condition } = block;
      if (condition.kind === 'host' && !matchesPatterns(question.host, condition.patterns)) continue;
      if (
        condition.kind === 'match' &&
        !matchHolds(condition.words, {
          ...{ host: hostNow(), originalHost: question.host, user: userNow(), localUser: question.localUser },
          refuse: (problem) => configProblem(path, `line ${block.line}: ${problem}`),
        })
      )
        continue;
      for (const entry of block.entries) {
        if (entry.kind === 'directive') take(entry, path);
        else for (const file of included.get(entry) ?? []) walk(file);
      }
    }
  };
  walk(config);

  const command = seen.get('proxycommand');
  if (command !== undefined && command.directive.args.join(' ').toLowerCase() !== 'none')
    throw configProblem(
      command.path,
      `line ${command.directive.line}: ProxyCommand is not supported. Use ProxyJump`,
    );

  const hostName = hostNow();
  const port = question.port ?? portOf(value('port'), config.path);
  const user = question.user ?? value('user');
  const tokens = {
    ...{ h: hostName, n: question.host, p: String(port ?? 22), r: user ?? question.defaultUser },
    ...{ u: question.localUser, d: question.home },
  };
  const files = identities.map((name) => absolute(expand(name, tokens, config.path), question.home));
  const jump = value('proxyjump');
  const agent = value('identityagent');
  return {
    ...{ hostName, port, user, identityFiles: [...new Set(files)] },
    identitiesOnly: value('identitiesonly')?.toLowerCase() === 'yes',
    identityAgent: agent === undefined ? undefined : agentOf(agent, tokens, question.home, config.path),
    proxyJump:
      jump === undefined
        ? undefined
        : jump.toLowerCase() === 'none'
          ? []
          : jump.split(',').map((hop) => expand(hop.trim(), tokens, config.path)),
    hostKeyAlias: value('hostkeyalias'),
    family: families[value('addressfamily')?.toLowerCase() ?? 'any'] ?? 0,
  };
}

interface MatchSubject {
  readonly host: string;
  readonly originalHost: string;
  readonly user: string;
  readonly localUser: string;
  refuse(problem: string): Error;
}

/** Whether all criteria of a `Match` hold; they are looked at in order, and the first that fails ends it. */
function matchHolds(words: readonly string[], subject: MatchSubject): boolean {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const negated = word.startsWith('!');
    const criterion = word.replace(/^!/, '').toLowerCase();
    if (criterion === 'all') {
      if (negated) return false;
      continue;
    }
    // Only true in a second pass, which ssh makes for canonical names; the station makes one.
    if (criterion === 'canonical' || criterion === 'final') {
      if (!negated) return false;
      continue;
    }
    const subjects: Readonly<Record<string, string>> = {
      host: subject.host,
      originalhost: subject.originalHost,
      user: subject.user,
      localuser: subject.localUser,
    };
    const text = subjects[criterion];
    if (text === undefined) throw subject.refuse(`Match ${criterion.slice(0, 40)} is not supported`);
    at += 1;
    const patterns = words[at];
    if (patterns === undefined) throw subject.refuse(`Match ${criterion} has no value`);
    if (matchesPatterns(text, patterns.split(',')) === negated) return false;
  }
  return true;
}

function portOf(text: string | undefined, path: string): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw configProblem(path, `"${text}" is not a port`);
  return port;
}

function expand(text: string, tokens: Readonly<Record<string, string>>, path: string): string {
  if (/\$\{\w+\}/.test(text))
    throw configProblem(path, `"${text}" takes its value from the environment, which is not supported`);
  return text.replace(/%(.)?/g, (whole, token: string | undefined) => {
    if (token === '%') return '%';
    const content = tokens[token ?? ''];
    if (content === undefined) throw configProblem(path, `"${whole}" in "${text}" is not supported`);
    return content;
  });
}

function absolute(name: string, home: string): string {
  if (name.startsWith('~/')) return join(home, name.slice(2));
  return isAbsolute(name) ? name : join(home, '.ssh', name);
}

function agentOf(
  text: string,
  tokens: Readonly<Record<string, string>>,
  home: string,
  path: string,
): string | undefined {
  if (text.toLowerCase() === 'none') return 'none';
  if (text === 'SSH_AUTH_SOCK' || text === '$SSH_AUTH_SOCK') return undefined;
  if (text.startsWith('$')) throw configProblem(path, `IdentityAgent "${text}" is not supported`);
  return absolute(expand(text, tokens, path), home);
}
