import { repository } from '../base-recipe.ts';
import { type Condition, farmFilesOnDevice } from './condition.ts';

/** A name as unattended-upgrades has it; apt tells it to the one who waits. */
const lockHolder = `# Holds dpkg's locks as unattended-upgrades does: record locks of fcntl(2), on the same files, in the same order.
use strict;
use warnings;
use Fcntl qw(:DEFAULT F_SETLKW F_WRLCK SEEK_SET);

$0 = 'unattended-upgr';
my $seconds = do { open(my $file, '<', '${farmFilesOnDevice}/apt-lock-seconds') or die $!; <$file> };
my @held;
for my $name (qw(lock-frontend lock)) {
    sysopen(my $file, "/var/lib/dpkg/$name", O_RDWR | O_CREAT, 0640) or die $!;
    my $whole = pack('s s x4 q q i x4', F_WRLCK, SEEK_SET, 0, 0, 0);
    fcntl($file, F_SETLKW, $whole) or die $!;
    push @held, $file;
}
system('systemd-notify', '--ready', "--pid=$$");
sleep($seconds);
`;

/** What apt and dpkg find. */
export const packageConditions = {
  'apt-locked': {
    about: `a process holds dpkg's locks for ${farmFilesOnDevice}/apt-lock-seconds (20) after every boot`,
    prepare: async (files) => {
      await files.write(`${farmFilesOnDevice}/apt-lock-seconds`, '20');
      await files.write(`${farmFilesOnDevice}/hold-apt-lock.pl`, lockHolder);
      await files.enableUnit(
        'apt-lock.service',
        `[Unit]
Description=Holds the locks of dpkg

[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/perl ${farmFilesOnDevice}/hold-apt-lock.pl
`,
      );
    },
  },
  'no-apt-lists': {
    about: 'apt has no package lists',
    prepare: (files) => {
      files.remove('/var/lib/apt/lists');
      files.remove('/var/cache/apt');
    },
  },
  python: {
    about: 'Python 3 is installed, as other tools need it',
    packages: ['python3'],
  },
  'half-configured': {
    about:
      'the power went while dpkg was at work: uidmap is unpacked, its configuration was begun, a journal is left',
    prepare: async (files) => {
      await files.run('sh', '-c', `dpkg --unpack ${repository}/uidmap_*.deb ${repository}/libsubid*.deb`);
      const status = files.read('/var/lib/dpkg/status');
      const entry = status.split('\n\n').find((stanza) => /^Package: uidmap$/m.test(stanza)) ?? '';
      const begun = entry.replace(/^Status: .*$/m, 'Status: install ok half-configured');
      await files.write('/var/lib/dpkg/status', status.replace(entry, begun));
      await files.write('/var/lib/dpkg/updates/0001', `${begun}\n`);
    },
  },
} as const satisfies Record<string, Condition>;
