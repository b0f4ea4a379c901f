import { readFileSync } from 'node:fs';
import type { Clock } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Profile } from '../../model/profile.ts';
import { createConnections, type Way } from './connections.ts';
import { failureOf, HttpFailure } from './http-failure.ts';
import { type ProxyChoice, type ProxyWay, proxyOfEnvironment } from './proxy.ts';
import { refusedByProxy } from './tunnel.ts';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /**
   * Sends on a connection that answered just now, or on a new one: one that was idle for long may be dead already, and then
   * nobody knows whether the request arrived.
   */
  readonly liveConnection?: boolean;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Requests to one identity provider, all under the same trust settings and limits. */
export interface HttpClient {
  /** @throws {HttpFailure}, or the signal's reason. Any status but a redirect is a reply. */
  request(request: HttpRequest): Promise<HttpReply>;
  /** Closes kept connections. */
  close(): void;
}

export interface HttpClientOptions {
  readonly clock: Pick<Clock, 'after'>;
  /** Authorities that are trusted besides the usual ones, PEM. */
  readonly ca?: string;
  readonly acceptInvalidCertificates?: boolean;
  /** Where a host is, when its name does not resolve: host → address and port. Its name stays what is checked. */
  readonly resolve?: Readonly<Record<string, string>>;
  /** Never asked for hosts of `resolve`: their addresses are meant as they are. */
  readonly proxyFor?: ProxyChoice;
  readonly timeLimitMs?: number;
  readonly maxReplyBytes?: number;
  readonly userAgent?: string;
}

const TIME_LIMIT_MS = 15_000;
const MAX_REPLY_BYTES = 1024 * 1024;

/** An HTTP client on Node's own stack. Redirects are not followed, replies are capped, every request has a limit. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { clock, timeLimitMs = TIME_LIMIT_MS, maxReplyBytes = MAX_REPLY_BYTES } = options;
  const connections = createConnections({ ...options, timeLimitMs });

  /** One request on a way that was chosen. */
  function exchange(request: HttpRequest, way: Way): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const { signal, url } = request;
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const { method, headers } = request;
      const sent = { 'user-agent': options.userAgent ?? 'muster', ...headers, ...way.headers };
      const outgoing = way.open({ method, headers: sent });
      let isConnected = false;
      let settled = false;
      const settle = (outcome: () => void) => {
        if (settled) return;
        settled = true;
        cancelLimit();
        signal.removeEventListener('abort', onAbort);
        outcome();
      };
      const fail = (error: unknown) =>
        settle(() => {
          reject(error);
          outgoing.destroy();
        });
      const failAs = (kind: HttpFailure['kind'], message: string) =>
        fail(new HttpFailure(kind, message, { maybeSent: isConnected }));
      const onAbort = () => fail(signal.reason);
      const cancelLimit = clock.after(timeLimitMs, () =>
        failAs('time-limit', `No answer from ${url.origin} within ${timeLimitMs / 1000} s.`),
      );
      signal.addEventListener('abort', onAbort, { once: true });

      outgoing.on('socket', (socket) => {
        // A socket taken from the pool is connected for good and would keep the listener for ever.
        if (outgoing.reusedSocket || !socket.connecting) {
          isConnected = true;
          return;
        }
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          isConnected = true;
        });
      });
      outgoing.on('error', (thrown) => {
        const failure = failureOf(thrown, isConnected);
        fail(way.proxy === undefined || isConnected ? failure : withoutProxy(failure));
      });
      outgoing.on('response', (incoming) => {
        const status = incoming.statusCode ?? 0;
        if (status === 407 && way.proxy !== undefined) {
          fail(refusedByProxy(way.proxy, status));
          return;
        }
        if (status >= 300 && status < 400) {
          failAs('redirect', `${url.origin} answered with a redirect (${status}).`);
          return;
        }
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxReplyBytes) failAs('too-large', `The answer has more than ${maxReplyBytes} bytes.`);
          else chunks.push(chunk);
        });
        incoming.on('error', (thrown) => fail(failureOf(thrown, true)));
        incoming.on('close', () => {
          if (!incoming.complete) failAs('unreachable', 'The answer broke off.');
        });
        incoming.on('end', () =>
          settle(() => {
            const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({ status, headers: Object.fromEntries(headers), text });
          }),
        );
      });
      outgoing.end(request.body);
    });
  }

  /** The next way is taken only where there was no connection to the proxy of the one before: nothing was sent. */
  async function exchangeAlong(request: HttpRequest, ways: readonly ProxyWay[]): Promise<HttpReply> {
    const failures: HttpFailure[] = [];
    for (const one of ways) {
      const way = connections.along(one, request.url, request.liveConnection === true);
      try {
        return await exchange(request, way);
      } catch (thrown) {
        const isLast = failures.length === ways.length - 1;
        if (!(thrown instanceof HttpFailure) || !(thrown.isProxyGone || isLast)) throw thrown;
        failures.push(thrown);
        if (thrown.isProxyGone && ways.length > 1) way.setAside();
      }
    }
    throw failureOfAll(failures);
  }

  return {
    request: async (request) => {
      request.signal.throwIfAborted();
      return exchangeAlong(request, await connections.waysTo(request.url));
    },
    close: () => connections.close(),
  };
}

function withoutProxy(failure: HttpFailure): HttpFailure {
  const { kind, message, maybeSent, cause } = failure;
  return new HttpFailure(kind, message, { maybeSent, isProxyGone: kind === 'unreachable', cause });
}

/** Where the last way failed too: what it met, or, where that was no more than a way, what every one met. */
function failureOfAll(failures: readonly HttpFailure[]): HttpFailure {
  const last = failures.at(-1);
  if (last === undefined) throw new TypeError('There was no way.');
  if (failures.length === 1 || last.maybeSent || !['proxy', 'unreachable'].includes(last.kind)) return last;
  const says = failures.map(({ message }) => message.replace(/\.$/, ''));
  return new HttpFailure('proxy', `${says.join('; ')}.`, { maybeSent: false, cause: last });
}

/**
 * The client for a profile's identity provider: its CA file, its invalid certificates where the profile accepts them,
 * its given addresses, and the proxy of this computer.
 * @throws STATION_PROFILE_INVALID when the CA file cannot be read.
 */
export function createIdentityHttpClient(
  profile: Profile,
  clock: Pick<Clock, 'after'>,
  proxyFor: ProxyChoice = proxyOfEnvironment(process.env),
): HttpClient {
  const { ca_file: path, danger_accept_invalid_certs: acceptInvalidCertificates, resolve } = profile.identity;
  return createHttpClient({
    ...{ clock, acceptInvalidCertificates, proxyFor },
    ...(resolve === undefined ? {} : { resolve }),
    ...(path === undefined ? {} : { ca: readCaFile(path) }),
  });
}

function readCaFile(path: string): string {
  const invalid = (why: string, cause?: unknown) =>
    new EnrollmentError('STATION_PROFILE_INVALID', {
      details: { path, problem: `identity.ca_file: ${why}` },
      subject: path,
      ...(cause === undefined ? {} : { cause }),
    });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(`cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw invalid('holds no certificate');
  return text;
}
