import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readArguments } from './setup/with-keyring.mjs';
import { chooseProgram } from './start.mjs';
import { chosenStages } from './test.mjs';

describe('npm start', () => {
  test('opens the Station on the lab', () => {
    expect(chooseProgram([], true)).toEqual({ mode: 'window', asked: false, args: ['--lab'] });
    expect(chooseProgram(['--user-data-dir', 'x'], true).args).toEqual(['--lab', '--user-data-dir', 'x']);
  });

  test.each([['--profile', 'own.toml'], ['--profile=own.toml']])('leaves the lab out for %s', (...args) => {
    expect(chooseProgram(args, true)).toEqual({ mode: 'window', asked: false, args });
  });

  test('does not say --lab twice', () => {
    expect(chooseProgram(['--lab', '--devices', '3'], true).args).toEqual(['--lab', '--devices', '3']);
  });

  test('takes the terminal when asked or without a display, with every other argument', () => {
    const args = ['--headless', '--devices', '3', '--summary', 'out.json'];
    const passedOn = ['--devices', '3', '--summary', 'out.json'];
    expect(chooseProgram(args, true)).toEqual({ mode: 'terminal', asked: true, args: passedOn });
    expect(chooseProgram(passedOn, false)).toEqual({ mode: 'terminal', asked: false, args: passedOn });
  });

  test('refuses a profile in the terminal before anything is set up', () => {
    expect(chooseProgram(['--headless', '--profile', 'own.toml'], true).refusal).toContain(
      '--profile needs a window',
    );
    expect(chooseProgram(['--profile=own.toml'], false).refusal).toContain('no display');
    expect(chooseProgram(['--headless'], true).refusal).toBeUndefined();
    const start = spawnSync(process.execPath, ['scripts/start.mjs', '--headless', '--profile', 'own.toml'], {
      cwd: path.resolve(import.meta.dirname, '..'),
      encoding: 'utf8',
    });
    expect(start.status).toBe(2);
    expect(start.stderr).toMatch(/^start: The run in the terminal is the lab's: [^\n]+\n$/);
  });
});

describe('npm test', () => {
  test('runs all stages, or the named ones in their usual order', () => {
    expect(chosenStages([])).toEqual(['check', 'unit', 'e2e', 'farm']);
    expect(chosenStages(['e2e', 'check'])).toEqual(['check', 'e2e']);
    expect(chosenStages(['vm', 'unit'])).toEqual(['unit', 'vm']);
    expect(() => chosenStages(['everything'])).toThrow(/no stage "everything"/);
  });
});

describe('with-keyring', () => {
  test('splits its own options from the command', () => {
    expect(readArguments(['--limit=5', '--display', 'ls', '--limit=7'])).toEqual({
      limitMs: 5_000,
      display: true,
      command: ['ls', '--limit=7'],
    });
    expect(readArguments(['--', '--odd-program'])).toEqual({ display: false, command: ['--odd-program'] });
  });

  test.each([[[]], [['--limit=5']], [['--']], [['--limt=5', 'ls']], [['--limit=soon', 'ls']]])(
    'refuses %j',
    (args) => {
      expect(() => readArguments(args)).toThrow(/with-keyring/);
    },
  );
});
