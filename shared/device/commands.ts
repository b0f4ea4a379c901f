import { type DeviceCommand, defineCommand } from './device-command.ts';
import { defineFragment, type Fragment } from './fragment.ts';
import {
  agentHome,
  agentUserName,
  binaryPath,
  configDirectory,
  configPath,
  keyPath,
  restartMarkPath,
  unitName,
  unitPath,
} from './paths.ts';
import { shellQuote } from './quote.ts';

/** Exit status of our own scripts: what arrived is not what was sent (EX_DATAERR of sysexits.h). */
export const EXIT_DATA_DIFFERS = 65;
/** Exit status of apt-get for every error of its own (apt-get(8)). */
const EXIT_APT = 100;

/** Begins the name of every temporary file of ours, so that nobody else's is ever cleared up. */
const temporaryPrefix = '.fleet-agent.new.';

/**
 * Shell lines that open the temporary file `$t` beside a path, in `$d`: made by mktemp with mode 0600, gone
 * however the script ends. dash runs no EXIT trap on a signal, hence the second trap. What a run that was killed
 * the hard way has left is cleared up first.
 */
function openTemporary(path: string): string {
  return `d=$(dirname "$R${path}")
rm -f "$d"/${temporaryPrefix}*
t=
trap 'rm -f "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
t=$(mktemp "$d/${temporaryPrefix}XXXXXXXX")`;
}

/**
 * Shell lines that put `$t` in the place of a path so that not even a power cut loses both: data to the disk,
 * rename(2), directory to the disk. Before that the mark is set: a run that is cut off between the change and the
 * restart leaves it, so that the next one restarts the agent though all files are right.
 *
 * Whole-system `sync` is only for a `sync` that takes no file: on a slow card it waits for everybody's data. From
 * the rename on nothing can fail any more, so that the exit status tells whether the file is in place.
 */
function replaceDurably(path: string): string {
  return `flush() { sync "$@" 2>/dev/null || sync; }
[ -d "$R${configDirectory}" ] || { mkdir -m 0700 "$R${configDirectory}"; flush "$(dirname "$R${configDirectory}")"; }
: > "$R${restartMarkPath}"
flush "$R${restartMarkPath}" "$R${configDirectory}"
flush "$t"
trap '' HUP INT TERM PIPE
mv -f "$t" "$R${path}"
flush "$d" || true`;
}

/** Shell line that gives a file user and group of the script: in a set-group-id directory it has another group. */
function ownedByUs(file: string): string {
  return `chown "$(id -u):$(id -g)" "${file}"`;
}

const aptOptions = [
  '-y',
  '-o DPkg::Lock::Timeout=300',
  '-o Dpkg::Options::=--force-confdef',
  '-o Dpkg::Options::=--force-confold',
  '--no-install-recommends',
].join(' ');

/**
 * Installs packages without a question. Lists are fetched only when the install fails without them: on most
 * devices they are there, and fetching is the slow part. An install cut off earlier is completed first.
 *
 * An install that waited for a lock in vain ends it: two more waits would outlast the limit of a trip. Only apt's
 * words tell a lock from a missing package, so they pass through a loop that hands every line on at once (file
 * descriptor 3) and keeps what it recognised (4).
 */
export function installPackages(names: readonly string[]): Fragment {
  const packages = names.map(shellQuote).join(' ');
  return defineFragment(
    `apt-get install ${names.join(' ')}`,
    `DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a; export DEBIAN_FRONTEND NEEDRESTART_MODE
dpkg --configure -a >/dev/null 2>&1 || true
exec 3>&1
seen=$( {
  { apt-get ${aptOptions} install ${packages} 2>&1 3>&- 4>&- || echo failed >&4; } |
    while IFS= read -r line || [ -n "$line" ]; do
      printf '%s\\n' "$line" >&3
      case "$line" in 'E: Could not get lock '* | 'E: '*'is another process using it'*) echo locked >&4 ;; esac
    done
} 4>&1 )
case "$seen" in
  *failed*locked* | *locked*failed*) exit ${EXIT_APT} ;;
  *failed*)
    apt-get -o DPkg::Lock::Timeout=300 update
    apt-get ${aptOptions} install ${packages}
    ;;
esac`,
  );
}

/** Creates the agent's system user with a home, which rootless podman needs for its storage. */
export function createAgentUser(): Fragment {
  return defineFragment(
    `useradd --system ${agentUserName}`,
    `useradd --system --user-group --create-home --home-dir ${agentHome} --shell /usr/sbin/nologin ${agentUserName}`,
  );
}

/** Gives the agent user id ranges for rootless containers, behind all ranges in use (subuid(5)). */
export function addSubordinateIds(): Fragment {
  return defineFragment(
    `usermod --add-subuids, --add-subgids ${agentUserName}`,
    `first=$(cat "$R/etc/subuid" "$R/etc/subgid" 2>/dev/null | awk -F: 'BEGIN { m = 100000 } { e = $2 + $3; if (e > m) m = e } END { print m }')
usermod --add-subuids "$first-$((first + 65535))" --add-subgids "$first-$((first + 65535))" ${agentUserName}`,
  );
}

/** Keeps the agent's user manager alive without a login, so that its podman socket can answer. */
export function enableLinger(): Fragment {
  return defineFragment(
    `loginctl enable-linger ${agentUserName}`,
    `loginctl enable-linger ${agentUserName}
uid=$(getent passwd ${agentUserName} | cut -d: -f3)
i=0
while [ ! -e "$R/run/user/$uid/bus" ] && [ "$i" -lt 100 ]; do i=$((i + 1)); sleep 0.2; done
[ -e "$R/run/user/$uid/bus" ] || { echo "the user manager of ${agentUserName} did not start in 20 s"; exit 1; }`,
  );
}

/** Enables the podman socket of the agent user; `--machine` needs a bus that some images lack. */
export function enablePodmanSocket(): Fragment {
  return defineFragment(
    `systemctl --user --machine=${agentUserName}@ enable --now podman.socket`,
    `systemctl --user --machine=${agentUserName}@ enable --now podman.socket || {
  uid=$(getent passwd ${agentUserName} | cut -d: -f3)
  runuser -u ${agentUserName} -- env XDG_RUNTIME_DIR="/run/user/$uid" DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$uid/bus" systemctl --user enable --now podman.socket
}`,
  );
}

/**
 * Receives the binary, gzip-compressed, on standard input: into a temporary file beside its place, checked,
 * then renamed (rename(2) is atomic). The file in use is never touched.
 */
export function receiveBinary(sha256: string): DeviceCommand {
  return defineCommand(
    `gzip -dc > ${binaryPath}`,
    `set -eu
LC_ALL=C; export LC_ALL
umask 077
R="\${MUSTER_DEVICE_ROOT-}"
${openTemporary(binaryPath)}
gzip -dc > "$t"
[ "$(sha256sum < "$t" | cut -c1-64)" = ${shellQuote(sha256)} ] || { echo "the file that arrived is not the file that was sent" >&2; exit ${EXIT_DATA_DIFFERS}; }
${ownedByUs('$t')}
chmod 0755 "$t"
${replaceDurably(binaryPath)}
`,
    { asRoot: true },
  );
}

/**
 * Makes the directory of key and config: for root and the agent only. A number leaves the set-id bits of a
 * directory as they are (chmod(1)), so they are taken off by name.
 */
export function makeConfigDirectory(): Fragment {
  return defineFragment(
    `install -d -m 0750 -g ${agentUserName} ${configDirectory}`,
    `mkdir -p "$R${configDirectory}"
chown "$(id -u):${agentUserName}" "$R${configDirectory}"
chmod 0750 "$R${configDirectory}"
chmod ug-s "$R${configDirectory}"`,
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
head -c ${sizeBytes} > "$t"
[ "$(sha256sum < "$t" | cut -c1-64)" = ${shellQuote(sha256)} ] || { echo "the key that arrived is not the key that was sent"; exit ${EXIT_DATA_DIFFERS}; }
chown ${agentUserName}:${agentUserName} "$t"
chmod 0640 "$t"
${replaceDurably(keyPath)}
echo "${sizeBytes} bytes, mode 0640, owner ${agentUserName}" || true`,
    true,
  );
}

/** Gives the key file that is there already its owner and mode. */
export function protectMachineKey(): Fragment {
  return defineFragment(
    `chown ${agentUserName}, chmod 0640 ${keyPath}`,
    `chmod 0640 "$R${keyPath}"
chown ${agentUserName}:${agentUserName} "$R${keyPath}"`,
  );
}

function writeFile(path: string, content: string): string {
  return `${openTemporary(path)}
printf '%s' ${shellQuote(content)} > "$t"
${ownedByUs('$t')}
chmod 0644 "$t"
${replaceDurably(path)}`;
}

/** Writes the agent's config. It holds no secret. */
export function writeConfig(content: string): Fragment {
  return defineFragment(`write ${configPath}`, writeFile(configPath, content));
}

/** Writes the agent's unit and makes systemd read it. */
export function writeUnit(content: string): Fragment {
  return defineFragment(
    `write ${unitPath}; systemctl daemon-reload`,
    `${writeFile(unitPath, content)}\ntrap - HUP INT TERM PIPE\nsystemctl daemon-reload`,
  );
}

/** Enables the unit at boot. */
export function enableUnit(): Fragment {
  return defineFragment(`systemctl enable ${unitName}`, `systemctl enable ${unitName}`);
}

const clearMark = `rm -f "$R${restartMarkPath}"`;

/** Starts the agent anew with what was changed. */
export function restartUnit(): Fragment {
  return defineFragment(`systemctl restart ${unitName}`, `systemctl restart ${unitName}\n${clearMark}`);
}

/** Starts the agent where it is not running. */
export function startUnit(): Fragment {
  return defineFragment(`systemctl start ${unitName}`, `systemctl start ${unitName}\n${clearMark}`);
}

/** The agent's own last words, for the evidence of a missing heartbeat. */
export function readAgentJournal(lines: number): DeviceCommand {
  return defineCommand(
    `journalctl -u ${unitName} -n ${lines}`,
    `journalctl --no-pager --quiet -o cat -u ${unitName} -n ${lines}\n`,
    { asRoot: true },
  );
}
