import { describe, expect, it } from 'vitest';
import type { DeviceFacts } from '../model/facts.ts';
import { buildDesired, convergedFacts, freshFacts } from '../testing/builders.ts';
import { requireClock, requireSpace, requireSupported } from './preconditions.ts';

const MEBI = 1024 * 1024;
const desired = buildDesired();

describe('supported systems', () => {
  it.each([
    [{ osId: 'debian', osVersion: '12' }, 'aarch64'],
    [{ osId: 'debian', osVersion: '13' }, 'aarch64'],
    [{ osId: 'raspbian', osVersion: '12', architecture: 'armv7' }, 'armv7'],
  ] as const)('%j is one', (change, architecture) => {
    expect(requireSupported(freshFacts(change as Partial<DeviceFacts>))).toBe(architecture);
  });

  it.each([
    [
      { osVersion: '11', osName: 'Debian GNU/Linux 11 (bullseye)' },
      'Debian GNU/Linux 11 (bullseye) on aarch64',
    ],
    [{ osId: 'ubuntu', osVersion: '24.04', osName: 'Ubuntu 24.04' }, 'Ubuntu 24.04 on aarch64'],
    [{ osId: '', osVersion: '', osName: '' }, 'Unknown system on aarch64'],
    [{ osVersion: '' }, 'Debian GNU/Linux 12 (bookworm) on aarch64'],
    [{ machine: 'riscv64', architecture: undefined }, 'Debian GNU/Linux 12 (bookworm) on riscv64'],
  ])('%j is none, and the error names it', (change, found) => {
    expect(() => requireSupported(freshFacts(change))).toThrow(
      expect.objectContaining({ code: 'DEVICE_UNSUPPORTED', details: { found }, stepId: 'connect' }),
    );
  });
});

describe('the clock', () => {
  it.each([0, 299, -300])('may be off by %i s', (clockOffsetSeconds) => {
    expect(() => requireClock(freshFacts({ clockOffsetSeconds }))).not.toThrow();
  });

  it.each([
    [301, '5:01'],
    [-86_400 * 365, '8760:00:00'],
  ])('may not be off by %i s', (clockOffsetSeconds, offset) => {
    expect(() => requireClock(freshFacts({ clockOffsetSeconds }))).toThrow(
      expect.objectContaining({ code: 'DEVICE_CLOCK_OFF', details: { offset } }),
    );
  });
});

describe('the space', () => {
  const binary = { sizeBytes: 20 * MEBI, sha256: desired.binary.sha256 };

  it.each([
    ['packages, binary and reserve', freshFacts(), 484],
    ['binary and reserve', freshFacts({ missingPackages: [] }), 84],
    ['packages and reserve', freshFacts({ binarySha256: binary.sha256 }), 464],
    ['nothing', convergedFacts(desired), 0],
  ])('is needed for %s', (_what, facts, mebibytes) => {
    const exactly = { ...facts, freeBytes: mebibytes * MEBI };
    expect(() => requireSpace(exactly, binary)).not.toThrow();
    if (mebibytes === 0) return;
    expect(() => requireSpace({ ...exactly, freeBytes: exactly.freeBytes - 1 }, binary)).toThrow(
      expect.objectContaining({ code: 'DEVICE_DISK_FULL' }),
    );
  });
});
