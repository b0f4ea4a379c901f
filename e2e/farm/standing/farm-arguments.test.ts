import { expect, test } from 'vitest';
import { readFarmArguments } from './farm-arguments.ts';

test('up takes a number, a release, packages and conditions', () => {
  const words = 'up 8 --suite trixie --packages installed --condition sudo-password --condition noisy-shell';
  expect(readFarmArguments(words.split(' '))).toEqual({
    command: 'up',
    request: {
      count: 8,
      suite: 'trixie',
      packages: 'installed',
      conditions: ['sudo-password', 'noisy-shell'],
    },
  });
  expect(readFarmArguments(['up'])).toMatchObject({
    request: { count: 1, suite: 'bookworm', conditions: [] },
  });
});

test('run and shell pass the rest on as it is', () => {
  expect(readFarmArguments(['run', 'npm', 'start', '--', '--headless'])).toEqual({
    command: 'run',
    rest: ['npm', 'start', '--', '--headless'],
  });
  expect(readFarmArguments(['shell', 'farm-01', 'uname', '-a'])).toEqual({
    command: 'shell',
    name: 'farm-01',
    rest: ['uname', '-a'],
  });
});

test.each([
  [['up', '0'], '1 to 60'],
  [['up', '8', '9'], '8 9'],
  [['up', '--suite', 'sid'], 'bookworm, trixie'],
  [['up', '--condition', 'on-fire'], 'sudo-password'],
  [['up', '--loud'], "Unknown option '--loud'"],
  [['down', 'now'], 'takes nothing more'],
  [['shell'], 'needs the name'],
  [['run'], 'needs a command'],
  [['burn'], 'There is no "farm burn"'],
  [[], 'npm run farm -- up'],
])('%j is refused with what there is', (args, says) => {
  expect(() => readFarmArguments(args)).toThrow(says);
});
