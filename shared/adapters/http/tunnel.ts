import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Clock } from '../../engine/ports.ts';
import { failureOf, HttpFailure } from './http-failure.ts';
import { type HttpProxy, proxyName } from './proxy.ts';

type Done = (error: Error | null, stream: Duplex) => void;
type ConnectOptions = tls.ConnectionOptions & { readonly host?: string; readonly port?: number };

export interface TunnelOptions extends https.AgentOptions {
  readonly proxy: HttpProxy;
  readonly clock: Pick<Clock, 'after'>;
  readonly timeLimitMs: number;
}

/** What a proxy gets to see, apart from the name of the host. */
export function proxyHeaders({ authorization }: HttpProxy): Record<string, string> {
  return authorization === undefined ? {} : { 'proxy-authorization': authorization.reveal() };
}

/** Why a proxy does not let a request through. */
export function refusedByProxy(proxy: HttpProxy, status: number): HttpFailure {
  const why =
    status === 407
      ? 'wants a name and a password, or others than it was given'
      : `refuses the connection (status ${status})`;
  return new HttpFailure('proxy', `The proxy ${proxyName(proxy)} ${why}.`, { maybeSent: false });
}

/** TLS connections through a proxy's CONNECT. The certificate is the provider's and is checked as without a proxy. */
export class TunnelAgent extends https.Agent {
  readonly #options: TunnelOptions;

  constructor(options: TunnelOptions) {
    super(options);
    this.#options = options;
  }

  override createConnection(options: ConnectOptions, done?: Done): Duplex | undefined {
    const { proxy, clock, timeLimitMs } = this.#options;
    const target = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port ?? 443}`;
    const connect = (proxy.protocol === 'https:' ? https : http).request({
      ...{ method: 'CONNECT', host: proxy.host, port: proxy.port, path: target, agent: false },
      headers: { host: target, ...proxyHeaders(proxy) },
    });
    let isOver = false;
    const end = (error: Error | null, stream?: Duplex): void => {
      if (isOver) return;
      isOver = true;
      cancelLimit();
      if (error !== null) connect.destroy();
      done?.(error, stream as Duplex);
    };
    const fail = (message: string, cause?: unknown): void =>
      end(
        new HttpFailure('proxy', `The proxy ${proxyName(proxy)} ${message}`, {
          ...{ maybeSent: false, isProxyGone: true, cause },
        }),
      );
    const cancelLimit = clock.after(timeLimitMs, () =>
      fail(`did not answer within ${timeLimitMs / 1000} s.`),
    );
    connect.once('error', (cause) => fail(`cannot be reached: ${cause.message}`, cause));
    connect.once('response', (reply) => end(refusedByProxy(proxy, reply.statusCode ?? 0)));
    connect.once('connect', (reply: http.IncomingMessage, socket: Socket) => {
      if (reply.statusCode !== 200) {
        socket.destroy();
        end(refusedByProxy(proxy, reply.statusCode ?? 0));
        return;
      }
      const secure = tls.connect({ ...options, socket });
      const onError = (thrown: Error): void => end(failureOf(thrown, false));
      secure.once('error', onError);
      secure.once('secureConnect', () => {
        secure.removeListener('error', onError);
        end(null, secure);
      });
    });
    connect.end();
    return undefined;
  }
}
