import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LabProcess } from './lab-process.ts';

const child = vi.hoisted(() => ({ current: undefined as unknown }));
vi.mock('electron', () => ({ utilityProcess: { fork: () => child.current } }));

class FakeChild extends EventEmitter {
  readonly pid = 4711;
  postMessage = vi.fn();
  kill = vi.fn();
}

let fake: FakeChild;
let lab: LabProcess;

beforeEach(() => {
  vi.useFakeTimers();
  fake = new FakeChild();
  child.current = fake;
  lab = new LabProcess({ file: 'lab.js', args: [], onProgress: () => undefined, onLost: () => undefined });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['failed', () => fake.emit('message', { type: 'failed', text: 'No nats-server.' }), 'No nats-server.'],
  ['of another shape', () => fake.emit('message', { type: 'odd' }), /another shape/],
  ['at its end', () => fake.emit('exit', 3), /status 3 before it was ready/],
])('a lab that is %s leaves no timer behind', async (_title, happen, text) => {
  const starting = lab.start();
  expect(vi.getTimerCount()).toBe(1);
  happen();
  await expect(starting).rejects.toThrow(text);
  expect(vi.getTimerCount()).toBe(0);
});

test('a lab that says nothing is given up after five minutes', async () => {
  const starting = expect(lab.start()).rejects.toThrow('not ready after 5 minutes');
  await vi.advanceTimersByTimeAsync(5 * 60_000);
  await starting;
});

test('a lab that is being ended says that it is', async () => {
  const starting = expect(lab.start()).rejects.toThrow(/status 0/);
  const stopping = lab.stop();
  expect(lab.stopped).toBe(true);
  expect(fake.postMessage).toHaveBeenCalledWith({ type: 'shut-down' });
  fake.emit('exit', 0);
  await Promise.all([starting, stopping]);
  expect(vi.getTimerCount()).toBe(0);
});
