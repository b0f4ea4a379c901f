import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';

/** What came back: the body is text, at most {@link MAX_BODY_BYTES} long. */
export interface HttpReply {
  readonly status: number;
  readonly body: string;
  /** The server's clock in UTC milliseconds, when it sent a Date header. */
  readonly serverTimeMs: number | undefined;
}

export interface HttpExchange {
  readonly url: string;
  /** Sent as `application/x-www-form-urlencoded` by POST; without it the call is a GET. */
  readonly form?: URLSearchParams;
  readonly acceptInvalidCertificates: boolean;
  readonly signal: AbortSignal;
}

const MAX_BODY_BYTES = 256 * 1024;
const TIMEOUT_MS = 15_000;

/**
 * One HTTP exchange over a connection of its own. `node:http` rather than `fetch`: it needs about a third
 * less memory at start, and many agents share a computer in the rehearsal lab.
 * @throws the socket's or TLS error, or a timeout after 15 seconds of silence.
 */
export function exchange({ url, form, acceptInvalidCertificates, signal }: HttpExchange): Promise<HttpReply> {
  const target = new URL(url);
  const body = form?.toString();
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    agent: false as const,
    headers: {
      accept: 'application/json',
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
    },
    signal,
    timeout: TIMEOUT_MS,
  };
  return new Promise((resolve, reject) => {
    const request =
      target.protocol === 'https:'
        ? requestTls(target, { ...options, rejectUnauthorized: !acceptInvalidCertificates })
        : requestPlain(target, options);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('no answer within 15 seconds')));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let receivedBytes = 0;
      response.on('data', (chunk: Buffer) => {
        receivedBytes += chunk.length;
        chunks.push(chunk);
        if (receivedBytes > MAX_BODY_BYTES) request.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        const serverTimeMs = Date.parse(response.headers.date ?? '');
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
          serverTimeMs: Number.isNaN(serverTimeMs) ? undefined : serverTimeMs,
        });
      });
    });
    request.end(body);
  });
}
