import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { type ServeParentOptions, type StartedLab, serveParent } from './serve-parent.ts';

function setUp(start: ServeParentOptions['start']) {
  const messages = new EventEmitter();
  const postMessage = vi.fn();
  const exit = vi.fn();
  const parent = {
    postMessage,
    on: (event: 'message', listener: () => void) => messages.on(event, listener),
  };
  const end = serveParent({ parent, start, exit });
  return { postMessage, exit, end, shutDown: () => messages.emit('message', { type: 'shut-down' }) };
}

const running = (): StartedLab & { stop: ReturnType<typeof vi.fn> } => ({
  profilePath: 'profile.toml',
  stop: vi.fn(async () => undefined),
});

test('tells that the lab is ready, and stops it when asked', async () => {
  const lab = running();
  const { postMessage, exit, shutDown } = setUp(async (_signal, onProgress) => {
    onProgress('starting nats-server');
    return lab;
  });
  await vi.waitFor(() => expect(postMessage).toHaveBeenCalledTimes(2));
  expect(postMessage.mock.calls).toEqual([
    [{ type: 'progress', text: 'starting nats-server' }],
    [{ type: 'ready', profilePath: 'profile.toml' }],
  ]);
  shutDown();
  shutDown();
  await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(0));
  expect(lab.stop).toHaveBeenCalledOnce();
});

test('breaks off a lab that is still starting, and says nothing of it', async () => {
  let signal: AbortSignal | undefined;
  const { postMessage, exit, shutDown } = setUp((given) => {
    signal = given;
    return new Promise((_resolve, reject) => {
      given.addEventListener('abort', () => reject(given.reason), { once: true });
    });
  });
  shutDown();
  expect(signal?.aborted).toBe(true);
  await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(0));
  expect(postMessage).not.toHaveBeenCalled();
});

test('stops a lab that was ready all the same', async () => {
  const lab = running();
  let finish: (lab: StartedLab) => void = () => undefined;
  const { postMessage, exit, end } = setUp(() => new Promise((resolve) => (finish = resolve)));
  const ending = end();
  expect(exit).not.toHaveBeenCalled();
  finish(lab);
  await ending;
  expect(lab.stop).toHaveBeenCalledOnce();
  expect(exit).toHaveBeenCalledWith(0);
  expect(postMessage).not.toHaveBeenCalled();
});

test('tells a failure and can be ended after it', async () => {
  const { postMessage, exit, shutDown } = setUp(() => Promise.reject(new Error('No nats-server.')));
  await vi.waitFor(() =>
    expect(postMessage).toHaveBeenCalledWith({ type: 'failed', text: 'No nats-server.' }),
  );
  shutDown();
  await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(0));
});
