import { type DeviceCommand, defineCommand } from './device-command.ts';
import { EXIT_DATA_DIFFERS, EXIT_OBSTRUCTED } from './exit-status.ts';
import { defineFragment, type Fragment } from './fragment.ts';
import {
  agentUserName,
  binaryPath,
  bornKeyPath,
  configDirectory,
  configPath,
  keyPath,
  restartMarkPath,
} from './paths.ts';
import { shellQuote } from './quote.ts';
import { receiveInto, receiveParts } from './receive.ts';
import { orTellWhy } from './write-failure.ts';

/** Begins the name of every temporary file of ours, so that nobody else's is ever cleared up. */
const temporaryPrefix = '.fleet-agent.new.';

/** The directory a path of ours is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Shell lines that end the script where a directory of others has the place of a file: mv would move into it. */
function refuseDirectory(path: string): string {
  return `if [ -d "$R${path}" ] && [ ! -L "$R${path}" ]; then echo 'obstructed: ${path} is a directory'; exit ${EXIT_OBSTRUCTED}; fi`;
}

/** Shell lines that end the script where the directory of key and config is none: its files would be elsewhere. */
export const refuseOtherDirectory = `c="$R${configDirectory}"
if [ -L "$c" ] || { [ -e "$c" ] && [ ! -d "$c" ]; }; then echo 'obstructed: ${configDirectory} is not a directory'; exit ${EXIT_OBSTRUCTED}; fi`;

/**
 * Shell lines after which nobody but root can change what stands in the directory of key and config, so that no name
 * in it can be turned into a link while it is written to. An agent of before, to whom the directory belonged, can go
 * on reading what it holds.
 */
const takeConfigDirectory = `${refuseOtherDirectory}
[ -d "$c" ] || { mkdir -m 0700 "$c"; flush "$R${parentOf(configDirectory)}"; }
[ -O "$c" ] || { chown "$(id -u)" "$c"; chmod go+x "$c"; }
chmod go-w "$c"`;

/**
 * Shell lines that open the temporary file `$t` beside a path, in `$d`: made by mktemp with mode 0600, gone
 * however the script ends. dash runs no EXIT trap on a signal, hence the second trap. What a run that was killed
 * the hard way has left is cleared up first.
 */
export function openTemporary(path: string): string {
  return `${refuseDirectory(path)}
d="$R${parentOf(path)}"
for t in "$d"/${temporaryPrefix}*; do
  if [ -e "$t" ] || [ -L "$t" ]; then rm -f "$t"; fi
done
t=
trap '[ -z "$t" ] || rm -f "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
t=$(mktemp "$d/${temporaryPrefix}XXXXXXXX")`;
}

/**
 * Shell lines that put `$t` in the place of a path so that not even a power cut loses both: data to the disk,
 * rename(2), directory to the disk. Before that the mark is set: a run that is cut off between the change and the
 * restart leaves it, so that the next one restarts the agent though all files are right.
 *
 * A link that stands in the place is replaced, never followed.
 *
 * Whole-system `sync` is only for a `sync` that takes no file: on a slow card it waits for everybody's data. The mark
 * needs none: what takes it along takes the running agent too. From the rename on nothing can fail any more, so that
 * the exit status tells whether the file is in place.
 */
export function replaceDurably(path: string): string {
  return `flush() { sync "$@" 2>/dev/null || sync; }
${takeConfigDirectory}
m="$R${restartMarkPath}"
{ [ -f "$m" ] && [ ! -L "$m" ]; } || { rm -f "$m"; ( set -C; : > "$m" ); }
flush "$t"
trap '' HUP INT TERM PIPE
if [ -L "$R${path}" ]; then mv -fT "$t" "$R${path}"; else mv -f "$t" "$R${path}"; fi
t=
flush "$d" || true`;
}

/**
 * Shell command that clears away all pairs that wait for a key id. Only for a script that has raised the epoch, or takes all
 * else away: every other station is refused from then on, so that none goes on with a pair of its own.
 */
export const forgetBornKeys = `rm -f "$R"${bornKeyPath('*')}`;

/** Shell condition: the temporary file `$t` has this SHA-256. */
function hashIs(sha256: string): string {
  return `{ h=$(sha256sum < "$t") && [ "\${h%% *}" = ${shellQuote(sha256)} ]; }`;
}

/** Shell line that gives a file the group of the script: in a set-group-id directory it was born with another. */
function ownedByUs(file: string): string {
  return `[ -G "${file}" ] || chown "$(id -u):$(id -g)" "${file}"`;
}

/**
 * Receives the binary in parts on standard input: into a temporary file beside its place, checked, then renamed
 * (rename(2) is atomic). The file in use is never touched.
 */
export function receiveBinary(sha256: string): DeviceCommand {
  return defineCommand(
    `cat > ${binaryPath}`,
    `set -eu
LC_ALL=C; export LC_ALL
umask 077
R="\${MUSTER_DEVICE_ROOT-}"
${openTemporary(binaryPath)}
${receiveParts()}
${hashIs(sha256)} || { echo "the file that arrived is not the file that was sent" >&2; exit ${EXIT_DATA_DIFFERS}; }
${ownedByUs('$t')}
chmod 0755 "$t"
${replaceDurably(binaryPath)}
`,
    { asRoot: true },
  );
}

/**
 * Makes the directory of key and config: for root and the agent only. A number would leave the set-id bits of a
 * directory as they are (chmod(1)).
 */
export function makeConfigDirectory(): Fragment {
  return defineFragment(
    `install -d -m 0750 -g ${agentUserName} ${configDirectory}`,
    `${refuseOtherDirectory}
[ -d "$c" ] || mkdir -p "$c"
chown "$(id -u):${agentUserName}" "$c"
chmod u=rwx,g=rx,o=,ug-s "$c"`,
  );
}

/**
 * Receives the machine key on standard input. The temporary file is created 0600 by mktemp, so that nobody else
 * can open it for an instant; size and hash are checked before the rename.
 */
export function receiveMachineKey(sizeBytes: number, sha256: string): Fragment {
  return defineFragment(
    `cat > ${keyPath} < [redacted]`,
    `umask 077
${openTemporary(keyPath)}
${receiveInto(`head -c ${sizeBytes}`)}
${hashIs(sha256)} || { echo "the key that arrived is not the key that was sent"; exit ${EXIT_DATA_DIFFERS}; }
chown ${agentUserName}:${agentUserName} "$t"
chmod 0640 "$t"
${forgetBornKeys}
${replaceDurably(keyPath)}
echo "${sizeBytes} bytes, mode 0640, owner ${agentUserName}" || true`,
    true,
  );
}

/**
 * Gives the key file that is there already its owner and mode. Only after the directory was taken: until then its
 * name may become a link to anything.
 */
export function protectMachineKey(): Fragment {
  return defineFragment(
    `chown ${agentUserName}, chmod 0640 ${keyPath}`,
    `k="$R${keyPath}"
if [ ! -f "$k" ] || [ -L "$k" ] || [ "$(stat -c %h "$k")" != 1 ]; then echo 'obstructed: ${keyPath} is no file of its own'; exit ${EXIT_OBSTRUCTED}; fi
chmod 0640 "$k"
chown -h ${agentUserName}:${agentUserName} "$k"`,
  );
}

/** Shell lines that write a file of root's that everybody may read. */
export function writeFile(path: string, content: string): string {
  return `${openTemporary(path)}
printf '%s' ${shellQuote(content)} > "$t" ${orTellWhy('$t')}
${ownedByUs('$t')}
chmod 0644 "$t"
${replaceDurably(path)}`;
}

/** Writes the agent's config. It holds no secret. */
export function writeConfig(content: string): Fragment {
  return defineFragment(`write ${configPath}`, writeFile(configPath, content));
}
