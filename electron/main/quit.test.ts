import { expect, test } from 'vitest';
import { quitInOrder } from './quit.ts';

/** An app whose parts tell when their turn comes; `fails`: parts that throw then. */
function app(fails: readonly string[] = []) {
  const events: string[] = [];
  const waiting = new Map<string, () => void>();
  const part = (name: string) => () => {
    events.push(name);
    if (fails.includes(name)) return Promise.reject(new Error(`${name} failed`));
    return new Promise<void>((resolve) => waiting.set(name, resolve));
  };
  const ended = quitInOrder({
    window: { hide: () => events.push('hide'), close: part('close') },
    stopParts: part('stop'),
    exit: (status) => events.push(`exit ${status}`),
    warn: (text) => events.push(text),
  });
  /** Ends a part, and gives what has happened by then. */
  const end = async (name: string): Promise<readonly string[]> => {
    await expect.poll(() => waiting.has(name)).toBe(true);
    waiting.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
    return [...events];
  };
  return { events, ended, end };
}

test('the window is out of sight first, closed after engine and lab, and gone before the process ends', async () => {
  const { events, ended, end } = app();
  expect(events).toEqual(['hide', 'stop']);
  expect(await end('stop')).toEqual(['hide', 'stop', 'close']);
  expect(await end('close')).toEqual(['hide', 'stop', 'close', 'exit 0']);
  await ended;
});

test('what does not end in order is told, and keeps nothing else from its end', async () => {
  const { events, ended } = app(['stop', 'close']);
  await ended;
  const told = (name: string) => `Not everything ended in order: ${name} failed`;
  expect(events).toEqual(['hide', 'stop', told('stop'), 'close', told('close'), 'exit 0']);
});

test('an app that ends before it has a window ends its parts', async () => {
  const events: string[] = [];
  await quitInOrder({
    window: undefined,
    stopParts: async () => void events.push('stop'),
    exit: (status) => events.push(`exit ${status}`),
    warn: (text) => events.push(text),
  });
  expect(events).toEqual(['stop', 'exit 0']);
});
