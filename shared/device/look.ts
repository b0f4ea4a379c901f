import { type DeviceCommand, defineCommand } from './device-command.ts';
import { tellEpoch, tellHolder } from './fence.ts';
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
} from './paths.ts';

/**
 * The look itself. Every fact is one line `@<nonce> <name> <value>`; login scripts and banners may print around
 * them. `MUSTER_DEVICE_ROOT` is a prefix for all files, as DESTDIR is for installs; empty on a device.
 */
function lookBody(nonce: string, elevation: string): string {
  return `
LC_ALL=C; export LC_ALL
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
R="\${MUSTER_DEVICE_ROOT-}"
fact() { printf '@${nonce} %s %s\\n' "$1" "$(printf '%s' "$2" | tr -d '\\000-\\037' | cut -c1-400)"; }
hash_of() { [ -f "$R$1" ] && sha256sum < "$R$1" 2>/dev/null | cut -c1-64; }
rights_of() { stat -c '%a:%u:%g' "$R$1" 2>/dev/null; }
os_release() { sed -n "s/^$1=//p" "$R/etc/os-release" 2>/dev/null | head -n 1 | tr -d "\\"'"; }
first_of() { for f in "$@"; do if [ -r "$R$f" ]; then tr -d '\\000' < "$R$f"; return; fi; done; }
json_text() { sed -n "s/.*\\"$1\\"[[:space:]]*:[[:space:]]*\\"\\([^\\"]*\\)\\".*/\\1/p" "$R${keyPath}" 2>/dev/null | head -n 1; }
${tellHolder}
${tellEpoch}
fact elevation ${elevation}
fact hostname "$(hostname 2>/dev/null)"
fact os-id "$(os_release ID)"
fact os-version "$(os_release VERSION_ID)"
fact os-name "$(os_release PRETTY_NAME)"
fact machine "$(uname -m)"
fact package-architecture "$(dpkg --print-architecture 2>/dev/null)"
fact model "$(first_of /sys/firmware/devicetree/base/model /proc/device-tree/model /sys/class/dmi/id/product_name)"
fact serial "$(first_of /sys/firmware/devicetree/base/serial-number /proc/device-tree/serial-number)"
fact machine-id "$(first_of /etc/machine-id)"
fact boot-id "$(first_of /proc/sys/kernel/random/boot_id)"
fact free-kib "$(df -Pk "$R/usr/local" 2>/dev/null | awk 'NR == 2 { print $4 }')"
fact clock "$(date +%s)"
missing=
for p in ${requiredPackages.join(' ')}; do
  case "$(dpkg-query -W -f='\${Status}' "$p" 2>/dev/null)" in 'install ok installed') ;; *) missing="$missing $p" ;; esac
done
fact missing-packages "\${missing# }"
entry=$(getent passwd ${agentUserName} 2>/dev/null)
uid=$(printf '%s' "$entry" | cut -d: -f3)
home=$(printf '%s' "$entry" | cut -d: -f6)
fact agent-uid "$uid"
fact agent-gid "$(getent group ${agentUserName} 2>/dev/null | cut -d: -f3)"
[ -e "$R/var/lib/systemd/linger/${agentUserName}" ] && fact linger yes
[ -n "$home" ] && [ -L "$R$home/.config/systemd/user/sockets.target.wants/podman.socket" ] && fact podman-socket yes
grep -q '^${agentUserName}:' "$R/etc/subuid" 2>/dev/null && grep -q '^${agentUserName}:' "$R/etc/subgid" 2>/dev/null && fact subordinate-ids yes
fact own-uid "$(id -u)"
fact own-gid "$(id -g)"
fact binary "$(hash_of ${binaryPath})"
fact binary-rights "$(rights_of ${binaryPath})"
fact config "$(hash_of ${configPath})"
fact config-rights "$(rights_of ${configPath})"
fact config-directory-rights "$(rights_of ${configDirectory})"
fact unit "$(hash_of ${unitPath})"
fact unit-rights "$(rights_of ${unitPath})"
fact key-id "$(json_text keyId)"
fact key-user "$(json_text userId)"
fact key-rights "$(rights_of ${keyPath})"
fact unit-enabled "$(systemctl is-enabled ${unitName} 2>/dev/null)"
fact unit-active "$(systemctl is-active ${unitName} 2>/dev/null)"
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
  sudo -n /bin/sh -c 'eval "$(cat)"' <<'MUSTER_LOOK'
${lookBody(nonce, 'sudo')}
MUSTER_LOOK
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
