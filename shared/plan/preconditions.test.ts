import { describe, expect, it } from 'vitest';
import type { DeviceFacts } from '../model/facts.ts';
import { freshFacts, places } from '../testing/builders.ts';
import { requireClock, requireRoom, requireSupported, requireUnobstructed } from './preconditions.ts';

const MEBI = 1024 * 1024;

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
      expect.objectContaining({ code: 'DEVICE_UNSUPPORTED', details: { found }, phase: 'check' }),
    );
  });
});

describe('the clock', () => {
  it.each([0, 299, -300])('may be off by %i s', (clockOffsetSeconds) => {
    expect(() => requireClock(freshFacts({ clockOffsetSeconds }))).not.toThrow();
  });

  it.each([
    [301, '5:01'],
    [86_400, '24:00:00'],
    [-86_400 * 365, '365 days'],
  ])('may not be off by %i s', (clockOffsetSeconds, offset) => {
    expect(() => requireClock(freshFacts({ clockOffsetSeconds }))).toThrow(
      expect.objectContaining({ code: 'DEVICE_CLOCK_OFF', details: { offset } }),
    );
  });
});

describe('room', () => {
  const binary = { sizeBytes: 20 * MEBI };
  const all = ['packages', 'user', 'binary', 'key-config', 'unit'] as const;

  it.each([
    ['packages, binary, files and reserve', [...all], 485],
    ['binary, files and reserve', ['binary', 'unit'], 85],
    ['packages, files and reserve', ['packages'], 465],
    ['config', ['key-config'], 1],
    ['nothing', [], 0],
  ] as const)('is needed for %s', (_what, steps, mebibytes) => {
    const exactly = freshFacts({ places: places({ freeBytes: mebibytes * MEBI }) });
    expect(() => requireRoom(exactly, steps, binary)).not.toThrow();
    if (mebibytes === 0) return;
    const less = freshFacts({ places: places({ freeBytes: mebibytes * MEBI - 1 }) });
    expect(() => requireRoom(less, steps, binary)).toThrow(
      expect.objectContaining({ code: 'DEVICE_DISK_FULL' }),
    );
  });

  it('is little for the packages that podman does not bring along', () => {
    const missingPackages = ['slirp4netns', 'uidmap'];
    const facts = freshFacts({ missingPackages, places: places({ freeBytes: 93 * MEBI }) });
    expect(() => requireRoom(facts, ['packages'], binary)).not.toThrow();
    const less = freshFacts({ missingPackages, places: places({ freeBytes: 92 * MEBI }) });
    expect(() => requireRoom(less, ['packages'], binary)).toThrow(
      expect.objectContaining({ code: 'DEVICE_DISK_FULL' }),
    );
  });

  it('is asked of each file system by itself, and the error names the place', () => {
    const here = places();
    const small = { mount: '/usr/local', freeBytes: 30 * MEBI, writable: true };
    const facts = freshFacts({ places: { ...here, binary: small } });
    expect(() => requireRoom(facts, ['packages'], binary)).not.toThrow();
    expect(() => requireRoom(facts, ['binary'], binary)).toThrow(
      expect.objectContaining({
        code: 'DEVICE_DISK_FULL',
        details: { free: '31.5 MB', needed: '88.1 MB', place: '/usr/local/bin' },
      }),
    );
    const varIsSmall = { mount: '/var', freeBytes: 119 * MEBI, writable: true };
    const withVar = freshFacts({ places: { ...here, archives: varIsSmall, state: varIsSmall } });
    expect(() => requireRoom(withVar, ['packages'], binary)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ place: '/var/cache/apt/archives' }) }),
    );
  });

  it('is no question where a place is read-only, but only where something is to be written', () => {
    const readOnly = freshFacts({ places: places({ writable: false, freeBytes: 0 }) });
    expect(() => requireRoom(readOnly, [], binary)).not.toThrow();
    for (const step of all)
      expect(() => requireRoom(readOnly, [step], binary)).toThrow(
        expect.objectContaining({ code: 'DEVICE_READ_ONLY' }),
      );
  });
});

describe('what stands in the way', () => {
  it('is told by its first, and listed', () => {
    const obstacles = [
      { path: '/usr/local/bin/fleet-agent', problem: 'is a directory' },
      { path: '/etc', problem: 'does not belong to root' },
    ];
    expect(() => requireUnobstructed(freshFacts())).not.toThrow();
    expect(() => requireUnobstructed(freshFacts({ obstacles }))).toThrow(
      expect.objectContaining({
        ...{ code: 'DEVICE_OBSTRUCTED', message: '/usr/local/bin/fleet-agent is a directory.' },
        evidence: '/usr/local/bin/fleet-agent is a directory\n/etc does not belong to root',
      }),
    );
  });
});
