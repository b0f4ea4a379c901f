import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../engine/ports.ts';
import { patience, unlessItHangs } from '../../../testing/patience.ts';
import { systemClock } from '../../system/clock.ts';
import { dial } from './dial.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** A server on one address of loopback that counts who calls. */
async function listen(
  address: string,
  port = 0,
): Promise<{ port: number; calls: () => number; live: () => number }> {
  let calls = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    calls += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, calls: () => calls, live: () => sockets.size };
}

/** Nobody takes who calls at this address any more, and nobody refuses: the line of those who wait is full. */
async function keepSilent(address: string, port: number): Promise<void> {
  const listens = `require('node:net').createServer().listen({ host: '${address}', port: ${port}, backlog: 1 }, () => console.log('here'))`;
  const child = spawn(process.execPath, ['-e', listens], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUp.push(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data', { signal: unlessItHangs() });
  child.kill('SIGSTOP');
  for (let waiting = 0; waiting < 2; waiting += 1) {
    const socket = connect(port, address);
    cleanUp.push(() => socket.destroy());
    await once(socket, 'connect', { signal: unlessItHangs() });
    socket.on('error', () => undefined);
  }
}

/** Whoever keeps silent for a while is passed over by one that runs, at once, and never by one that stands. */
const clockThat = (does: 'stands' | 'runs'): Clock => ({
  ...systemClock,
  after: (_ms, callback) => (does === 'runs' ? systemClock.after(0, callback) : () => undefined),
});

const dialAt = async (
  port: number,
  addresses: readonly string[],
  more: Partial<Parameters<typeof dial>[0]> = {},
) => {
  const socket = await dial({
    ...{ host: 'board', port, family: 0, clock: systemClock, signal: unlessItHangs() },
    resolve: async () => addresses,
    ...more,
  });
  cleanUp.push(() => socket.destroy());
  return socket;
};

describe('a name with several addresses', () => {
  it('is reached at the first one that answers, with one connection', async () => {
    const server = await listen('127.0.0.2');
    const socket = await dialAt(server.port, ['127.0.0.3', '::1', '127.0.0.2', '127.0.0.4']);
    expect(socket.remoteAddress).toBe('127.0.0.2');
    await expect.poll(server.live, patience).toBe(1);
    expect(server.calls()).toBe(1);
  });

  it('is called at one address only when that one answers at once', async () => {
    const first = await listen('127.0.0.2');
    const second = await listen('127.0.0.3', first.port);
    // However long it takes: on a busy computer nobody answers at once.
    await dialAt(first.port, ['127.0.0.2', '127.0.0.3'], { clock: clockThat('stands') });
    await expect.poll(first.live, patience).toBe(1);
    expect([first.calls(), second.calls()]).toEqual([1, 0]);
  });

  it('does not wait for an address that keeps silent', async () => {
    const server = await listen('127.0.0.2');
    await keepSilent('127.0.0.3', server.port);
    const socket = await dialAt(server.port, ['127.0.0.3', '127.0.0.2'], { clock: clockThat('runs') });
    expect(socket.remoteAddress).toBe('127.0.0.2');
  });

  it('fails with what the system says when none answers', async () => {
    const server = await listen('127.0.0.2');
    await expect(dialAt(server.port, ['127.0.0.3', '127.0.0.4'])).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await expect(dialAt(server.port, [])).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('is left alone when the caller gives up, and nothing waits any more', async () => {
    const timers = new Set<object>();
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback) => {
        const timer = {};
        timers.add(timer);
        const cancel = systemClock.after(ms, callback);
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
    };
    const stop = new AbortController();
    const dialling = dialAt(22, ['192.0.2.1', '192.0.2.2'], { clock, signal: stop.signal });
    stop.abort(new Error('stopped'));
    await expect(dialling).rejects.toThrow('stopped');
    expect(timers.size).toBe(0);
    await expect(dialAt(22, ['127.0.0.1'], { signal: stop.signal })).rejects.toThrow('stopped');
  });
});
