import { expect, test } from 'vitest';
import { needlesOf } from './forms.ts';

const word = 'canary "word" 1 ü/?';
const found = (text: string | Buffer, secrets: Readonly<Record<string, string>> = { word }): string[] =>
  needlesOf(secrets).flatMap(({ form, bytes }) => (Buffer.from(text).includes(bytes) ? [form] : []));

test.each([
  ['raw', word],
  ['hex', Buffer.from(word).toString('hex')],
  ['HEX', Buffer.from(word).toString('hex').toUpperCase()],
  ['url', encodeURIComponent(word)],
  ['json', JSON.stringify({ deep: [word] })],
  ['utf-16le', Buffer.from(word, 'utf16le')],
  ['utf-16be', Buffer.from(word, 'utf16le').swap16()],
])('finds a word as %s', (form, text) => {
  expect(found(text)).toContain(form);
});

test.each([0, 1, 2, 3, 4, 5])('finds a word in base64 of something longer, %i bytes in', (offset) => {
  const longer = Buffer.from(`${'x'.repeat(offset)}${word} and more`);
  expect(found(longer.toString('base64')).join()).toMatch(/base64/);
  expect(found(longer.toString('base64url')).join()).toMatch(/base64/);
});

test('finds a part of a long secret, also where it was broken into other lines', () => {
  const lines = Array.from(
    { length: 8 },
    (_, index) => `${index}`.repeat(20) + 'abcdefghijklmnopqrstuvwx'.slice(index) + `${index}`.repeat(30),
  );
  const key = `-----BEGIN X-----\n${lines.join('\n')}\n-----END X-----\n`;
  expect(found(lines.slice(3).join('\n'), { key })).toContain('raw');
  expect(found('-----BEGIN X-----', { key })).toEqual([]);
  expect(found(JSON.stringify({ key }), { key })).toContain('raw');
});

test('finds nothing where nothing is', () => {
  expect(found('another word, and canary "word" 1')).toEqual([]);
  expect(() => needlesOf({ key: '' })).toThrow(/too short/);
});
