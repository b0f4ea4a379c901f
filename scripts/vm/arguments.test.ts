import { describe, expect, test } from 'vitest';
import { readVmArguments, usage } from './arguments.ts';

describe('the arguments of npm run vm', () => {
  test('start a VM called pi when there are none', () => {
    expect(readVmArguments([])).toEqual({
      ...{ action: 'start', name: 'pi', ramMiB: 1_024, cpus: 2 },
      ...{ fresh: false, sudoPassword: false, offline: false },
    });
  });

  test('are all read', () => {
    const words =
      'start --name b-1 --release trixie --date 20260112-2355 --fresh --ram 2048 --cpus 4 --disk 16 --port 2300 --sudo-password --offline --clock 2020-02-29T23:59:59 --limit 60';
    expect(readVmArguments(words.split(' '))).toEqual({
      ...{ action: 'start', name: 'b-1', ramMiB: 2_048, cpus: 4, diskGiB: 16, port: 2_300 },
      ...{ fresh: true, sudoPassword: true, offline: true, clock: '2020-02-29T23:59:59', limitSeconds: 60 },
      image: { kind: 'debian', release: 'trixie', date: '20260112-2355' },
    });
    expect(readVmArguments(['--image', 'disk.img'])).toMatchObject({
      image: { kind: 'file', file: 'disk.img' },
    });
    expect(readVmArguments(['--date=20260112-2355'])).toMatchObject({ image: { release: 'bookworm' } });
  });

  test('stop and list', () => {
    expect(readVmArguments(['stop'])).toEqual({ action: 'stop', name: 'pi' });
    expect(readVmArguments(['--stop', '--name', 'b-1'])).toEqual({ action: 'stop', name: 'b-1' });
    expect(readVmArguments(['list'])).toEqual({ action: 'list' });
    expect(readVmArguments(['-h'])).toEqual({ action: 'help' });
  });

  test.each([
    ['restart', 'not a word'],
    ['start now', 'not a word'],
    ['--nam x', '--nam'],
    ['--name Pi', '--name takes'],
    ['--name ../x', '--name takes'],
    [`--name ${'a'.repeat(33)}`, '--name takes'],
    ['--release sid', '--release takes bookworm or trixie'],
    ['--date latest', '--date takes'],
    ['--date 20260112/../..', '--date takes'],
    ['--image a --release bookworm', 'do not go with it'],
    ['--ram 256', '--ram takes a number from 512'],
    ['--ram 1e3', '--ram takes'],
    ['--cpus 9', '--cpus takes'],
    ['--port 0', '--port takes'],
    ['--disk 2', '--disk takes'],
    ['--limit soon', '--limit takes'],
    ['--clock 2021-02-29T00:00:00', '--clock takes'],
    ['--clock yesterday', '--clock takes'],
  ])('refuse %s', (words, sentence) => {
    expect(() => readVmArguments(words.split(' '))).toThrow(sentence);
  });

  test('are all in the usage', () => {
    const named = [
      'name',
      'release',
      'date',
      'image',
      'fresh',
      'ram',
      'cpus',
      'disk',
      'port',
      'sudo-password',
    ];
    for (const option of [...named, 'offline', 'clock', 'limit', 'stop'])
      expect(usage).toContain(`--${option}`);
  });
});
