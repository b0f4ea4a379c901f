import type { Condition } from './condition.ts';

/** What can be written, and where. */
export const storageConditions = {
  'disk-full': {
    about: '/usr/local is a file system of 1 MiB',
    prepare: (files) =>
      files.enableUnit(
        'small-disk.service',
        `[Unit]
Description=Makes /usr/local a small file system
DefaultDependencies=no
Before=ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/cp -a /usr/local /run/usr-local
ExecStart=/bin/mount -t tmpfs -o size=1m,mode=755 small-disk /usr/local
ExecStart=/bin/cp -a /run/usr-local/. /usr/local
`,
      ),
  },
  'read-only-root': {
    about:
      'the root file system is mounted read-only, as after an error on the card; /run and /tmp can be written',
    nspawn: ['--read-only'],
    // The login manager would not start without its folder; on a device that turned read-only it still runs.
    prepare: (files) =>
      files.write(
        '/etc/systemd/system/systemd-logind.service.d/read-only.conf',
        '[Service]\nStateDirectory=\n',
      ),
  },
  'noexec-tmp': {
    about: 'no program can be run from /tmp, /var/tmp and /dev/shm',
    nspawn: ['--tmpfs=/tmp:noexec,mode=1777', '--tmpfs=/var/tmp:noexec,mode=1777'],
    prepare: (files) =>
      files.enableUnit(
        'noexec-shm.service',
        `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/mount -o remount,noexec /dev/shm
`,
      ),
  },
} as const satisfies Record<string, Condition>;
