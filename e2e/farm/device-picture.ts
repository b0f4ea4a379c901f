import { expect } from 'vitest';
import type { FarmDevice } from './farm.ts';

const limitMs = 120_000;
/** Where an enrollment could leave something, and where whoever looks could. Each is on one file system. */
const folders = [
  ...['/etc', '/opt', '/usr/local', '/home', '/root', '/srv', '/var/lib', '/var/cache', '/var/spool'],
  ...['/run', '/run/lock', '/tmp', '/var/tmp', '/dev/shm'],
];

/** What a login alone changes, and what changes where nobody does anything. Everything else counts. */
const noise = [
  // logind: who is logged in, and the folder they get for it; and the note of each such unit's run.
  '/run/systemd/(sessions|users|seats|transient|inhibit)',
  '/run/systemd/units/invocation:(user@|user-runtime-dir@|session-).*',
  '/run/user',
  // The journal, and who writes to it: a login is written down.
  '/run/log/journal',
  '/run/systemd/journal',
  // PAM: the greeting, made anew for each login.
  '/run/motd.dynamic',
  // sudo: that this login was asked for its password, and when. It counts for no other login.
  '/run/sudo/ts',
];
/** Folders of what is left out: their times and sizes change with it. What is in them has entries of its own. */
const noisyFolders = ['/run', '/run/sudo', '/run/systemd', '/run/systemd/units'];
/** Units of a login, which come and go with it. */
const loginUnits =
  /^(session-.*\.scope|user@\d+\.service|user-runtime-dir@\d+\.service|user-\d+\.slice|run-user-\d+\.mount)$/;

/** A device as it is, one entry for each thing: files, the package system's own among them, and units. */
export type DevicePicture = ReadonlyMap<string, string>;

/** Stops what runs by the clock: an apt that refreshes its lists in these minutes was not started by who looks. */
export async function quieten(device: FarmDevice): Promise<void> {
  await device.exec("systemctl stop '*.timer'; systemctl stop apt-daily apt-daily-upgrade", { limitMs });
}

/**
 * Waits until the person is not logged in any more, no unit is about to change, and what the packages of podman have started
 * has ended for want of work.
 */
export async function settle(device: FarmDevice): Promise<void> {
  const open = async (): Promise<string> => {
    const { stdout } = await device.exec(
      `loginctl list-sessions --no-legend | grep -w ${device.user}; systemctl list-jobs --no-legend; systemctl list-units --plain --no-legend --state=active podman.service netavark-dhcp-proxy.service`,
    );
    return stdout.trim();
  };
  await expect.poll(open, { timeout: 60_000, interval: 500 }).toMatch(/^(No jobs running\.)?$/);
}

/** Kind, mode, owner, size, both times, target and hash of every file; units, whether they run, and since when. */
export async function pictureOf(device: FarmDevice): Promise<DevicePicture> {
  const tell = async (command: string): Promise<string[]> =>
    (await device.exec(command, { limitMs })).stdout.split('\n').filter((line) => line !== '');
  const left = `-regextype posix-extended -regex '(${noise.join('|')})' -prune -o`;
  const find = `find ${folders.join(' ')} -xdev ${left}`;
  const picture = new Map<string, string>();
  const add = (kind: string, name: string, says: string): void => {
    const key = `${kind} ${name}`;
    picture.set(key, [picture.get(key), says].filter((part) => part !== undefined).join(' '));
  };
  for (const line of await tell(`${find} -printf '%p\\t%y %m %U:%G %s %T@ %C@ %l\\n' | sort`)) {
    const [name = '', says = ''] = line.split('\t');
    add('file', name, noisyFolders.includes(name) ? says.split(' ').slice(0, 3).join(' ') : says);
  }
  for (const line of await tell(`${find} -type f -print0 | sort -z | xargs -0 -r sha256sum`))
    add('file', line.slice(66), line.slice(0, 64));
  for (const line of await tell('systemctl list-unit-files --full --no-legend --no-pager')) {
    const [name = '', ...says] = line.trim().split(/\s+/);
    add('unit file', name, says.join(' '));
  }
  for (const line of await tell('systemctl list-units --all --full --plain --no-legend --no-pager')) {
    const [name = '', ...says] = line.trim().split(/\s+/);
    // A unit that is not there is listed as long as one that is there mentions it.
    if (!loginUnits.test(name) && says[0] !== 'not-found') add('unit', name, says.slice(0, 3).join(' '));
  }
  const since = 'Id,MainPID,NRestarts,ActiveEnterTimestampMonotonic';
  const { stdout } = await device.exec(`systemctl show '*.service' '*.socket' -p ${since}`, { limitMs });
  for (const block of stdout.trim().split('\n\n')) {
    const id = /^Id=(.*)$/m.exec(block)?.[1] ?? '';
    if (!loginUnits.test(id)) add('run', id, block.replaceAll('\n', ' '));
  }
  return picture;
}

/** What is not as it was, one line each: before and after. */
export function differences(before: DevicePicture, after: DevicePicture): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${name}: ${before.get(name) ?? 'not there'} -> ${after.get(name) ?? 'not there'}`);
}
