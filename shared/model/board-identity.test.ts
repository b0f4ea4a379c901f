import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BoardIdentity, identityText, isOtherBoard } from './board-identity.ts';

const first: BoardIdentity = { serial: '10000000abcdef01', machineId: 'f00d', hostKey: 'SHA256:a' };
const noSerial: BoardIdentity = { ...first, serial: undefined };

describe.each<[string, BoardIdentity, Partial<BoardIdentity>]>([
  ['nothing differs', first, {}],
  ['only the host key differs', first, { hostKey: 'SHA256:b' }],
  ['its card was flashed anew', first, { machineId: 'beef', hostKey: 'SHA256:b' }],
  ['it is reached without SSH', first, { hostKey: undefined }],
  ['the serial number cannot be read, and the machine id is the same', first, { serial: undefined }],
  ['the serial number cannot be read, and the host key is', first, { serial: undefined, machineId: 'beef' }],
  ['there is no serial number, and the host key was kept', noSerial, { machineId: 'beef' }],
  ['there is no serial number, and new host keys were made', noSerial, { hostKey: 'SHA256:b' }],
  [
    'serial numbers of zeros count as none',
    { ...first, serial: '0000000000000000' },
    { serial: '0', hostKey: 'SHA256:b' },
  ],
  ['nothing is known of it but another host key', noSerial, { machineId: undefined, hostKey: 'SHA256:b' }],
])('the same board: %s', (_what, one, change) => {
  it('in both orders', () => {
    const other = { ...one, ...change };
    expect([isOtherBoard(one, other), isOtherBoard(other, one)]).toEqual([false, false]);
  });
});

describe.each<[string, BoardIdentity, Partial<BoardIdentity>]>([
  ['everything differs', first, { serial: '10000000abcdef02', machineId: 'beef', hostKey: 'SHA256:b' }],
  ['one image, another serial number', first, { serial: '10000000abcdef02' }],
  ['no serial numbers, nothing in common', noSerial, { machineId: 'beef', hostKey: 'SHA256:b' }],
  ['a serial number on one side only', first, { serial: undefined, machineId: 'beef', hostKey: 'SHA256:b' }],
  ['no serial number, reached without SSH', noSerial, { machineId: 'beef', hostKey: undefined }],
  [
    'neither has a serial number or was reached by SSH',
    { ...noSerial, hostKey: undefined },
    { machineId: 'beef' },
  ],
  [
    'serial numbers of zeros tell nothing',
    { ...first, serial: '0000000000000000' },
    { machineId: 'beef', hostKey: 'SHA256:b' },
  ],
])('another board: %s', (_what, one, change) => {
  it('in both orders', () => {
    const other = { ...one, ...change };
    expect([isOtherBoard(one, other), isOtherBoard(other, one)]).toEqual([true, true]);
  });
});

const part = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const identities = fc.record({
  serial: part('1', '2', '000'),
  machineId: part('f00d', 'beef'),
  hostKey: part('SHA256:a', 'SHA256:b'),
});

it('is never another than itself, tells the same in both orders, and follows known serial numbers alone', () => {
  fc.assert(
    fc.property(identities, identities, (one, other) => {
      expect(isOtherBoard(one, one)).toBe(false);
      expect(isOtherBoard(one, other)).toBe(isOtherBoard(other, one));
      const serials = [one, other].map(({ serial }) => serial).filter((serial) => serial !== '000');
      if (serials.length === 2 && serials.every((serial) => serial !== undefined))
        expect(isOtherBoard(one, other)).toBe(serials[0] !== serials[1]);
      else if (one.machineId === other.machineId) expect(isOtherBoard(one, other)).toBe(false);
    }),
  );
});

it('says all that is known, and that nothing is', () => {
  expect(identityText(first)).toBe('serial number 10000000abcdef01, machine id f00d, host key SHA256:a');
  expect(identityText({ serial: undefined, machineId: undefined, hostKey: undefined })).toBe('nothing known');
});
