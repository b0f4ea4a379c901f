import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { shellQuote } from './quote.ts';

const hostile = [
  "a'; reboot",
  "'",
  "''",
  "'\\''",
  '$(reboot)',
  '`reboot`',
  '$HOME',
  '\\',
  '\n',
  '',
  '-n',
  '%s%n',
  '*',
  '~',
  '!!',
  'a\tb\r\nc ',
  '\x1b[2J',
  'ü温\u{1f680}',
];

const shells = ['/bin/sh', '/bin/bash'].filter((shell) => spawnSync(shell, ['-c', 'exit 0']).status === 0);

describe.each(shells)('a quoted word in %s', (shell) => {
  /** Many values per process; a NUL, which no word can hold, parts them. */
  const throughShell = (texts: readonly string[]): string[] => {
    const script = texts.map((text) => `printf '%s\\0' ${shellQuote(text)}\n`).join('');
    return runShell(script, { shell }).stdout.split('\0').slice(0, -1);
  };

  it('stands for exactly the hostile text', () => {
    expect(throughShell(hostile)).toEqual(hostile);
  });

  it('stands for exactly any text without NUL', () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...`'"\\$\`!\n ;&|<>(){}*?~#=-a`), maxLength: 30 }),
      fc.string({ unit: 'binary', maxLength: 60 }).map((any) => any.replaceAll('\0', '')),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 50, maxLength: 120 }), (texts) => {
        expect(throughShell(texts)).toEqual(texts);
      }),
      { numRuns: 8 },
    );
  });
});

it('refuses NUL, which would cut the word off', () => {
  expect(() => shellQuote('a\0b')).toThrow(RangeError);
});
