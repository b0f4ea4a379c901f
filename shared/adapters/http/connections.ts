import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Clock } from '../../engine/ports.ts';
import { parseAddressAndPort } from '../../model/profile.ts';
import { HttpFailure } from './http-failure.ts';
import { IdleConnections } from './idle-connections.ts';
import { type HttpProxy, type ProxyChoice, type ProxyWay, proxyName } from './proxy.ts';
import { proxyHeaders, TunnelAgent } from './tunnel.ts';

export interface ConnectionOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly ca?: string;
  readonly acceptInvalidCertificates?: boolean;
  readonly resolve?: Readonly<Record<string, string>>;
  readonly proxyFor?: ProxyChoice;
  readonly timeLimitMs: number;
}

/** How one request gets to its server. */
export interface Way {
  /** The proxy that sees the request itself: plain http only. */
  readonly proxy: HttpProxy | undefined;
  /** There was no connection to its proxy: for a while the others come before it. */
  setAside(): void;
  /** Headers this way needs besides those of the request. */
  readonly headers: Readonly<Record<string, string>>;
  open(request: http.RequestOptions): http.ClientRequest;
}

export interface Connections {
  /**
   * The ways there, the first one first; never none.
   * @throws {HttpFailure} for a proxy setting that cannot be used
   */
  waysTo(url: URL): Promise<readonly ProxyWay[]>;
  /** @param mustBeLive only on a connection that answered just now, or a new one */
  along(way: ProxyWay, url: URL, mustBeLive: boolean): Way;
  close(): void;
}

/** As many as devices are enrolled side by side at most. */
const MAX_CONNECTIONS = 64;
/** As long as browsers pass a proxy over that was not there. */
const SET_ASIDE_MS = 5 * 60_000;
/** Older versions show what is sent to whoever listens (RFC 8996). */
const MIN_VERSION = 'TLSv1.2' as const;

/** Connections to one provider: direct, to a given address, or through a proxy, all under one trust. */
export function createConnections(options: ConnectionOptions): Connections {
  const { clock, ca, resolve = {}, proxyFor, timeLimitMs } = options;
  const trust = {
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    rejectUnauthorized: options.acceptInvalidCertificates !== true,
    minVersion: MIN_VERSION,
  };
  const pool = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  const plainAgent = new http.Agent(pool);
  const secureAgent = new https.Agent({ ...pool, ...trust });
  const tunnels = new Map<string, TunnelAgent>();
  const idle = new IdleConnections();
  for (const agent of [plainAgent, secureAgent]) idle.watch(agent);

  /** What was set aside, by name, with what ends the limit. */
  const aside = new Map<string, () => void>();

  function setAside(name: string): void {
    aside.get(name)?.();
    aside.set(
      name,
      clock.after(SET_ASIDE_MS, () => aside.delete(name)),
    );
  }

  async function chooseWays(url: URL): Promise<readonly ProxyWay[]> {
    try {
      const ways = (await proxyFor?.(url)) ?? ['direct'];
      const isAside = (way: ProxyWay): boolean => way !== 'direct' && aside.has(nameOf(way));
      return [...ways.filter((way) => !isAside(way)), ...ways.filter(isAside)];
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new HttpFailure('proxy', message, { maybeSent: false, cause });
    }
  }

  function tunnelThrough(proxy: HttpProxy): TunnelAgent {
    const name = nameOf(proxy);
    const kept = tunnels.get(name);
    if (kept !== undefined) return kept;
    const made = new TunnelAgent({ proxy, clock, timeLimitMs, ...trust, ...pool });
    idle.watch(made);
    tunnels.set(name, made);
    return made;
  }

  return {
    async waysTo(url) {
      if (url.protocol !== 'https:' && url.protocol !== 'http:')
        throw new TypeError(`Not an address for requests: ${url.protocol}`);
      const isGiven = parseAddressAndPort(resolve[url.hostname] ?? '') !== undefined;
      return isGiven ? ['direct'] : await chooseWays(url);
    },
    along(way, url, mustBeLive) {
      const isSecure = url.protocol === 'https:';
      const place = parseAddressAndPort(resolve[url.hostname] ?? '');
      const proxy = way === 'direct' ? undefined : way;
      const common = { setAside: () => (proxy === undefined ? undefined : setAside(nameOf(proxy))) };
      if (!isSecure && proxy !== undefined) {
        // The proxy gets the whole address and speaks http with the server itself.
        const { protocol, host, port } = proxy;
        const open = (request: http.RequestOptions): http.ClientRequest =>
          (protocol === 'https:' ? https : http).request({
            ...{ ...request, host, port, path: url.href, agent: false },
          });
        return { ...common, proxy, headers: { host: url.host, ...proxyHeaders(proxy) }, open };
      }
      const direct = isSecure ? secureAgent : plainAgent;
      const agent = proxy === undefined ? direct : tunnelThrough(proxy);
      if (mustBeLive) idle.closeUnlessLive(agent);
      // SNI, the check of the certificate and the Host header stay with the name, whatever address it is at.
      const at =
        place === undefined ? {} : { host: place.address, hostname: place.address, port: place.port };
      const name = place !== undefined && isSecure ? { servername: url.hostname } : {};
      return {
        ...common,
        proxy: undefined,
        headers: place === undefined ? {} : { host: url.host },
        open: (request) => (isSecure ? https : http).request(url, { ...request, agent, ...at, ...name }),
      };
    },
    close: () => {
      for (const endLimit of aside.values()) endLimit();
      plainAgent.destroy();
      secureAgent.destroy();
      for (const tunnel of tunnels.values()) tunnel.destroy();
    },
  };
}

const nameOf = (proxy: HttpProxy): string => `${proxy.protocol}//${proxyName(proxy)}`;
