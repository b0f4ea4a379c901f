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

/** Paths as words of a command that runs in the device's root. */
function fromRoot(paths: readonly string[]): string {
  return paths.map((path) => `.${path}`).join(' ');
}

/**
 * The look itself. Every fact is one line `@<nonce> <name> <value>`; login scripts and banners may print around
 * them. `MUSTER_DEVICE_ROOT` is a prefix for all files, as DESTDIR is for installs; empty on a device.
 *
 * What the shell can do by itself starts no program: on a small board every one costs milliseconds, and a look has
 * fifty facts.
 */
function lookBody(nonce: string, elevation: string): string {
  return `
LC_ALL=C; export LC_ALL
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
R="\${MUSTER_DEVICE_ROOT-}"
fact() {
  v=$2
  case "$v" in *[[:cntrl:]]*) v=$(printf '%s' "$v" | tr '\\n' ' ' | tr -d '\\000-\\037') ;; esac
  [ "\${#v}" -le 1500 ] || v=$(printf '%s' "$v" | cut -c1-1500)
  printf '@${nonce} %s %s\\n' "$1" "$v"
}
fields() { # LINE: f1 to f7, as passwd(5) has them
  f1= f2= f3= f4= f5= f6= f7=
  IFS=: read -r f1 f2 f3 f4 f5 f6 f7 <<MUSTER_LINE
$1
MUSTER_LINE
}
own_file() { [ -f "$R$1" ] && [ ! -L "$R$1" ]; }
hash_of() { own_file "$1" && sha256sum < "$R$1" 2>/dev/null | cut -c1-64; }
os_release() { # a later line wins, as for a shell that reads the file (os-release(5))
  head -c 16384 "$R/etc/os-release" 2>/dev/null | while IFS='=' read -r k v || [ -n "$k" ]; do
    v=\${v#[\\"\\']} v=\${v%[\\"\\']}
    case "$k" in
      ID) fact os-id "$v" ;;
      VERSION_ID) fact os-version "$v" ;;
      PRETTY_NAME) fact os-name "$v" ;;
    esac
  done
}
first_of() { for f in "$@"; do if [ -r "$R$f" ]; then head -c 400 "$R$f" | tr -d '\\000'; return; fi; done; }
json_text() { own_file ${keyPath} && sed -n "s/.*\\"$1\\"[[:space:]]*:[[:space:]]*\\"\\([^\\"]*\\)\\".*/\\1/p" "$R${keyPath}" 2>/dev/null | head -n 1; }
place() { # NAME PATH: room, whether it can be written to, and where its file system begins
  p="$R$2"
  while [ -n "$p" ] && [ ! -d "$p" ]; do p="\${p%/*}"; done
  if [ -w "$p/" ]; then w=writable; else w=read-only; fi
  fact "place-$1" "$(df -Pk "$p/" 2>/dev/null | awk -v w=$w 'NR == 2 { m = $6; for (i = 7; i <= NF; i++) m = m " " $i; print $4, w, m }')"
}
${findDropIns}
${tellHolder}
${tellEpoch}
fact elevation ${elevation}
fact hostname "$(hostname 2>/dev/null)"
os_release
fact machine "$(uname -m)"
fact package-architecture "$(dpkg --print-architecture 2>/dev/null)"
fact model "$(first_of /sys/firmware/devicetree/base/model /proc/device-tree/model /sys/class/dmi/id/product_name)"
fact serial "$(first_of /sys/firmware/devicetree/base/serial-number /proc/device-tree/serial-number)"
fact machine-id "$(first_of /etc/machine-id)"
fact boot-id "$(first_of /proc/sys/kernel/random/boot_id)"
${Object.entries(writtenPlaces)
  .map(([name, path]) => `place ${name} ${path}`)
  .join('\n')}
fact clock "$(date +%s)"
[ -e "$R/run/cloud-init/status.json" ] && [ ! -e "$R/run/cloud-init/result.json" ] && fact first-boot running
[ -e "$R/run/reboot-required" ] && fact reboot required
installed=";$(dpkg-query -W -f='\${Package} \${Status};' ${requiredPackages.join(' ')} 2>/dev/null)"
missing=
for p in ${requiredPackages.join(' ')}; do
  case "$installed" in *";$p install ok installed;"*) ;; *) missing="$missing $p" ;; esac
done
fact missing-packages "\${missing# }"
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
  fact agent-uid-name "$(getent passwd "$uid" 2>/dev/null | head -n 1 | cut -d: -f1)"
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
fact binary "$(hash_of ${binaryPath})"
fact config "$(hash_of ${configPath})"
fact unit "$(hash_of ${unitPath})"
fact key-id "$(json_text keyId)"
fact key-user "$(json_text userId)"
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
