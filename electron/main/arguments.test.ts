import { describe, expect, test } from 'vitest';
import { type ArgumentsContext, readArguments } from './arguments.ts';

const development: ArgumentsContext = {
  packaged: false,
  startedByPath: true,
  platform: 'linux',
  workingDirectory: '/work',
};
const product: ArgumentsContext = { ...development, packaged: true, startedByPath: false };

const nothing = { userDataDir: undefined, profile: undefined, lab: false, devices: undefined };

describe('readArguments', () => {
  test.each([
    [['.'], nothing],
    [['.', '--lab'], { ...nothing, lab: true }],
    [['.', '--lab', '--devices', '30'], { ...nothing, lab: true, devices: 30 }],
    [['.', '--lab', '--devices=30'], { ...nothing, lab: true, devices: 30 }],
    [['.', '--profile', 'bench.toml'], { ...nothing, profile: '/work/bench.toml' }],
    [['.', '--profile=/etc/bench=1.toml'], { ...nothing, profile: '/etc/bench=1.toml' }],
    [['.', '--user-data-dir', 'data'], { ...nothing, userDataDir: '/work/data' }],
    [['.', '--user-data-dir=/data'], { ...nothing, userDataDir: '/data' }],
    [['--no-sandbox', '--inspect=0', '--remote-debugging-port=0', '.', '--lab'], { ...nothing, lab: true }],
  ])('a development build reads %j', (words, expected) => {
    expect(readArguments(words, development)).toEqual({ ok: true, arguments: expected });
  });

  test.each([
    [['.', '--profile'], '--profile needs a value.'],
    [['.', '--profile='], '--profile needs a value.'],
    [['.', '--profile', '--lab'], '--profile needs a value.'],
    [['.', '--profile=a', '--profile=b'], '--profile is there twice.'],
    [['.', '--lab', '--profile=a'], '--lab brings its own profile.'],
    [['.', '--lab=yes'], '--lab takes no value.'],
    [['.', '--devices=3'], 'Use it with --lab.'],
    [['.', '--lab', '--devices=0'], '--devices is a number from 1 to 500.'],
    [['.', '--lab', '--devices=501'], '--devices is a number from 1 to 500.'],
    [['.', '--lab', '--devices=1e2'], '--devices is a number from 1 to 500.'],
    [['.', '--lab', '--devices=-1'], '--devices is a number from 1 to 500.'],
    [['.', 'x'], '"x" is one argument too many.'],
    [['.', '--headles'], 'The switch "--headles" is not allowed.'],
  ])('%j is explained', (words, says) => {
    const result = readArguments(words, development);
    expect(result).toMatchObject({ ok: false, says: expect.stringContaining(says) });
    expect(result).toMatchObject({ says: expect.stringContaining('--profile FILE, --lab, --devices N') });
  });

  const dangerous = [
    '--remote-debugging-port=9222',
    '-remote-debugging-port=9222',
    '--REMOTE-DEBUGGING-PORT=9222',
    '--remote-debugging-pipe',
    '--remote-allow-origins=*',
    '--inspect',
    '--inspect-brk=0',
    '--inspect=0.0.0.0:9229',
    '--no-sandbox',
    '--js-flags=--expose-gc',
    '--load-extension=/tmp/x',
    '--proxy-server=evil:1',
    '--host-rules=MAP * 127.0.0.1',
    '--ignore-certificate-errors',
    '--disable-web-security',
    '--renderer-cmd-prefix=sh',
    '--utility-cmd-prefix=sh',
    '--gpu-launcher=sh',
    '--require=/tmp/x.js',
    '-r',
    '--app=/tmp/evil',
    '--',
    '-',
    '--enable-logging',
    '--log-net-log=/tmp/x',
    '/etc/passwd',
    'muster://run?command=x',
    'https://example.invalid/',
  ];
  test.each(dangerous)('the product refuses %s', (word) => {
    expect(readArguments([word], product).ok).toBe(false);
    expect(readArguments(['--lab', word], product).ok).toBe(false);
  });

  test.each(
    dangerous.filter((word) => !/^-+(remote-debugging-port|inspect|no-sandbox|enable-logging)/i.test(word)),
  )('a development build refuses %s as well', (word) => {
    expect(readArguments(['.', word], development).ok).toBe(false);
  });

  test('Windows takes a slash for a dash, so it is read as one', () => {
    const windows: ArgumentsContext = { ...product, platform: 'win32' };
    expect(readArguments(['/remote-debugging-port=1'], windows).ok).toBe(false);
    expect(readArguments(['/inspect'], { ...windows, packaged: false }).ok).toBe(true);
  });

  test('the Finder’s process number is no argument of ours', () => {
    expect(readArguments(['-psn_0_12345'], { ...product, platform: 'darwin' }).ok).toBe(true);
    expect(readArguments(['-psn_0_12345'], product).ok).toBe(false);
  });
});
