import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../system/clock.ts';
import { createHttpClient, type HttpClient } from './http.ts';

let server: Server;
let connections: number;
let http: HttpClient;

beforeEach(async () => {
  connections = 0;
  server = createServer((_request, response) => response.end('here'));
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  http = createHttpClient({ clock: systemClock });
});
afterEach(async () => {
  vi.restoreAllMocks();
  http.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function ask(liveConnection: boolean): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const signal = AbortSignal.timeout(5_000);
  const url = new URL(`http://127.0.0.1:${port}/`);
  expect((await http.request({ method: 'POST', url, signal, liveConnection })).text).toBe('here');
}

/** As if so much time had gone by. */
function later(ms: number): void {
  const now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => now + ms);
}

it('sends on the connection that has just answered', async () => {
  await ask(false);
  later(900);
  await ask(true);
  await ask(true);
  expect(connections).toBe(1);
});

it('sends on a new connection when the others have been idle for long, and closes those', async () => {
  await Promise.all([ask(false), ask(false)]);
  expect(connections).toBe(2);
  later(1_100);
  await ask(true);
  expect(connections).toBe(3);
  await ask(true);
  expect(connections).toBe(3);
  const open = await new Promise<number>((resolve) =>
    server.getConnections((_error, count) => resolve(count)),
  );
  expect(open).toBe(1);
});

it('sends what may be sent twice on any connection that was kept', async () => {
  await ask(false);
  later(60_000);
  await ask(false);
  expect(connections).toBe(1);
});
