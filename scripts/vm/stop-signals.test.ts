import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { listenForStop } from './stop-signals.ts';

test('the first press shuts down, the second cuts the power', () => {
  const source = new EventEmitter();
  let time = 1_000;
  const signals = listenForStop(source as unknown as NodeJS.Process, () => time);
  expect(signals.stop.aborted).toBe(false);
  source.emit('SIGINT');
  expect([signals.stop.aborted, signals.cut.aborted]).toEqual([true, false]);
  time += 20; // The same press, passed on by npm.
  source.emit('SIGINT');
  expect(signals.cut.aborted).toBe(false);
  time += 2_000;
  source.emit('SIGTERM');
  expect(signals.cut.aborted).toBe(true);
  expect(signals.status()).toBe(130);
});
