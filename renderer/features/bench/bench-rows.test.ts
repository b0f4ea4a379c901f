import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDeviceId } from '#shared/model/device-id.ts';
import type { BenchDevice, StationState } from '#shared/model/station-state.ts';
import { emptyStation } from '../../app/empty-station.ts';
import { foundState, isChosen, preflight } from './bench-rows.ts';
import { decideScan } from './scan.ts';
import { suggestDeviceId } from './suggest-id.ts';

const device = (rowId: string, part: Partial<BenchDevice> = {}): BenchDevice => ({
  rowId,
  deviceId: rowId,
  target: 'ssh://x',
  address: '10.0.0.1',
  ...part,
});

const problem: NonNullable<BenchDevice['problem']> = {
  code: 'DEVICE_ID_INVALID',
  title: 't',
  says: 's',
  cause: 'c',
  operatorDoes: 'd',
  retry: 'after-fix',
};

describe('a scan', () => {
  const bench = [
    device('a1'),
    device('r2', { deviceId: '', address: '10.0.0.2' }),
    device('r3', { deviceId: '' }),
  ];
  it('selects the row that has the id', () => {
    expect(decideScan('a1', bench)).toMatchObject({ does: 'select', rowId: 'a1' });
  });
  it('names the next device without a name', () => {
    expect(decideScan('b7', bench)).toMatchObject({ does: 'name', rowId: 'r2', says: 'named 10.0.0.2' });
  });
  it('is refused with the position of the wrong character', () => {
    expect(decideScan('b_7', bench)).toMatchObject({
      does: 'refuse',
      says: expect.stringContaining('position 2'),
    });
  });
  it('is refused when every device has a name', () => {
    expect(decideScan('b7', [device('a1')]).does).toBe('refuse');
  });
});

describe('what is chosen', () => {
  it('leaves out what is enrolled already, and can never hold a problem', () => {
    expect(isChosen(device('a'), {})).toBe(true);
    expect(isChosen(device('a', { lastState: 'enrolled' }), {})).toBe(false);
    expect(isChosen(device('a', { lastState: 'enrolled' }), { a: true })).toBe(true);
    expect(isChosen(device('a', { problem }), { a: true })).toBe(false);
    expect(foundState(device('a', { deviceId: '', problem }))).toBe('unnamed');
  });
});

describe('the offered id', () => {
  it('is close to what was typed', () => {
    expect(suggestDeviceId('Batch7-73', new Set())).toBe('batch7-73');
    expect(suggestDeviceId('batch7 073 ', new Set())).toBe('batch7-073');
    expect(suggestDeviceId('Batch7-73', new Set(['batch7-73']))).toBeUndefined();
  });
  it('is always valid, never taken and never what was typed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const offered = suggestDeviceId(text, new Set(['a']));
        if (offered === undefined) return;
        expect(parseDeviceId(offered).ok).toBe(true);
        expect(offered).not.toBe('a');
        expect(offered).not.toBe(text);
      }),
    );
  });
});

describe('pre-flight', () => {
  it('puts what blocks first, then what is to be looked at', () => {
    const station: StationState = {
      ...emptyStation,
      session: { state: 'signed-out' },
      bench: [device('a'), device('b', { problem })],
    };
    const checks = preflight(station, [device('a')], '');
    expect(checks[0]).toMatchObject({ key: 'profile', tone: 'blocks' });
    expect(checks[1]).toMatchObject({ key: 'session', tone: 'blocks', action: 'sign-in' });
    const tones = checks.map((check) => check.tone);
    expect(tones.lastIndexOf('blocks')).toBeLessThan(tones.indexOf('look'));
    expect(checks.find((check) => check.key === 'ids')?.says).toBe('1 device cannot be enrolled');
  });
});
