import { type IncomingHttpHeaders, IncomingMessage, type ServerResponse } from 'node:http';

const bodyLimitBytes = 256 * 1024;

/** One request with its body already read. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a handler answers; an object body is sent as JSON. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** Reads the whole body. @throws {BodyTooLargeError} above 256 KiB. */
export async function readExchange(request: IncomingMessage, response: ServerResponse): Promise<Exchange> {
  const url = new URL(request.url ?? '/', 'http://lab.invalid');
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > bodyLimitBytes) throw new BodyTooLargeError();
    chunks.push(chunk);
  }
  return {
    request,
    response,
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** The same request with its body unread again, for a handler that reads streams (oidc-provider). */
export function replayRequest(exchange: Exchange): IncomingMessage {
  const replay = new IncomingMessage(exchange.request.socket);
  const { method, url, headers, rawHeaders, httpVersion, httpVersionMajor, httpVersionMinor } =
    exchange.request;
  Object.assign(replay, {
    method,
    url,
    headers,
    rawHeaders,
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
  });
  if (exchange.body !== '') replay.push(Buffer.from(exchange.body, 'utf8'));
  replay.push(null);
  replay.complete = true;
  return replay;
}

export function sendReply(response: ServerResponse, reply: Reply): void {
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  }
  if (reply.body === undefined) {
    response.end();
  } else if (typeof reply.body === 'string') {
    if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.end(reply.body);
  } else {
    if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(reply.body));
  }
}
