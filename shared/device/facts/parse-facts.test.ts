import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { printable } from '../../model/printable.ts';
import { agentUserFacts, places, unitFacts } from '../../testing/builders.ts';
import { parseLook } from './parse-facts.ts';

const NONCE = 'c0ffee00';
const NOW = 1_767_592_800;
const letters = [...'abcdefghijk'];
/** More names than a look has. */
const inventedNames = letters.flatMap((a) => letters.map((b) => `${a}${b}`));

/** What stat says of our files, with changes of some. */
function filesLine(changes: Record<string, string> = {}): string {
  const files: Record<string, string> = {
    '/etc/fleet-agent': 'directory:2:750:0:997',
    '/usr/local/bin/fleet-agent': 'regular file:1:755:0:0',
    '/etc/fleet-agent/zitadel-key.json': 'regular file:1:640:998:997',
    '/etc/fleet-agent/config.toml': 'regular file:1:644:0:0',
    '/etc/systemd/system/fleet-agent.service': 'regular file:1:644:0:0',
    ...changes,
  };
  return Object.entries(files)
    .filter(([, text]) => text !== '')
    .map(([path, text]) => `${text}:.${path};`)
    .join(' ');
}

const paths = {
  binary: '/usr/local/bin/fleet-agent',
  config: '/etc/fleet-agent/config.toml',
  unit: '/etc/systemd/system/fleet-agent.service',
  key: '/etc/fleet-agent/zitadel-key.json',
};

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
  'place-binary': '26214400 writable /',
  'place-config': '26214400 writable /',
  'place-programs': '26214400 writable /',
  'place-archives': '1024 read-only /var of mine',
  'place-state': '26214400 writable /',
  clock: String(NOW),
  'missing-packages': 'podman systemd-container uidmap',
  'agent-uid': '',
  'agent-gid': '',
  'own-uid': '0',
  'own-gid': '0',
  parents: '755:0:0:./; 755:0:0:./usr; 2775:0:50:./usr/local; 755:0:0:./etc;',
  files: '',
  binary: '',
  'unit-state': 'ActiveState=inactive NeedDaemonReload=no',
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
  'agent-main-gid': '997',
  'agent-uid-name': 'fleet-agent',
  'agent-home': 'directory:998',
  linger: 'yes',
  'user-manager': 'running',
  'podman-socket': 'enabled',
  'podman-listens': 'yes',
  'subordinate-ids': 'yes',
  files: filesLine(),
  binary: 'a'.repeat(64),
  config: 'b'.repeat(64),
  unit: 'c'.repeat(64),
  'key-id': '39',
  'key-user': '40',
  'unit-enabled': 'yes',
  'unit-state': 'ActiveState=active NeedDaemonReload=no',
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
      ...{ clockOffsetSeconds: 0.5, elevation: 'sudo', loginUser: 'pi' },
      places: {
        ...places({ freeBytes: 26_214_400 * 1024 }),
        archives: { mount: '/var of mine', freeBytes: 1024 * 1024, writable: false },
      },
      ...{ obstacles: [], firstBootRunning: false, rebootRequired: false },
      missingPackages: ['podman', 'systemd-container', 'uidmap'],
      agentUser: agentUserFacts(false),
      ...{ binarySha256: undefined, configSha256: undefined, unitSha256: undefined, key: undefined },
      canMakeKeys: false,
      configDirectoryRight: false,
      unit: unitFacts({ enabled: false, active: false }),
      ...{ epoch: 0, heldBy: undefined },
    });
  });

  it('reads an enrolled Raspberry Pi, by the architecture of its packages', () => {
    expect(factsOf(text(pi))).toMatchObject({
      ...{ architecture: 'armv7', model: 'Raspberry Pi 4 Model B Rev 1.5', missingPackages: [] },
      ...{ binarySha256: pi.binary, configSha256: pi.config, unitSha256: pi.unit },
      configDirectoryRight: true,
      key: { keyId: '39', userId: '40', protectedRight: true },
      agentUser: agentUserFacts(true),
      unit: unitFacts({}),
      obstacles: [],
    });
  });

  it('says when the password of sudo is needed, and when there is no way to root', () => {
    for (const elevation of ['sudo-password', 'none'])
      expect(parse(text({ elevation, end: 'ok' }))).toEqual({ kind: 'no-root', elevation });
  });

  it.each([
    [{ ...pi, 'key-user': '' }, { key: undefined }],
    [{ ...pi, 'needs-restart': 'yes' }, { unit: unitFacts({ needsRestart: true }) }],
    [{ ...pi, 'unit-enabled': '' }, { unit: unitFacts({ enabled: false }) }],
    [
      { ...pi, 'unit-state': 'ActiveState=failed NeedDaemonReload=yes' },
      { unit: unitFacts({ active: false, needsReload: true }) },
    ],
    [{ ...pi, 'unit-state': 'ActiveState=inactive' }, { unit: unitFacts({ active: false }) }],
    [
      { ...pi, 'drop-ins': '/etc/systemd/system/fleet-agent.service.d/x.conf' },
      { unit: unitFacts({ hasForeignDropIns: true }) },
    ],
    [{ ...pi, 'agent-main-gid': '100' }, { agentUser: { ...agentUserFacts(true), hasOwnGroup: false } }],
    [
      { ...pi, 'agent-home': 'symbolic link:998' },
      { agentUser: { ...agentUserFacts(true), hasHome: false } },
    ],
    [{ ...pi, 'agent-home': 'directory:1000' }, { agentUser: { ...agentUserFacts(true), hasHome: false } }],
    [{ ...pi, 'user-manager': '' }, { agentUser: { ...agentUserFacts(true), managerRunning: false } }],
    [{ ...pi, 'podman-listens': '' }, { agentUser: { ...agentUserFacts(true), podmanSocketListens: false } }],
    [
      { ...pi, 'first-boot': 'running', reboot: 'required' },
      { firstBootRunning: true, rebootRequired: true },
    ],
    [{ ...pi, clock: String(NOW - 3600) }, { clockOffsetSeconds: -3599.5 }],
  ])('%# sees what is not right', (facts, expected) => {
    expect(factsOf(text(facts))).toMatchObject(expected);
  });

  it.each([
    ...['777:0:0', '755:1000:0', '755:0:50', '4755:0:0', ''].map((rights) => ['binary', rights] as const),
    ...['666:0:0', '644:998:0', '644:0:997', ''].map((rights) => ['config', rights] as const),
    ...['664:0:0', '644:1000:0', '644:0:1000', ''].map((rights) => ['unit', rights] as const),
  ])('counts no %s with the rights %j', (name, rights) => {
    const files = filesLine({ [paths[name]]: rights === '' ? '' : `regular file:1:${rights}` });
    expect(factsOf(text({ ...pi, files }))).toMatchObject({
      binarySha256: name === 'binary' ? undefined : pi.binary,
      configSha256: name === 'config' ? undefined : pi.config,
      unitSha256: name === 'unit' ? undefined : pi.unit,
    });
  });

  it.each(['644:998:997', '640:0:997', '640:998:0', '640:998:1000'])(
    'keeps a key with the rights %j, and says that they are wrong',
    (rights) => {
      const key = { keyId: '39', userId: '40', protectedRight: false };
      const files = filesLine({ [paths.key]: `regular file:1:${rights}` });
      expect(factsOf(text({ ...pi, files })).key).toEqual(key);
    },
  );

  it.each(['755:0:997', '2750:0:997', '750:998:997', '750:0:0'])(
    'takes no directory with the rights %j for right',
    (rights) => {
      const files = filesLine({ '/etc/fleet-agent': `directory:2:${rights}` });
      expect(factsOf(text({ ...pi, files })).configDirectoryRight).toBe(false);
    },
  );

  it('never takes two ids that are both missing for equal', () => {
    const ids = {
      'agent-uid': '',
      'agent-gid': '',
      'own-gid': '',
      'agent-main-gid': '',
      'agent-home': 'directory:',
    };
    const facts = factsOf(text({ ...pi, ...ids }));
    expect([facts.binarySha256, facts.key?.protectedRight, facts.configDirectoryRight]).toEqual([
      ...[undefined, false, false],
    ]);
    expect(facts.agentUser).toMatchObject({ exists: false, hasOwnGroup: false, hasHome: false });
  });

  it.each([
    ['a link', 'symbolic link:1:777:0:0'],
    ['a second name of another file', 'regular file:2:755:0:0'],
    ['a pipe', 'fifo:1:755:0:0'],
  ])('counts no file that is %s', (_what, file) => {
    for (const name of ['binary', 'config', 'unit'] as const) {
      const own = file.replace('755', name === 'binary' ? '755' : '644');
      const facts = factsOf(text({ ...pi, files: filesLine({ [paths[name]]: own }) }));
      expect(facts[`${name}Sha256`]).toBeUndefined();
      expect(facts.obstacles).toEqual([]);
    }
    const key = factsOf(text({ ...pi, files: filesLine({ [paths.key]: file }) })).key;
    expect(key).toBeUndefined();
  });

  it.each([
    [{ files: filesLine({ [paths.binary]: 'directory:2:755:0:0' }) }, `${paths.binary} is a directory`],
    [{ files: filesLine({ [paths.key]: 'directory:2:755:0:0' }) }, `${paths.key} is a directory`],
    [
      { files: filesLine({ '/etc/fleet-agent': 'symbolic link:1:777:0:0' }) },
      '/etc/fleet-agent is a symbolic link, not a directory',
    ],
    [{ parents: '777:0:0:./usr/local;' }, '/usr/local can be written to by everybody'],
    [{ parents: '1777:0:0:./usr/local;' }, '/usr/local can be written to by everybody'],
    [{ parents: '775:0:1000:./etc;' }, '/etc can be written to by a group of users'],
    [{ parents: '755:1000:0:./usr/local/bin;' }, '/usr/local/bin does not belong to root'],
    [{ 'agent-uid': '0' }, 'The user fleet-agent has the user id of root'],
    [{ 'agent-uid-name': 'pi' }, 'The user fleet-agent has the user id of pi too'],
    [{ 'agent-gid': '0' }, 'The group fleet-agent has the group id of root'],
  ])('%# tells what stands in the way', (change, expected) => {
    const { obstacles } = factsOf(text({ ...pi, ...change }));
    expect(obstacles.map(({ path, problem }) => `${path} ${problem}`)).toEqual([expected]);
  });

  it.each([
    ['amd64', 'x86_64', 'x86_64'],
    ['arm64', 'aarch64', 'aarch64'],
    ['armhf', 'armv7l', 'armv7'],
    ['armhf', 'aarch64', 'armv7'],
    ['armhf', 'armv6l', undefined],
    ['armel', 'armv7l', undefined],
    ['i386', 'x86_64', undefined],
    ['', 'x86_64', 'x86_64'],
    ['', 'armv8l', 'armv7'],
    ['', 'riscv64', undefined],
  ])('packages of %j on the kernel of %s are %s', (packages, machine, expected) => {
    const facts = factsOf(text({ ...fresh, 'package-architecture': packages, machine }));
    expect(facts.architecture).toBe(expected);
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
    ['has odd free space', text({ ...fresh, 'place-binary': '-1 writable /' })],
    ['has a place less', text({ ...fresh, 'place-state': '' })],
    ['has odd rights', text({ ...pi, files: 'regular file:1:755:0:./x;' })],
    ['has odd parents', text({ ...pi, parents: 'rwx:0:0:./usr;' })],
    ['misses a package we do not want', text({ ...fresh, 'missing-packages': '--reinstall' })],
    ['invents facts', text({ ...Object.fromEntries(inventedNames.map((name) => [name, 'x'])), ...fresh })],
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

  it('gives printable facts of bounded size or a typed error, whatever a device makes of any fact', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        '<img src=x onerror=alert(1)>',
        '\x1b]8;;http://x\x07',
        '$(reboot)',
        '9'.repeat(400),
        '\u202e',
        ';;;:::',
      ),
      fc.nat(3000).map((length) => 'x'.repeat(length)),
    );
    const names = Object.keys(pi).filter((name) => name !== 'end');
    fc.assert(
      fc.property(fc.constantFrom(...names), hostile, (name, value) => {
        try {
          const facts = factsOf(text({ ...pi, [name]: value }));
          const everything = JSON.stringify(facts);
          expect(everything.length).toBeLessThan(30_000);
          for (const leaf of leavesOf(facts)) expect(printable(leaf)).toBe(leaf);
        } catch (thrown) {
          if (!(thrown instanceof EnrollmentError)) throw thrown;
          expect(thrown.code).toBe('DEVICE_FACTS_UNREADABLE');
          expect(thrown.message.length).toBeLessThan(1500);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('cuts a value that is longer than a look prints', () => {
    expect(factsOf(text({ ...fresh, 'os-name': 'x'.repeat(60_000) })).osName).toHaveLength(1500);
  });

  it('reads as much as a device may print, in the time of a blink, and believes none of it', () => {
    const fill = (line: string) => line.repeat(Math.floor((4 * 1024 * 1024) / line.length));
    const flood = [`@${NONCE} machine x\n`, `@${NONCE} a\n`, '\n', '@', `@${NONCE} ${'a'.repeat(4000)}\n`];
    for (const line of flood) {
      const text = fill(line);
      const began = process.cpuUsage();
      expect(() => parse(text)).toThrow(EnrollmentError);
      const { user, system } = process.cpuUsage(began);
      // Of a processor, of which it takes a tenth of a second; minutes were it read again for every line.
      expect((user + system) / 1e6).toBeLessThan(10);
    }
  });
});

/** Every text in a value. */
function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(leavesOf);
}
