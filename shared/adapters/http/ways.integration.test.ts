import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../engine/ports.ts';
import { systemClock } from '../system/clock.ts';
import { createHttpClient, type HttpClient } from './http.ts';
import type { HttpProxy, ProxyWay } from './proxy.ts';
import { canMakeCertificates, createTestAuthority, type TestAuthority } from './testing/certificates.ts';

const isMade = canMakeCertificates();
if (!isMade) console.warn('SKIPPED: ways to the identity provider: no openssl to make certificates.');

/** What a PAC file names one after the other. */
describe.skipIf(!isMade)('ways to the identity provider', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'muster-ways-'));
  let authority: TestAuthority;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const clients: HttpClient[] = [];
  /** Paths that the provider was asked for. */
  let seen: string[];
  let providerPort: number;
  let hangsUp = false;

  beforeAll(() => {
    authority = createTestAuthority(folder, 'ways');
  });
  beforeEach(async () => {
    seen = [];
    hangsUp = false;
    const server = https.createServer(authority.issue(), (request, response) => {
      seen.push(request.url ?? '');
      if (hangsUp) request.socket.destroy();
      else response.writeHead(200).end('here');
    });
    providerPort = await listen(server);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  const at = (port: number): HttpProxy => ({
    ...({ protocol: 'http:', host: '127.0.0.1', port } as const),
    authorization: undefined,
  });

  /** A proxy that knows where the provider is, or answers with a status; and what it was asked for. */
  async function proxy(status = 200): Promise<{ way: HttpProxy; asked: string[] }> {
    const asked: string[] = [];
    const server = http.createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(200).end('from the proxy');
    });
    server.on('connect', (request, client: Socket) => {
      asked.push(request.url ?? '');
      if (status !== 200) {
        client.end(`HTTP/1.1 ${status} No\r\n\r\n`);
        return;
      }
      const onward = connect(providerPort, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(client).pipe(onward);
      });
      onward.on('error', () => client.destroy());
      client.once('close', () => onward.destroy());
    });
    return { way: at(await listen(server)), asked };
  }

  /** One that breaks every connection off, or, silent, never answers; and how often it was tried. */
  async function goneProxy(onTried?: () => void) {
    let tried = 0;
    const server = createServer((socket) => {
      tried += 1;
      if (onTried === undefined) socket.destroy();
      else socket.once('data', onTried);
    });
    const close = async () => {
      servers.splice(servers.indexOf(server), 1);
      await new Promise((resolve) => server.close(resolve));
    };
    return { way: at(await listen(server)), tried: () => tried, close };
  }

  function asking(ways: readonly ProxyWay[], clock: Pick<Clock, 'after'> = systemClock) {
    const client = createHttpClient({ clock, ca: authority.cert, proxyFor: async () => ways });
    clients.push(client);
    return async (
      name: string,
      { issuer = 'https://id.example', signal = new AbortController().signal } = {},
    ) => {
      const request = { method: 'POST', url: new URL(`${issuer}/${name}`), body: 'x', signal };
      return (await client.request(request)).text;
    };
  }

  it('are taken in turn where a proxy is gone, which is then passed over for a while', async () => {
    const [gone, living] = [await goneProxy(), await proxy()];
    const limits: { readonly ms: number; readonly end: () => void }[] = [];
    const clock: Pick<Clock, 'after'> = {
      after: (ms, end) => {
        const limit = { ms, end };
        limits.push(limit);
        return () => limits.splice(limits.indexOf(limit), 1);
      },
    };
    const ask = asking([gone.way, living.way], clock);
    expect(await ask('first')).toBe('here');
    expect(await ask('second')).toBe('here');
    expect([gone.tried(), seen]).toEqual([1, ['/first', '/second']]);
    const asides = limits.filter(({ ms }) => ms === 5 * 60_000);
    expect(asides).toHaveLength(1);
    asides[0]?.end();
    expect(await ask('third')).toBe('here');
    expect([gone.tried(), seen.length]).toEqual([2, 3]);
  });

  it('may end without a proxy', async () => {
    const gone = await goneProxy();
    const here = https.createServer(authority.issue({ name: 'localhost' }), (_request, response) =>
      response.end('direct'),
    );
    const issuer = `https://localhost:${await listen(here)}`;
    expect(await asking([gone.way, 'direct'])('x', { issuer })).toBe('direct');
    expect(gone.tried()).toBe(1);
  });

  it('of plain http are taken in turn as well', async () => {
    const [gone, living] = [await goneProxy(), await proxy()];
    // One that breaks off may have got a request in the clear: only one that is not there at all is passed over.
    await gone.close();
    const ask = asking([gone.way, living.way]);
    expect(await ask('plain', { issuer: 'http://id.example' })).toBe('from the proxy');
    expect(living.asked).toEqual(['http://id.example/plain']);
  });

  it('stay as they are where a proxy is there and refuses', async () => {
    const [refusing, living] = [await proxy(403), await proxy()];
    await expect(asking([refusing.way, living.way])('x')).rejects.toThrow(
      'refuses the connection (status 403)',
    );
    expect(living.asked).toEqual([]);
  });

  it('stay as they are where a request in the clear was broken off', async () => {
    const [breaking, living] = [await goneProxy(), await proxy()];
    await expect(
      asking([breaking.way, living.way])('x', { issuer: 'http://id.example' }),
    ).rejects.toMatchObject({ maybeSent: true });
    expect(living.asked).toEqual([]);
  });

  it('stay as they are where the request may have arrived', async () => {
    const [first, second] = [await proxy(), await proxy()];
    hangsUp = true;
    await expect(asking([first.way, second.way])('x')).rejects.toMatchObject({ maybeSent: true });
    expect([seen, second.asked]).toEqual([['/x'], []]);
  });

  it('are all named where none leads anywhere', async () => {
    const [one, two] = [await goneProxy(), await goneProxy()];
    const failure: unknown = await asking([one.way, two.way])('x').catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ kind: 'proxy', maybeSent: false });
    for (const { way } of [one, two])
      expect((failure as Error).message).toContain(`The proxy 127.0.0.1:${way.port} cannot be reached: `);
  });

  it('of a proxy that says nothing end with its limit, and the next is taken', async () => {
    const running: (() => void)[] = [];
    const clock: Pick<Clock, 'after'> = {
      after: (_ms, end) => {
        running.push(end);
        return () => void running.splice(running.indexOf(end), 1);
      },
    };
    // As timers do: those of one length in the order in which they were set.
    const silent = await goneProxy(() => running[0]?.());
    const living = await proxy();
    expect(await asking([silent.way, living.way], clock)('x')).toBe('here');
    expect([silent.tried(), living.asked]).toEqual([1, ['id.example:443']]);
  });

  it('are tried no more once the request was called off', async () => {
    const calledOff = new AbortController();
    const reason = new Error('called off');
    const silent = await goneProxy(() => calledOff.abort(reason));
    const living = await proxy();
    await expect(asking([silent.way, living.way])('x', { signal: calledOff.signal })).rejects.toBe(reason);
    expect(living.asked).toEqual([]);
  });
});
