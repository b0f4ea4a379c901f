import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { parseLook } from './parse-facts.ts';

const NONCE = 'c0ffee00';
const NOW = 1_767_592_800;

/** A look as a fresh Debian 12 on arm64 prints it. */
const fresh = {
  elevation: 'sudo',
  hostname: 'debian',
  'os-id': 'debian',
  'os-version': '12',
  'os-name': 'Debian GNU/Linux 12 (bookworm)',
  machine: 'aarch64',
  'package-architecture': 'arm64',
  model: '',
  serial: '',
  'machine-id': '0123456789abcdef0123456789abcdef',
  'boot-id': '6b1e8a52-7f5c-4e0a-9f0e-0d1f5e7c2b11',
  'free-kib': '26214400',
  clock: String(NOW),
  'missing-packages': 'podman systemd-container uidmap',
  'agent-uid': '',
  'agent-gid': '',
  'own-uid': '0',
  'own-gid': '0',
  binary: '',
  'binary-rights': '',
  'unit-enabled': 'not-found',
  'unit-active': 'inactive',
  epoch: '0',
  end: 'ok',
};

/** Raspberry Pi OS, 32 bits of packages on a 64-bit kernel, enrolled. */
const pi = {
  ...fresh,
  hostname: 'raspberrypi',
  'os-id': 'raspbian',
  'os-name': 'Raspbian GNU/Linux 12 (bookworm)',
  'package-architecture': 'armhf',
  model: 'Raspberry Pi 4 Model B Rev 1.5',
  serial: '10000000abcdef01',
  'missing-packages': '',
  'agent-uid': '998',
  'agent-gid': '997',
  linger: 'yes',
  'podman-socket': 'yes',
  'subordinate-ids': 'yes',
  binary: 'a'.repeat(64),
  'binary-rights': '755:0:0',
  config: 'b'.repeat(64),
  'config-rights': '644:0:0',
  'config-directory-rights': '750:0:997',
  unit: 'c'.repeat(64),
  'unit-rights': '644:0:0',
  'key-id': '39',
  'key-user': '40',
  'key-rights': '640:998:997',
  'unit-enabled': 'enabled',
  'unit-active': 'active',
};

function text(facts: Record<string, string>, eol = '\n'): string {
  const { end, ...rest } = facts;
  return Object.entries({ ...rest, ...(end === undefined ? {} : { end }) })
    .map(([name, value]) => `@${NONCE} ${name} ${value}${eol}`)
    .join('');
}

const parse = (stdout: string) => parseLook(stdout, NONCE, 'pi', NOW);

function factsOf(stdout: string) {
  const result = parse(stdout);
  if (result.kind !== 'facts') throw new Error('no facts');
  return result.facts;
}

describe('parseLook', () => {
  it('reads a fresh Debian 12', () => {
    expect(factsOf(text(fresh))).toEqual({
      ...{ hostname: 'debian', osId: 'debian', osVersion: '12', osName: 'Debian GNU/Linux 12 (bookworm)' },
      ...{ machine: 'aarch64', architecture: 'aarch64', model: undefined, serial: undefined },
      machineId: fresh['machine-id'],
      bootId: fresh['boot-id'],
      ...{ freeBytes: 26_214_400 * 1024, clockOffsetSeconds: 0.5, elevation: 'sudo', loginUser: 'pi' },
      missingPackages: ['podman', 'systemd-container', 'uidmap'],
      agentUser: { exists: false, lingering: false, podmanSocketEnabled: false, hasSubordinateIds: false },
      ...{ binarySha256: undefined, configSha256: undefined, unitSha256: undefined, key: undefined },
      configDirectoryRight: false,
      unit: { enabled: false, active: false, needsRestart: false },
      ...{ epoch: 0, heldBy: undefined },
    });
  });

  it('reads an enrolled Raspberry Pi, by the architecture of its packages', () => {
    expect(factsOf(text(pi))).toMatchObject({
      ...{ architecture: 'armv7', model: 'Raspberry Pi 4 Model B Rev 1.5', missingPackages: [] },
      ...{ binarySha256: pi.binary, configSha256: pi.config, unitSha256: pi.unit },
      configDirectoryRight: true,
      key: { keyId: '39', userId: '40', protectedRight: true },
      agentUser: { exists: true, lingering: true, podmanSocketEnabled: true, hasSubordinateIds: true },
      unit: { enabled: true, active: true, needsRestart: false },
    });
  });

  it('says when the password of sudo is needed, and when there is no way to root', () => {
    for (const elevation of ['sudo-password', 'none'])
      expect(parse(text({ elevation, end: 'ok' }))).toEqual({ kind: 'no-root', elevation });
  });

  it.each([
    [{ ...pi, 'key-user': '' }, { key: undefined }],
    [{ ...pi, 'needs-restart': 'yes' }, { unit: { enabled: true, active: true, needsRestart: true } }],
    [{ ...pi, 'unit-enabled': 'disabled' }, { unit: { enabled: false, active: true, needsRestart: false } }],
    [{ ...pi, clock: String(NOW - 3600) }, { clockOffsetSeconds: -3599.5 }],
  ])('%# sees what is not right', (facts, expected) => {
    expect(factsOf(text(facts))).toMatchObject(expected);
  });

  it.each([
    ...['777:0:0', '755:1000:0', '755:0:50', '4755:0:0', ''].map((rights) => ['binary', rights] as const),
    ...['666:0:0', '644:998:0', '644:0:997', ''].map((rights) => ['config', rights] as const),
    ...['664:0:0', '644:1000:0', '644:0:1000', ''].map((rights) => ['unit', rights] as const),
  ])('counts no %s with the rights %j', (name, rights) => {
    expect(factsOf(text({ ...pi, [`${name}-rights`]: rights }))).toMatchObject({
      binarySha256: name === 'binary' ? undefined : pi.binary,
      configSha256: name === 'config' ? undefined : pi.config,
      unitSha256: name === 'unit' ? undefined : pi.unit,
    });
  });

  it.each(['644:998:997', '640:0:997', '640:998:0', '640:998:1000', ''])(
    'keeps a key with the rights %j, and says that they are wrong',
    (rights) => {
      const key = { keyId: '39', userId: '40', protectedRight: false };
      expect(factsOf(text({ ...pi, 'key-rights': rights })).key).toEqual(key);
    },
  );

  it.each(['755:0:997', '2750:0:997', '750:998:997', '750:0:0', ''])(
    'takes no directory with the rights %j for right',
    (rights) => {
      expect(factsOf(text({ ...pi, 'config-directory-rights': rights })).configDirectoryRight).toBe(false);
    },
  );

  it('never takes two ids that are both missing for equal', () => {
    const ids = { 'agent-uid': '', 'agent-gid': '', 'own-uid': '', 'own-gid': '' };
    const rights = { 'binary-rights': '755::', 'key-rights': '640::', 'config-directory-rights': '750::' };
    const facts = factsOf(text({ ...pi, ...ids, ...rights }));
    expect([facts.binarySha256, facts.key?.protectedRight, facts.configDirectoryRight]).toEqual([
      ...[undefined, false, false],
    ]);
  });

  it('does not mind banners, rc files, carriage returns and marks of others', () => {
    const noisy = `Linux debian 6.1.0 #1 SMP\n@other machine riscv64\nLast login: Mon\n${text(fresh, '\r\n')}\nlogout`;
    expect(factsOf(noisy)).toEqual(factsOf(text(fresh)));
  });

  it('makes hostile values harmless', () => {
    const facts = factsOf(
      text({ ...fresh, model: '\x1b]0;pwned\x07 \u202egnp.exe', hostname: "a'; reboot" }),
    );
    expect(facts.model).toBe('\\x1b]0;pwned\\x07 \\u{202e}gnp.exe');
    expect(facts.hostname).toBe("a'; reboot");
  });

  it.each([
    ['is cut off', text({ ...fresh, end: '' })],
    ['is empty', ''],
    ['has no machine', text({ ...fresh, machine: '' })],
    ['has no elevation', text({ ...fresh, elevation: 'wheel' })],
    ['has odd free space', text({ ...fresh, 'free-kib': '-1' })],
    ['has no clock', text({ ...fresh, clock: '' })],
    ['has an odd hash', text({ ...pi, binary: 'a'.repeat(63) })],
    ['is of another look', text(fresh).replaceAll(NONCE, 'deadbeef')],
  ])('never guesses: a look that %s is unreadable', (_what, stdout) => {
    expect(() => parse(stdout)).toThrow(expect.objectContaining({ code: 'DEVICE_FACTS_UNREADABLE' }));
  });

  it('gives facts or a typed error for any cut and any damage', () => {
    const whole = text(pi);
    fc.assert(
      fc.property(fc.nat(whole.length), fc.string({ unit: 'binary', maxLength: 5 }), (at, noise) => {
        try {
          parse(whole.slice(0, at) + noise + whole.slice(at + noise.length));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(EnrollmentError);
        }
        if (at < whole.length - 3) expect(() => parse(whole.slice(0, at))).toThrow(EnrollmentError);
      }),
    );
  });
});
