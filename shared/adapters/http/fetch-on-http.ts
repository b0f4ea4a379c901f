import type { CustomFetch } from 'openid-client';
import type { HttpClient } from './http.ts';

const BODYLESS = new Set([204, 205, 304]);

function bodyText(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || body instanceof URLSearchParams) return String(body);
  throw new TypeError('Only text and form bodies are sent to an identity provider.');
}

/** `openid-client`'s fetch on our own client, so that sign-in and management calls share trust and limits. */
export function fetchOnHttp(http: HttpClient, signal: AbortSignal): CustomFetch {
  return async (url, { method, headers, body, signal: own }) => {
    const text = bodyText(body);
    const reply = await http.request({
      method,
      url: new URL(url),
      headers: Object.fromEntries(new Headers(headers).entries()),
      ...(text === undefined ? {} : { body: text }),
      signal: own === undefined ? signal : AbortSignal.any([signal, own]),
    });
    const content = BODYLESS.has(reply.status) ? null : reply.text;
    return new Response(content, { status: reply.status, headers: { ...reply.headers } });
  };
}
