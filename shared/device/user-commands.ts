import { defineFragment, type Fragment } from './fragment.ts';
import { agentHome, agentUserName, unitName } from './paths.ts';

/** Shell words that run a command of the agent's user manager; it needs no bus, unlike `--machine`. */
export function asAgent(uid: string): string {
  return `runuser -u ${agentUserName} -- env XDG_RUNTIME_DIR="$R/run/user/${uid}" DBUS_SESSION_BUS_ADDRESS="unix:path=$R/run/user/${uid}/bus"`;
}

const findUid = `uid=$(getent passwd ${agentUserName} | cut -d: -f3)`;

/**
 * Shell lines that make the agent's home where it is not a directory of the agent. What stands there else is kept
 * under another name: it may be the storage of an agent of before, under an id that is nobody's any more.
 */
const makeHome = `home="$R${agentHome}"
if [ -L "$home" ] || [ ! -d "$home" ] || [ "$(stat -c %u "$home")" != "$(id -u ${agentUserName})" ]; then
  if [ -L "$home" ] || [ -e "$home" ]; then
    n=1
    while [ -L "$home.before-$n" ] || [ -e "$home.before-$n" ]; do n=$((n + 1)); done
    mv "$home" "$home.before-$n"
    echo "kept what was there as ${agentHome}.before-$n"
  fi
  mkdir -m 0700 "$home"
  chown ${agentUserName}:${agentUserName} "$home"
  chmod 0750 "$home"
fi`;

/**
 * Creates the agent's system user with a home, which rootless podman needs for its storage. A group of its name may
 * be left from before.
 */
export function createAgentUser(): Fragment {
  return defineFragment(
    `useradd --system ${agentUserName}`,
    `if getent group ${agentUserName} >/dev/null; then own="--gid ${agentUserName}"; else own=--user-group; fi
useradd --system $own --no-create-home --home-dir ${agentHome} --shell /usr/sbin/nologin ${agentUserName}
${makeHome}`,
  );
}

/** Gives the agent user the group of its name, as its main group: unit and files name it. */
export function giveAgentGroup(): Fragment {
  return defineFragment(
    `usermod --gid ${agentUserName} ${agentUserName}`,
    `getent group ${agentUserName} >/dev/null || groupadd --system ${agentUserName}
usermod --gid ${agentUserName} ${agentUserName}`,
  );
}

/**
 * Gives the agent user a home of its own. usermod refuses that for a user with processes: agent and user manager
 * are stopped for the moment, and an agent that ran is started again whatever comes of it.
 */
export function repairAgentHome(): Fragment {
  return defineFragment(
    `usermod --home ${agentHome} ${agentUserName}`,
    `${findUid}
if [ "$(getent passwd ${agentUserName} | cut -d: -f6)" != ${agentHome} ]; then
  again=
  for unit in "user@$uid.service" ${unitName}; do
    if systemctl is-active --quiet "$unit"; then again="$again $unit"; fi
  done
  trap 'for unit in $again; do systemctl start "$unit"; done' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  for unit in $again; do systemctl stop "$unit"; done
  usermod --home ${agentHome} ${agentUserName}
fi
${makeHome}`,
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

/**
 * Keeps the agent's user manager alive without a login, so that its podman socket can answer. A manager that died
 * is started by name: logind takes a lingering user for one it has started already. One that ran before its bus was
 * installed does not know the bus yet.
 */
export function enableLinger(): Fragment {
  return defineFragment(
    `loginctl enable-linger ${agentUserName}`,
    `loginctl enable-linger ${agentUserName}
${findUid}
bus="$R/run/user/$uid/bus"
[ -e "$bus" ] || systemctl start "user@$uid.service" || true
await_bus() { i=0; while [ ! -e "$bus" ] && [ "$i" -lt "$1" ]; do i=$((i + 1)); sleep 0.2; done; }
await_bus 25
[ -e "$bus" ] || {
  ${asAgent('$uid')} systemctl --user daemon-reload && ${asAgent('$uid')} systemctl --user start dbus.socket || true
}
await_bus 75
[ -e "$bus" ] || { echo "the user manager of ${agentUserName} did not start in 20 s"; exit 1; }`,
  );
}

/**
 * Enables the podman socket while the user manager does not run yet, so that it comes up with it: to have a running
 * one enable it and read its units anew is several times the work. Where this does not succeed,
 * {@link awaitPodmanSocket} does it the long way.
 */
export function enablePodmanSocketAhead(): Fragment {
  return defineFragment(
    `systemctl --user enable podman.socket`,
    `home=$(getent passwd ${agentUserName} | cut -d: -f6)
runuser -u ${agentUserName} -- env HOME="$R$home" SYSTEMD_OFFLINE=1 systemctl --user enable podman.socket || true`,
  );
}

/** What makes the socket listen for sure, whatever state the user manager is in. Expects `$uid`. */
const makePodmanSocketListen = `systemctl --user --machine=${agentUserName}@ enable --now podman.socket ||
  ${asAgent('$uid')} systemctl --user enable --now podman.socket
[ -e "$R/run/user/$uid/podman/podman.sock" ] || ${asAgent('$uid')} systemctl --user restart podman.socket`;

/**
 * Enables the podman socket of the agent user, and has it listen: a socket whose file somebody removed counts as
 * active all the same, until it is started anew. `--machine` needs a bus that some images lack.
 */
export function enablePodmanSocket(): Fragment {
  return defineFragment(
    `systemctl --user --machine=${agentUserName}@ enable --now podman.socket`,
    `${findUid}\n${makePodmanSocketListen}`,
  );
}

/** Waits until the socket that was enabled ahead listens. It comes a moment after the bus of the user manager. */
export function awaitPodmanSocket(): Fragment {
  return defineFragment(
    'wait for podman.sock',
    `${findUid}
i=0
while [ ! -e "$R/run/user/$uid/podman/podman.sock" ] && [ "$i" -lt 50 ]; do i=$((i + 1)); sleep 0.1; done
[ -e "$R/run/user/$uid/podman/podman.sock" ] || {
${makePodmanSocketListen}
}`,
  );
}
