import { afterEach, describe, expect, it } from 'vitest';
import { HANGS_AFTER_MS } from '../../testing/patience.ts';
import { systemClock } from '../system/clock.ts';
import { createHttpClient } from './http.ts';
import { failureOf } from './http-failure.ts';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from './testing/scripted-server.ts';

const servers: ScriptedServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function ask(answer: ScriptedAnswer, options: { timeLimitMs?: number; signal?: AbortSignal } = {}) {
  const server = await startScriptedServer(() => answer);
  servers.push(server);
  const http = createHttpClient({
    clock: systemClock,
    maxReplyBytes: 1000,
    timeLimitMs: options.timeLimitMs ?? HANGS_AFTER_MS,
  });
  try {
    const url = new URL('/path', server.origin);
    return await http.request({
      method: 'POST',
      url,
      body: 'hello',
      signal: options.signal ?? new AbortController().signal,
    });
  } finally {
    http.close();
  }
}

describe('http', () => {
  it('gives status, headers and text of any reply', async () => {
    const reply = await ask({ status: 409, body: { message: 'ä' }, headers: { 'retry-after': '3' } });
    expect(reply).toMatchObject({ status: 409, text: '{"message":"ä"}' });
    expect(reply.headers['retry-after']).toBe('3');
  });

  it.each([
    ['a redirect', { status: 302, headers: { location: 'http://elsewhere.example/' } }, 'redirect'],
    ['a reply without end', { status: 200, body: 'x'.repeat(2000) }, 'too-large'],
    ['a connection that is closed', 'hang-up', 'unreachable'],
  ] as const)('refuses %s', async (_name, answer, kind) => {
    await expect(ask(answer)).rejects.toMatchObject({ kind, maybeSent: true });
  });

  it('has a limit for every request', async () => {
    await expect(ask('silence', { timeLimitMs: 50 })).rejects.toMatchObject({ kind: 'time-limit' });
  });

  it('ends at once when aborted, with the reason', async () => {
    const reason = new Error('stopped');
    const stop = new AbortController();
    const asking = ask('silence', { signal: stop.signal });
    setImmediate(() => stop.abort(reason));
    await expect(asking).rejects.toBe(reason);
  });

  it('knows that a refused connection sent nothing', async () => {
    const server = await startScriptedServer(() => ({ status: 200 }));
    await server.stop();
    const http = createHttpClient({ clock: systemClock });
    const asking = http.request({
      method: 'GET',
      url: new URL(server.origin),
      signal: new AbortController().signal,
    });
    await expect(asking).rejects.toMatchObject({ kind: 'unreachable', maybeSent: false });
  });

  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate-self-signed'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate'],
    ['INVALID_CA', 'certificate'],
    ['CERT_HAS_EXPIRED', 'certificate-expired'],
    ['CERT_NOT_YET_VALID', 'certificate-not-yet'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate-name'],
    ['INVALID_PURPOSE', 'certificate-purpose'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls-too-old'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tls-too-old'],
    ['ECONNREFUSED', 'unreachable'],
  ])('sorts %s as %s', (code, kind) => {
    expect(failureOf(Object.assign(new Error('x'), { code }), false).kind).toBe(kind);
  });
});
