import { printable } from '../model/printable.ts';
import { type DeviceCommand, defineCommand } from './device-command.ts';
import { defineFragment, type Fragment } from './fragment.ts';
import { configDirectory, epochPath, lockPath } from './paths.ts';
import { shellQuote } from './quote.ts';
import { orTellWhy } from './write-failure.ts';

/** Exit status of a fenced script that did nothing: somebody else changes the device (EX_TEMPFAIL of sysexits.h). */
export const EXIT_DEVICE_BUSY = 75;
/** Exit status of a fenced script that did nothing: the device was given a key since it was looked at. */
export const EXIT_EPOCH_CHANGED = 76;
/** A script waits this long for the lock. Longer than any look, shorter than an operator's patience. */
const LOCK_WAIT_SECONDS = 3;
const MAX_STATION_LENGTH = 80;

/** Who changes a device. It stands in the lock file while a script of it runs. */
export interface LockHolder {
  /** Random, a new one for every start of a station. No space in it. */
  readonly id: string;
  /** The station's name, for people. */
  readonly station: string;
}

/** What lets a script change the device. */
export interface Fence {
  readonly holder: LockHolder;
  /** How often the device had been given a key when it was looked at. */
  readonly epoch: number;
}

/** A holder as one line of text, and as the lock file keeps it. */
function holderLine({ id, station }: LockHolder): string {
  return `${id} ${printable(station).slice(0, MAX_STATION_LENGTH)}`;
}

/** Reads the line of a lock file, as a look or a refused script prints it. Whatever stands there: it is held. */
export function parseHolder(line: string): LockHolder {
  const match = /^(\S+) (.*)$/s.exec(line.trim());
  const station = printable(match?.[2] ?? '').slice(0, MAX_STATION_LENGTH);
  return { id: match?.[1] ?? '', station: station === '' ? 'somebody who left no name' : station };
}

/** Shell word that gives the first line of the lock file. */
const holderOf = `"$(head -c 400 "$R${lockPath}" 2>/dev/null | head -n 1)"`;

/**
 * Puts a script behind the device's own fence: it takes the lock, and runs only while the device has been given no
 * key since it was looked at. Two stations, or one and its own script of before a lost connection, cannot interleave.
 *
 * A script that does not arrive whole is no complete `{ … }` and does nothing at all.
 *
 * The lock hangs on file descriptor 9 and on no name: it ends with the script and what it started, however they end.
 * The file is root's alone, for whoever can open it can hold it. Where there is no flock (it is in Debian's essential
 * util-linux) the device is a rehearsal's, which one station has to itself.
 */
export function fenced(command: DeviceCommand, { holder, epoch }: Fence): DeviceCommand {
  const script = `{
R="\${MUSTER_DEVICE_ROOT-}"
if command -v flock >/dev/null 2>&1; then
  ( umask 077; : >> "$R${lockPath}" )
  exec 9< "$R${lockPath}"
  flock -w ${LOCK_WAIT_SECONDS} 9 || { printf 'held by %s\\n' ${holderOf}; exit ${EXIT_DEVICE_BUSY}; }
  printf '%s\\n' ${shellQuote(holderLine(holder))} > "$R${lockPath}"
fi
MUSTER_EPOCH=0
if [ -f "$R${epochPath}" ]; then IFS= read -r MUSTER_EPOCH < "$R${epochPath}" || :; fi
[ "$MUSTER_EPOCH" = ${epoch} ] || { echo "the device was given a key meanwhile: epoch $MUSTER_EPOCH, not ${epoch}"; exit ${EXIT_EPOCH_CHANGED}; }
export MUSTER_EPOCH
${command.script}}
`;
  return defineCommand(command.title, script, { asRoot: command.asRoot });
}

/** Who holds the lock, out of what a refused script printed. */
export function holderIn(output: string): LockHolder | undefined {
  const line = /^held by (.*)$/m.exec(output)?.[1];
  return line === undefined ? undefined : parseHolder(line);
}

/**
 * Shell line of a look that tells who holds the lock, if somebody still does after a while. Shared, so that looks do
 * not wait for each other; and where there is no file, nothing is made: a look changes nothing.
 */
export const tellHolder = `if [ -e "$R${lockPath}" ] && command -v flock >/dev/null 2>&1; then
  flock -s -w ${LOCK_WAIT_SECONDS} "$R${lockPath}" true || fact held-by ${holderOf}
fi`;

/** Shell lines of a look that tell the epoch. */
export const tellEpoch = `if [ -f "$R${epochPath}" ]; then line_of ${epochPath}; else l=0; fi
fact epoch "$l"`;

/**
 * Raises the epoch, just before the key in the same script: a device that loses power in between has refused late
 * stations for nothing, and never lets one pass. Replaced as a whole and on the disk before the script goes on.
 */
export function raiseEpoch(): Fragment {
  const temporary = `$R${epochPath}.new`;
  return defineFragment(
    `raise ${epochPath}`,
    `umask 077
flush() { sync "$@" 2>/dev/null || sync; }
t="${temporary}"
trap '[ -z "$t" ] || rm -f "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
if [ -e "$t" ] || [ -L "$t" ]; then rm -f "$t"; fi
printf '%s\\n' "$(( \${MUSTER_EPOCH:-0} + 1 ))" > "$t" ${orTellWhy('$t')}
flush "$t"
mv -f "$t" "$R${epochPath}"
t=
flush "$R${configDirectory}"`,
  );
}
