import { type DeviceCommand, defineCommand } from './device-command.ts';
import { tellEpoch, tellHolder } from './fence.ts';
import { tellKeyMaker } from './key-birth.ts';
import {
  agentUserName,
  binaryPath,
  configDirectory,
  configPath,
  keyPath,
  requiredPackages,
  restartMarkPath,
  unitName,
  unitPath,
  writtenPlaces,
} from './paths.ts';
import { shellQuote } from './quote.ts';
import { findDropIns } from './unit-commands.ts';
import { asAgent } from './user-commands.ts';

/** What is looked at without following a link, and what may have no business there. */
const ownPaths = [configDirectory, binaryPath, keyPath, configPath, unitPath];

/** Directories above ours, where a link is root's own choice. Whoever may write one of them may replace our files. */
const parentPaths = [
  '/',
  '/usr',
  '/usr/local',
  '/usr/local/bin',
  '/etc',
  '/etc/systemd',
  '/etc/systemd/system',
];

const placeEntries = Object.entries(writtenPlaces);

/** Paths as words of a command that runs in the device's root. */
function fromRoot(paths: readonly string[]): string {
  return paths.map((path) => `.${path}`).join(' ');
}

/** Words of sed that print `NAME VALUE` for texts of a JSON file that is one line, as keys are written. */
function jsonTexts(names: readonly string[]): string {
  return names
    .map((name) => `-e g -e 's/.*"${name}"[[:space:]]*:[[:space:]]*"\\([^"]*\\)".*/${name} \\1/p'`)
    .join(' ')
    .replace(/^-e g/, '-e h');
}

/** Shell lines that tell all places by one df; where that trips over one of them, each is asked for alone. */
const tellPlaces = `set --
${placeEntries.map(([, path]) => `standing ${path}; set -- "$@" "$p"`).join('\n')}
if rooms=$(df -Pk "$@" 2>/dev/null); then
  {
    IFS= read -r heading
${placeEntries.map(([name, path]) => `    place ${name} ${path}`).join('\n')}
  } <<MUSTER_LINES
$rooms
MUSTER_LINES
else
${placeEntries.map(([name, path]) => `  standing ${path}; df -Pk "$p" 2>/dev/null | { IFS= read -r heading; place ${name} ${path}; }`).join('\n')}
fi`;

/**
 * Shell lines that tell the architecture of the device's packages and which of ours are missing. dpkg is a package
 * itself and, being essential, always of the architecture it stands for. One that is held back (apt-mark(8)) is there
 * all the same, and stays held however often it is installed.
 */
const tellPackages = `installed=$(dpkg-query -W -f='\${Package} \${Architecture} \${Status}\\n' dpkg ${requiredPackages.join(' ')} 2>/dev/null)
have=' '
while IFS=' ' read -r package architecture status; do
  case "$status" in 'install ok installed' | 'hold ok installed') ;; *) continue ;; esac
  case "$package" in dpkg) fact package-architecture "$architecture" ;; *) have="$have$package " ;; esac
done <<MUSTER_LINES
$installed
MUSTER_LINES
missing=
for p in ${requiredPackages.join(' ')}; do
  case "$have" in *" $p "*) ;; *) missing="$missing $p" ;; esac
done
fact missing-packages "\${missing# }"`;

/**
 * The look itself. Every fact is one line `@<nonce> <name> <value>`; login scripts and banners may print around
 * them. `MUSTER_DEVICE_ROOT` is a prefix for all files, as DESTDIR is for installs; empty on a device.
 *
 * What the shell can do by itself starts no program, and one program answers for several facts: on a small board every
 * start costs milliseconds, and a look has fifty facts.
 */
function lookBody(nonce: string, elevation: string): string {
  return `
LC_ALL=C; export LC_ALL
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
R="\${MUSTER_DEVICE_ROOT-}"
nl='
'
fact() {
  v=$2
  while :; do case "$v" in *"$nl"*) v="\${v%%"$nl"*} \${v#*"$nl"}" ;; *) break ;; esac; done
  case "$v" in *[[:cntrl:]]*) v=$(printf '%s' "$v" | tr -d '\\000-\\037') ;; esac
  [ "\${#v}" -le 1500 ] || v=$(printf '%s' "$v" | cut -c1-1500)
  printf '@${nonce} %s %s\\n' "$1" "$v"
}
fields() { # LINE: f1 to f7, as passwd(5) has them
  f1= f2= f3= f4= f5= f6= f7=
  IFS=: read -r f1 f2 f3 f4 f5 f6 f7 <<MUSTER_LINE
$1
MUSTER_LINE
}
line_of() { # PATH...: l is the first line of the first of them that is a file
  l=
  for p in "$@"; do
    if [ -f "$R$p" ] && [ -r "$R$p" ]; then { IFS= read -r l || :; } < "$R$p"; return; fi
  done
}
own_file() { [ -f "$R$1" ] && [ ! -L "$R$1" ]; }
hashes() { # PATH...: of those that are files of their own
  for p in "$@"; do
    if own_file "$p"; then set -- "$@" ".$p"; fi
    shift
  done
  [ $# = 0 ] || (cd "$R/" && sha256sum "$@" 2>/dev/null)
}
os_release() { # a later line wins, as for a shell that reads the file (os-release(5))
  [ -f "$R/etc/os-release" ] || return 0
  n=0
  while { IFS='=' read -r k v || [ -n "$k" ]; } && [ "$n" -lt 200 ]; do
    n=$((n + 1))
    v=\${v#[\\"\\']} v=\${v%[\\"\\']}
    case "$k" in
      ID) fact os-id "$v" ;;
      VERSION_ID) fact os-version "$v" ;;
      PRETTY_NAME) fact os-name "$v" ;;
    esac
  done < "$R/etc/os-release"
}
key_ids() { # the two ids of the key file, and nothing else of it
  own_file ${keyPath} && sed -n ${jsonTexts(['keyId', 'userId'])} "$R${keyPath}" 2>/dev/null
}
standing() { # PATH: p is the directory it is in, or would be
  p="$R$1"
  while [ -n "$p" ] && [ ! -d "$p" ]; do p="\${p%/*}"; done
  p="$p/"
}
place() { # NAME PATH, a line of df: room, whether it can be written to, and where its file system begins
  standing "$2"
  if [ -w "$p" ]; then w=writable; else w=read-only; fi
  read -r device blocks used free capacity mount || return 1
  fact "place-$1" "$free $w $mount"
}
${findDropIns}
${tellHolder}
${tellEpoch}
fact elevation ${elevation}
read -r name machine <<MUSTER_LINE
$(uname -nm)
MUSTER_LINE
fact hostname "$name"
fact machine "$machine"
os_release
line_of /sys/firmware/devicetree/base/model /proc/device-tree/model /sys/class/dmi/id/product_name
fact model "$l"
line_of /sys/firmware/devicetree/base/serial-number /proc/device-tree/serial-number
fact serial "$l"
line_of /etc/machine-id
fact machine-id "$l"
line_of /proc/sys/kernel/random/boot_id
fact boot-id "$l"
${tellPlaces}
fact clock "$(date +%s)"
[ -e "$R/run/cloud-init/status.json" ] && [ ! -e "$R/run/cloud-init/result.json" ] && fact first-boot running
[ -e "$R/run/reboot-required" ] && fact reboot required
${tellPackages}
fact own-uid "$(id -u)"
fact own-gid "$(id -g)"
fields "$(getent group ${agentUserName} 2>/dev/null)"
fact agent-gid "$f3"
fields "$(getent passwd ${agentUserName} 2>/dev/null)"
uid=$f3
home=$f6
fact agent-uid "$uid"
fact agent-main-gid "$f4"
if [ -n "$uid" ]; then
  fields "$(getent passwd "$uid" 2>/dev/null)"
  fact agent-uid-name "$f1"
  [ -n "$home" ] && fact agent-home "$(stat -c '%F:%u' "$R$home" 2>/dev/null)"
  [ -e "$R/var/lib/systemd/linger/${agentUserName}" ] && fact linger yes
  for d in "$R$home/.config/systemd/user" "$R/etc/systemd/user"; do
    [ -L "$d/sockets.target.wants/podman.socket" ] && fact podman-socket enabled
  done
  if [ -e "$R/run/user/$uid/bus" ]; then
    fact user-manager running
    [ -e "$R/run/user/$uid/podman/podman.sock" ] &&
      [ "$(${asAgent('$uid')} systemctl --user is-active podman.socket 2>/dev/null)" = active ] && fact podman-listens yes
  fi
  awk -F: -v n=${agentUserName} 'FNR == 1 { files += 1 } $1 == n && $3 >= 65536 { found[files] = 1 } END { exit !(found[1] && found[2]) }' "$R/etc/subuid" "$R/etc/subgid" 2>/dev/null && fact subordinate-ids yes
fi
fact parents "$(cd "$R/" && stat -L -c '%a:%u:%g:%n;' ${fromRoot(parentPaths)} 2>/dev/null)"
fact files "$(cd "$R/" && stat -c '%F:%h:%a:%u:%g:%n;' ${fromRoot(ownPaths)} 2>/dev/null)"
while read -r hash path; do
  case "$path" in
    .${binaryPath}) fact binary "$hash" ;;
    .${configPath}) fact config "$hash" ;;
    .${unitPath}) fact unit "$hash" ;;
  esac
done <<MUSTER_LINES
$(hashes ${binaryPath} ${configPath} ${unitPath})
MUSTER_LINES
while IFS=' ' read -r name id; do
  case "$name" in
    keyId) fact key-id "$id" ;;
    userId) fact key-user "$id" ;;
  esac
done <<MUSTER_LINES
$(key_ids)
MUSTER_LINES
${tellKeyMaker}
[ -L "$R/etc/systemd/system/multi-user.target.wants/${unitName}" ] && fact unit-enabled yes
fact unit-state "$(systemctl show ${unitName} -p ActiveState -p NeedDaemonReload 2>/dev/null)"
fact drop-ins "$(foreign_drop_ins)"
[ -e "$R${restartMarkPath}" ] && fact needs-restart yes
fact end ok
`;
}

/**
 * The first look: one round trip, whoever logged in. It becomes root by itself where sudo asks for nothing,
 * and otherwise only reports that it could not.
 */
export function lookCommand(nonce: string): DeviceCommand {
  const script = `
if [ "$(id -u)" = 0 ]; then
${lookBody(nonce, 'root')}
elif ! command -v sudo >/dev/null 2>&1; then
  printf '@${nonce} elevation none\\n@${nonce} end ok\\n'
elif sudo -n true 2>/dev/null; then
  printf %s ${shellQuote(lookBody(nonce, 'sudo'))} | sudo -n /bin/sh -c 'eval "$(cat)"'
else
  printf '@${nonce} elevation sudo-password\\n@${nonce} end ok\\n'
fi
`;
  return defineCommand('Look at the device', script, { asRoot: false });
}

/** The look once the sudo password is known, and the second look that verifies. */
export function lookAsRootCommand(
  nonce: string,
  elevation: 'root' | 'sudo' | 'sudo-password',
): DeviceCommand {
  return defineCommand('Look at the device', lookBody(nonce, elevation), { asRoot: true });
}
