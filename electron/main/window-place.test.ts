import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlace } from './window-place.ts';

const screen = { x: 0, y: 0, width: 1920, height: 1080 };
const place = (bounds: object, maximized: unknown = false) => JSON.stringify({ bounds, maximized });
const good = { x: 80, y: 50, width: 1440, height: 900 };

describe('readPlace', () => {
  test('gives the remembered place', () => {
    expect(readPlace(place(good, true), [screen])).toEqual({ bounds: good, maximized: true });
  });

  test.each([
    ['no JSON', '{'],
    ['nothing', 'null'],
    ['a smaller window than fits', place({ ...good, width: 300 })],
    ['half a pixel', place({ ...good, x: 0.5 })],
    ['text for a number', place({ ...good, x: '80' })],
    ['an endless window', place({ ...good, width: 1e9 })],
    ['no flag', place(good, 'yes')],
    ['a place to the right of every screen', place({ ...good, x: 1900 })],
    ['a place below every screen', place({ ...good, y: 1070 })],
    ['a title bar above the screen', place({ ...good, y: -40 })],
  ])('forgets %s', (_name, json) => {
    expect(readPlace(json, [screen])).toBeUndefined();
  });

  test('a second screen counts, and its absence does too', () => {
    const onSecond = place({ ...good, x: 2000 });
    expect(readPlace(onSecond, [screen, { ...screen, x: 1920 }])).toBeDefined();
    expect(readPlace(onSecond, [screen])).toBeUndefined();
  });

  test('survives any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => readPlace(text, [screen]) === undefined),
    );
  });
});
