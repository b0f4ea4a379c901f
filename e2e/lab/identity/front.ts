import { type IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { LabClock } from './clock.ts';
import type { Fault, Faults } from './faults.ts';
import { BodyTooLargeError, type Exchange, type Reply, readExchange, sendReply } from './http-exchange.ts';
import { type RequestLog, routeOf } from './request-log.ts';

/** Answers by itself (undefined) or gives the reply to send. */
export type Handler = (exchange: Exchange) => Promise<Reply | undefined>;

export interface FrontParts {
  /** `host:port` of the issuer; Zitadel knows no instance under any other name. */
  readonly authority: string;
  readonly faults: Faults | undefined;
  readonly latencyMs: number;
  readonly clock: LabClock;
  readonly log: RequestLog;
  readonly signal: AbortSignal;
  readonly handle: Handler;
  /** Revokes this bearer token. */
  endToken(bearer: string): Promise<void>;
}

/** What every request passes first: reading, latency, instance check, faults, log. */
export function createFront(parts: FrontParts): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    void serve(parts, request, response).catch((error: unknown) => {
      const tooLarge = error instanceof BodyTooLargeError;
      // A caller that went away, or a bug of the lab; either way this one request is over.
      if (!tooLarge && !request.destroyed) reportBug(request, error);
      if (response.headersSent || response.destroyed) response.destroy();
      else
        sendReply(response, { status: tooLarge ? 413 : 500, body: { code: 13, message: 'Errors.Internal' } });
      parts.log.add(request.method ?? 'GET', pathOf(request), response.headersSent ? response.statusCode : 0);
    });
  };
}

function reportBug(request: IncomingMessage, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`lab identity provider failed on ${request.method} ${pathOf(request)}: ${text}`);
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '';
}

async function serve(parts: FrontParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange = await readExchange(request, response);
  const { method, path, headers } = exchange;
  const startedMs = performance.now();
  response.setHeader('date', new Date(parts.clock.now()).toUTCString());
  const { samePath, sameRoute } = parts.log.arrive(method, path);
  response.once('close', () => parts.log.took(performance.now() - startedMs));
  if (parts.latencyMs > 0) {
    answerAt(response, startedMs + parts.latencyMs);
    await delay(parts.latencyMs / 2, undefined, { signal: parts.signal });
  }
  const fault = await parts.faults?.before({
    ...{ method, path, route: routeOf(method, path), query: exchange.query, headers, body: exchange.body },
    ...{ earlier: samePath, earlierOnRoute: sameRoute },
  });
  const unanswered = await perform(parts, exchange, fault);
  parts.log.add(method, path, unanswered ? 0 : response.statusCode);
}

/**
 * Holds a reply back until then: half of the latency lies before the work, and the rest of it, less what the work took,
 * after it. Timers count whole milliseconds and tend to be late, so the last one is begun rather early.
 */
function answerAt(response: ServerResponse, atMs: number): void {
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = ((...args: unknown[]) => {
    const waitMs = Math.floor(atMs - performance.now());
    if (waitMs < 1) return end(...args);
    const timer = setTimeout(() => end(...args), waitMs);
    response.once('close', () => clearTimeout(timer));
    return response;
  }) as ServerResponse['end'];
}

/** Answers the request as the fault has it; true when the caller got no answer. */
async function perform(parts: FrontParts, exchange: Exchange, fault: Fault | undefined): Promise<boolean> {
  const { response } = exchange;
  if (fault === 'cut') {
    response.socket?.destroy();
    return true;
  }
  if (fault === 'hang') {
    // The caller's own limit closes the connection, or the end of the lab does.
    await new Promise<void>((resolve) => response.once('close', resolve));
    return true;
  }
  if (fault === 'drop-response') {
    muteResponse(response);
    const reply = await answer(parts, exchange);
    if (reply !== undefined) response.socket?.destroy();
    return true;
  }
  if (fault === 'end-token') {
    const bearer = /^Bearer\s+(\S+)$/i.exec(exchange.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) await parts.endToken(bearer);
  } else if (fault === 'rival') {
    await answer(parts, unheard(exchange));
  } else if (fault !== undefined && 'delayMs' in fault) {
    await delay(fault.delayMs, undefined, { signal: parts.signal });
  } else if (fault !== undefined) {
    if (fault.afterEffect === true) await answer(parts, unheard(exchange));
    sendReply(response, fault);
    return false;
  }
  const reply = await answer(parts, exchange);
  if (reply !== undefined) sendReply(response, reply);
  return false;
}

async function answer(parts: FrontParts, exchange: Exchange): Promise<Reply | undefined> {
  return unknownInstance(parts.authority, exchange) ?? (await parts.handle(exchange));
}

/** The same request with a response that leads nowhere. */
function unheard(exchange: Exchange): Exchange {
  return { ...exchange, response: new ServerResponse(exchange.request) };
}

/** Lets the handler believe that it answers, and destroys the socket when it ends. */
function muteResponse(response: ServerResponse): void {
  Object.assign(response, {
    write: () => true,
    end: () => {
      response.socket?.destroy();
      return response;
    },
  });
}

function unknownInstance(authority: string, exchange: Exchange): Reply | undefined {
  const named = exchange.headers['x-zitadel-instance-host'];
  const host = (typeof named === 'string' ? named : exchange.headers.host) ?? '';
  if (host === authority) return undefined;
  const message = `unable to set instance using origin http://${host} (ExternalDomain is ${authority}): Instance not found`;
  const isApi = /^\/(management|auth|admin)\/|^\/v2/.test(exchange.path);
  return { status: 404, body: isApi ? { code: 5, message } : message };
}
