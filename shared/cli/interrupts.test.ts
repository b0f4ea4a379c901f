import { describe, expect, it } from 'vitest';
import { isHangUpIgnored } from './hang-ups.ts';
import { Interrupts } from './interrupts.ts';

function interrupts(ignoresHangUp = false) {
  const listeners = new Map<string, () => void>();
  const exits: number[] = [];
  const notes: string[] = [];
  const made = new Interrupts(
    { on: (signal, listener) => listeners.set(signal, listener), exit: (code) => exits.push(code) },
    (text) => notes.push(text),
    { ignoresHangUp },
  );
  const get = (signal: string) => () => listeners.get(signal)?.();
  return { made, exits, notes, int: get('SIGINT'), term: get('SIGTERM'), hup: get('SIGHUP') };
}

describe('what ends a command early', () => {
  it('is a person, who can ask twice', () => {
    const { made, exits, notes, int, term } = interrupts();
    term();
    expect([made.exitCode, made.signal.aborted, notes.length, exits]).toEqual([143, true, 1, []]);
    int();
    expect([exits, notes.length]).toEqual([[143], 1]);
  });

  it('is a terminal that is gone, however often that is told', () => {
    const { made, exits, notes, hup } = interrupts();
    hup();
    hup();
    made.hangUp();
    expect([made.exitCode, made.signal.aborted, notes, exits]).toEqual([129, true, [], []]);
  });

  it('is not a terminal that is gone, where that is to be ignored', () => {
    const { made, hup } = interrupts(true);
    hup();
    made.hangUp();
    expect([made.exitCode, made.signal.aborted]).toEqual([undefined, false]);
  });

  it('leaves a person who was told nothing the first word', () => {
    const { made, exits, notes, int } = interrupts();
    made.stop(141);
    int();
    expect([made.exitCode, notes.length, exits]).toEqual([141, 1, []]);
    int();
    expect(exits).toEqual([141]);
  });
});

describe('whether a hang-up is to be ignored', () => {
  const reader = (files: Readonly<Record<string, string>>) => (path: string) => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };
  const stdin = (flags: string) => ({ '/proc/self/fdinfo/0': `pos:\t0\nflags:\t${flags}\nmnt_id:\t28\n` });
  const parent = (mask: string) => ({ '/proc/7/status': `SigBlk:\t0\nSigIgn:\t${mask}\nSigCgt:\t01\n` });

  it.each([
    ['a terminal', { ...stdin('02000002'), ...parent('0000000001001000') }, false],
    ['the standard input of nohup', { ...stdin('02100001'), ...parent('0000000000000000') }, true],
    ['a script under nohup', { ...stdin('02100000'), ...parent('0000000000000001') }, true],
    ['a parent that ignores other signals', { ...stdin('02100000'), ...parent('0000000000000006') }, false],
    ['a system that does not tell', {}, false],
  ])('%s', (_what, files, isIgnored) => {
    expect(isHangUpIgnored(7, reader(files))).toBe(isIgnored);
  });
});
