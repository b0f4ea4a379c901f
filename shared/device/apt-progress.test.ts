import { expect, it } from 'vitest';
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

it('says that it waits for the lock', () => {
  const line =
    'Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)...';
  expect(new AptProgress().read(line)).toEqual({ text: 'apt lock', done: undefined, total: undefined });
});

it('counts without a total, and never beyond it', () => {
  expect(readAll(['Setting up a (1)', 'Setting up b (1)'])).toEqual(['1', '2']);
  const summary = '1 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.';
  expect(readAll([summary, 'Setting up a (1)', 'Setting up b (1)'])).toEqual(['0 / 1', '1 / 1', '1 / 1']);
});
