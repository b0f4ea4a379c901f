import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { patience, unlessItHangs } from '../../testing/patience.ts';
import { systemClock } from '../system/clock.ts';
import { createHttpClient, type HttpClient } from './http.ts';

let server: Server;
let connections: number;
let http: HttpClient;

beforeEach(async () => {
  connections = 0;
  server = createServer((_request, response) => response.end('here'));
  // It closes none by itself, however long this computer takes between two requests.
  server.keepAliveTimeout = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  http = createHttpClient({ clock: systemClock });
  stopTime();
});
afterEach(async () => {
  vi.restoreAllMocks();
  http.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function ask(liveConnection: boolean): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const signal = unlessItHangs();
  const url = new URL(`http://127.0.0.1:${port}/`);
  expect((await http.request({ method: 'POST', url, signal, liveConnection })).text).toBe('here');
}

let passed: { awake: number; onTheWall: number };

/** From now on time passes only when it is told to. */
function stopTime(): void {
  const [now, wall] = [performance.now(), Date.now()];
  passed = { awake: 0, onTheWall: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => now + passed.awake);
  vi.spyOn(Date, 'now').mockImplementation(() => wall + passed.onTheWall);
}

/** So much time goes by; a computer that sleeps counts it by the clock on the wall alone. */
function later(ms: number, asleep = false): void {
  passed.onTheWall += ms;
  if (!asleep) passed.awake += ms;
}

const openConnections = () =>
  new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

it('sends on the connection that has just answered', async () => {
  await ask(false);
  later(500);
  await ask(true);
  await ask(true);
  expect(connections).toBe(1);
});

it.each([
  ['while it was awake', false],
  ['asleep', true],
])(
  'sends on a new connection when the others have been idle for long %s, and closes those',
  async (_how, asleep) => {
    await Promise.all([ask(false), ask(false)]);
    expect(connections).toBe(2);
    later(1_100, asleep);
    await ask(true);
    expect(connections).toBe(3);
    await ask(true);
    expect(connections).toBe(3);
    await expect.poll(openConnections, patience).toBe(1);
  },
);

it('sends what may be sent twice on any connection that was kept', async () => {
  await ask(false);
  later(60_000);
  await ask(false);
  expect(connections).toBe(1);
});

it('leaves the other connections alone while the one that is used is live', async () => {
  await Promise.all([ask(false), ask(false)]);
  later(1_100);
  await ask(false);
  await ask(true);
  expect([connections, await openConnections()]).toEqual([2, 2]);
});
