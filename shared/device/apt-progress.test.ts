import fc from 'fast-check';
import { expect, it } from 'vitest';
import { printable } from '../model/printable.ts';
import { AptProgress } from './apt-progress.ts';

/** apt-get install on Debian 12 as it prints with LC_ALL=C and no terminal, shortened in the middle. */
const transcript = `Reading package lists...
Building dependency tree...
Reading state information...
The following additional packages will be installed:
  catatonit conmon crun golang-github-containers-common libyajl2 uidmap
Suggested packages:
  containers-storage docker-compose
The following NEW packages will be installed:
  catatonit conmon podman
0 upgraded, 3 newly installed, 0 to remove and 4 not upgraded.
Need to get 14.5 MB of archives.
After this operation, 60.1 MB of additional disk space will be used.
Get:1 http://mirror.example/debian bookworm/main arm64 catatonit arm64 0.1.7-1+b1 [243 kB]
debconf: delaying package configuration, since apt-utils is not installed
Fetched 14.5 MB in 2s (8432 kB/s)
Selecting previously unselected package catatonit.
(Reading database ... 6089 files and directories currently installed.)
Preparing to unpack .../0-catatonit_0.1.7-1+b1_arm64.deb ...
Unpacking catatonit (0.1.7-1+b1) ...
Setting up conmon (2.1.6+ds1-1) ...
Setting up catatonit (0.1.7-1+b1) ...
Setting up podman (4.3.1+ds1-8+deb12u1) ...
Created symlink /etc/systemd/user/sockets.target.wants/podman.socket.
Processing triggers for libc-bin (2.36-9+deb12u7) ...`;

function readAll(lines: readonly string[]): (string | undefined)[] {
  const progress = new AptProgress();
  return lines.map((line) => progress.read(line)?.text).filter((text) => text !== undefined);
}

it('counts the packages of a real transcript', () => {
  expect(readAll(transcript.split('\n'))).toEqual(['0 / 3', '1 / 3', '2 / 3', '3 / 3']);
});

it.each([
  [
    '/var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)...',
    'waits for unattended-upgr',
  ],
  ['/var/lib/dpkg/lock-frontend. It is held by process 9 (a (b) c)', 'waits for a (b) c'],
  [
    '/var/lib/dpkg/lock-frontend. It is held by process 9 (\x1b[2J\u202eabc)',
    'waits for \\x1b[2J\\u{202e}abc',
  ],
  ['/var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)', 'waits for apt lock'],
])('says who it waits for: %j', (lock, text) => {
  const line = `Waiting for cache lock: Could not get lock ${lock}`;
  expect(new AptProgress().read(line)).toEqual({ text, done: undefined, total: undefined });
});

it('shows short printable text, whatever is printed', () => {
  const parts = [
    'Setting up ',
    ' upgraded, ',
    ' newly installed',
    'Waiting for cache lock: ',
    'held by process 1 (',
    ')',
    '9',
  ];
  const line = fc
    .array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary' })))
    .map((p) => p.join(''));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const progress = new AptProgress();
      for (const one of lines) {
        const { text = '', done, total } = progress.read(one) ?? {};
        expect(printable(text)).toBe(text);
        expect(text.length).toBeLessThan(150);
        if (total !== undefined) expect(done).toBeLessThanOrEqual(total);
      }
    }),
    { numRuns: 200 },
  );
});

it('counts without a total, and never beyond it', () => {
  expect(readAll(['Setting up a (1)', 'Setting up b (1)'])).toEqual(['1', '2']);
  const summary = '1 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.';
  expect(readAll([summary, 'Setting up a (1)', 'Setting up b (1)'])).toEqual(['0 / 1', '1 / 1', '1 / 1']);
});
