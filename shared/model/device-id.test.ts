import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeviceIdRule, machineUserName, parseDeviceId } from './device-id.ts';

const broken: [string, DeviceIdRule, number][] = [
  ['', 'empty', 1],
  ['a'.repeat(64), 'label-too-long', 64],
  [`ok.${'b'.repeat(64)}`, 'label-too-long', 67],
  [`${'a'.repeat(63)}.`.repeat(4).slice(0, 254), 'too-long', 254],
  ['Board-1', 'capital-letter', 1],
  ['board-A', 'capital-letter', 7],
  ['board_1', 'character', 6],
  ['board 1', 'character', 6],
  [' board', 'character', 1],
  ['board\n', 'character', 6],
  ['bo\u200bard', 'character', 3],
  ['boärd', 'character', 3],
  ['böard\u{1f600}', 'character', 2],
  ['a\u{1f600}', 'character', 2],
  ["a'; reboot", 'character', 2],
  ['../etc', 'label-empty', 1],
  ['.a', 'label-empty', 1],
  ['a.', 'label-empty', 3],
  ['a..b', 'label-empty', 3],
  ['-a', 'label-start', 1],
  ['a.-b', 'label-start', 3],
  ['a-', 'label-end', 2],
  ['ab-.c', 'label-end', 3],
  ['-', 'label-start', 1],
];

describe('parseDeviceId', () => {
  it.each(['a', '0', 'board-01', 'a.b.c', '10.0.0.1', 'a'.repeat(63), 'a--b'])('accepts %s', (text) => {
    expect(parseDeviceId(text)).toEqual({ ok: true, id: text });
  });

  it('accepts 253 characters', () => {
    const text = [63, 63, 63, 61].map((length) => 'a'.repeat(length)).join('.');
    expect(text).toHaveLength(253);
    expect(parseDeviceId(text).ok).toBe(true);
  });

  it.each(broken)('refuses %j by the rule %s at %i', (text, rule, position) => {
    const result = parseDeviceId(text);
    expect(result).toMatchObject({ ok: false, problem: { rule, position } });
    if (!result.ok) expect(result.problem.says).toMatch(/^.+\.$/);
  });

  it('names what cannot be seen by its code point, in a readable sentence', () => {
    const result = parseDeviceId('bo\u202eard');
    expect(result.ok ? '' : result.problem.says).toBe(
      'the character U+202E at position 3 is not allowed. Use a-z, 0-9, hyphen, and dots between parts.',
    );
  });

  it('accepts exactly the RFC 1123 subdomains, and repairs nothing', () => {
    /** Written from the RFC's grammar, apart from the code under test. */
    const isSubdomain = (text: string): boolean => {
      if (text.length < 1 || text.length > 253) return false;
      const letter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
      return text.split('.').every((label) => {
        const codes = [...label].map((character) => character.codePointAt(0) ?? 0);
        if (codes.length < 1 || codes.length > 63) return false;
        if (!letter(codes[0] ?? 0) || !letter(codes.at(-1) ?? 0)) return false;
        return codes.every((code) => letter(code) || code === 45);
      });
    };
    const nearly = fc.string({ unit: fc.constantFrom(...'ab9-.-.A_ é'), maxLength: 12 });
    const long = fc
      .array(fc.integer({ min: 60, max: 65 }), { minLength: 1, maxLength: 5 })
      .map((lengths) => lengths.map((length) => 'x'.repeat(length)).join('.'));
    fc.assert(
      fc.property(fc.oneof(nearly, long, fc.string({ unit: 'binary' })), (text) => {
        const result = parseDeviceId(text);
        expect(result.ok).toBe(isSubdomain(text));
        if (result.ok) expect(result.id).toBe(text);
        else expect(result.problem.position).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
  });

  it('names the machine user of a device', () => {
    const result = parseDeviceId('board-01');
    expect(result.ok && machineUserName(result.id)).toBe('device-board-01');
  });
});
