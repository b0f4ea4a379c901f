import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from './printable.ts';

const hidden = [
  0x00ad, 0x061c, 0x180e, 0x200b, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069,
];

describe('printable', () => {
  it('shows every control character, C0 and C1, as an escape', () => {
    for (const code of [...Array(0x20).keys(), 0x7f, ...Array.from({ length: 0x20 }, (_v, i) => 0x80 + i)]) {
      const text = printable(`a${String.fromCharCode(code)}b`);
      expect(text).toBe(code === 9 ? 'a  b' : `a\\x${code.toString(16).padStart(2, '0')}b`);
    }
  });

  it.each([...hidden, 0xfeff, 0xfffb, 0xe0041, 0xd800])(
    'shows U+%i, which hides or reorders text',
    (code) => {
      expect(printable(`a${String.fromCodePoint(code)}b`)).toBe(`a${escapeOf(code)}b`);
    },
  );

  it('makes a terminal sequence harmless', () => {
    expect(printable('\x1b[2J\x1b]0;title\x07')).toBe('\\x1b[2J\\x1b]0;title\\x07');
  });

  it('keeps newlines only when asked', () => {
    expect(printable('a\nb')).toBe('a\\x0ab');
    expect(printable('a\r\nb', { keepNewlines: true })).toBe('a\\x0d\nb');
  });

  it('leaves readable text of any language alone', () => {
    for (const text of ['Größe 12 µm', '温度', 'שלום', '🚀 ok', "it's \\x1b"])
      expect(printable(text)).toBe(text);
  });

  it('cuts what is too long and says how much is missing', () => {
    expect(printable('a'.repeat(20_000))).toBe(`${'a'.repeat(16_384)}… (3616 more)`);
  });

  it('never gives back anything unsafe, and changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const once = printable(text);
        expect(once).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}|\p{Cs}|[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u);
        expect(printable(once)).toBe(once);
      }),
    );
  });
});

function escapeOf(code: number): string {
  const hex = code.toString(16);
  return code <= 0xff ? `\\x${hex}` : `\\u{${hex}}`;
}
