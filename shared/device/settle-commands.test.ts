import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { setClock } from './settle-commands.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('date', 'echo "Mon Jan  5 06:00:00 UTC 2026"');
  root.standIn('hwclock', ':');
});

afterEach(() => {
  root.remove();
});

describe('setting the clock', () => {
  const run = () => runShell(setClock(1_767_592_800.4).script, { env: root.env });

  it('sets the system clock, in UTC, and no hardware clock where there is none', () => {
    expect(run().status).toBe(0);
    expect(root.calls()).toEqual(['date -u -s @1767592800']);
  });

  it('sets the hardware clock too, once', () => {
    root.write('/dev/rtc', '');
    root.write('/dev/rtc0', '');
    expect(run()).toMatchObject({ status: 0, stdout: expect.stringContaining('hardware clock is set') });
    expect(root.calls()).toEqual(['date -u -s @1767592800', 'hwclock --systohc']);
  });

  it('says so where the hardware clock cannot be set, and does not fail', () => {
    root.write('/dev/rtc0', '');
    root.standIn('hwclock', 'exit 1');
    expect(run()).toMatchObject({ status: 0, stdout: expect.stringContaining('was not set') });
  });

  it('fails where the system clock cannot be set', () => {
    root.standIn('date', 'echo "date: cannot set date: Operation not permitted" >&2; exit 1');
    expect(run().status).toBe(1);
  });
});
