import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Faults } from './faults.ts';
import { BodyTooLargeError, type Exchange, type Reply, readExchange, sendReply } from './http-exchange.ts';
import type { RequestLog } from './request-log.ts';

/** Answers by itself (undefined) or gives the reply to send. */
export type Handler = (exchange: Exchange) => Promise<Reply | undefined>;

export interface FrontParts {
  /** `host:port` of the issuer; Zitadel knows no instance under any other name. */
  readonly authority: string;
  readonly faults: Faults | undefined;
  readonly log: RequestLog;
  readonly signal: AbortSignal;
  readonly handle: Handler;
}

/** What every request passes first: reading, instance check, faults, log. */
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
  const earlier = parts.log.arrive(exchange.method, exchange.path);
  const fault = await parts.faults?.before({
    method: exchange.method,
    path: exchange.path,
    query: exchange.query,
    headers: exchange.headers,
    body: exchange.body,
    earlier,
  });
  const dropped = fault === 'drop-response';
  if (dropped) muteResponse(response);
  const instead = await applyFault(fault, parts.signal);
  const reply = instead ?? unknownInstance(parts.authority, exchange) ?? (await parts.handle(exchange));
  if (reply !== undefined) sendReply(response, reply);
  parts.log.add(exchange.method, exchange.path, dropped ? 0 : response.statusCode);
}

async function applyFault(fault: Fault | undefined, signal: AbortSignal): Promise<Reply | undefined> {
  if (fault === undefined || fault === 'drop-response') return undefined;
  if ('delayMs' in fault) {
    await delay(fault.delayMs, undefined, { signal });
    return undefined;
  }
  return fault;
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
  const host = exchange.headers.host ?? '';
  if (host === authority) return undefined;
  const message = `unable to set instance using origin http://${host} (ExternalDomain is ${authority}): Instance not found`;
  const isApi = exchange.path.startsWith('/management/') || exchange.path.startsWith('/auth/');
  return { status: 404, body: isApi ? { code: 5, message } : message };
}
