import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { expect, it } from 'vitest';
import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { Secret } from './secret.ts';

const secret = new Secret('canary');
const held = { user: 'pi', nested: [{ secret }], map: new Map([['key', secret]]) };

function onConsole(value: unknown): string {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  new Console(stream).log('value', value, '%o %j', value);
  return text;
}

const ways: [string, () => string][] = [
  ['String()', () => String(secret)],
  ['a template', () => `${secret}`],
  ['joining', () => `token: ${[secret, 1].join()}`],
  ['JSON', () => JSON.stringify(held)],
  ['inspect', () => inspect(held, { depth: 9, showHidden: true })],
  ['inspect without custom', () => inspect(held, { depth: 9, showHidden: true, customInspect: false })],
  ['format', () => format('%s %o %O %j', secret, secret, held, held)],
  ['the console', () => onConsole(held)],
  ['an error', () => String(new Error(`refused: ${secret}`).stack)],
  ['its properties', () => JSON.stringify(Object.entries(secret)) + Reflect.ownKeys(secret).join()],
  ['a copy', () => JSON.stringify(structuredClone({ ...secret }))],
  ['Object’s own text', () => Object.prototype.toString.call(secret)],
  ['an error’s details', () => new EnrollmentError('STATION_BUG', { evidence: `${secret}` }).evidence ?? ''],
  ['an error view', () => JSON.stringify(toErrorView(new Error(`it was ${secret}`)))],
];

it.each(ways)('is not seen by way of %s', (_way, show) => {
  expect(show()).not.toContain('canary');
});

it('says that something is hidden', () => {
  expect([String(secret), JSON.stringify({ secret }), inspect(secret)]).toEqual([
    ...['[redacted]', '{"secret":"[redacted]"}', '[redacted]'],
  ]);
});

it('gives its value to whoever asks for it by name, and compares', () => {
  expect(secret.reveal()).toBe('canary');
  expect([secret.equals(new Secret('canary')), secret.equals(new Secret('other'))]).toEqual([true, false]);
  expect([secret.isEmpty, new Secret('').isEmpty]).toEqual([false, true]);
});
