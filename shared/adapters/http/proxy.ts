import { isLoopbackHost } from '../../model/profile.ts';
import { Secret } from '../../model/secret.ts';

/** A proxy on the way to the provider. */
export interface HttpProxy {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  /** Value of `Proxy-Authorization`. */
  readonly authorization: Secret | undefined;
}

/** One way to the provider: through a proxy, or straight. */
export type ProxyWay = HttpProxy | 'direct';

/**
 * Which ways a request may take, the first one first; never none. The next one is for when there is no connection to the proxy
 * of the one before.
 * @throws an Error whose message says what is wrong with the setting. It never shows the setting itself: that may hold
 * a password.
 */
export type ProxyChoice = (url: URL) => Promise<readonly ProxyWay[]>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Host and port, for people. */
export function proxyName({ host, port }: HttpProxy): string {
  return `${host}:${port}`;
}

function parseProxy(text: string, variable: string): HttpProxy {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.hostname === '') throw new Error(`${variable} is not the address of a proxy.`);
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new Error(
      `${variable} names a proxy of the kind ${protocol.slice(0, -1)}; http and https are known.`,
    );
  const login = [url.username, url.password].map(decodeURIComponent).join(':');
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (protocol === 'https:' ? 443 : 80),
    authorization:
      url.username === '' ? undefined : new Secret(`Basic ${Buffer.from(login).toString('base64')}`),
  };
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');

/** Whether `NO_PROXY` names this host: `*`, a host, the end of one after a dot, each with a port or without. */
function isExcepted(url: URL, exceptions: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const found = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(entry);
      const isAddress = entry.split(':').length > 2 && !entry.startsWith('[');
      const [name, port] = isAddress ? [entry, undefined] : [found?.[1] ?? entry, found?.[2]];
      if (port !== undefined && port !== portOf(url)) return false;
      const bare = name.replace(/^\*?\./, '');
      return host === bare || host.endsWith(`.${bare}`);
    });
}

/**
 * The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name; lower case comes first, as in curl. Loopback never
 * goes through a proxy.
 */
export function proxyOfEnvironment(environment: Environment): ProxyChoice {
  const named = (name: string): [string, string] | undefined => {
    for (const variable of [name, name.toUpperCase()]) {
      const value = environment[variable];
      if (value !== undefined && value !== '') return [value, variable];
    }
    return undefined;
  };
  return async (url) => {
    if (isLoopbackHost(url.hostname)) return ['direct'];
    const setting = named(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy') ?? named('all_proxy');
    if (setting === undefined || isExcepted(url, named('no_proxy')?.[0] ?? '')) return ['direct'];
    return [parseProxy(...setting)];
  };
}

const PAC_SETTING = 'The proxy of this computer';

/**
 * The ways of an answer like `PROXY proxy.example:3128; DIRECT`, which browsers give for an address (PAC): those that are known,
 * in their order.
 */
export function waysOfPac(answer: string): readonly ProxyWay[] {
  const entries = answer.split(';').map((entry) => entry.trim().split(/\s+/));
  const ways = entries.flatMap(([kind = '', address = '']): ProxyWay[] => {
    if (kind.toUpperCase() === 'DIRECT') return ['direct'];
    if (kind.toUpperCase() === 'PROXY') return [parseProxy(address, PAC_SETTING)];
    return kind.toUpperCase() === 'HTTPS' ? [parseProxy(`https://${address}`, PAC_SETTING)] : [];
  });
  const [[kind = ''] = []] = entries;
  if (ways.length > 0) return ways;
  if (kind === '') return ['direct'];
  throw new Error(`This computer uses a proxy of the kind ${kind.toLowerCase()}; http and https are known.`);
}
