# What the stand-ins share. Sourced, never run.
# R is empty inside a namespace; in prefix mode it is the folder that plays the device's root.
R="${MUSTER_DEVICE_ROOT:-}"
STATE="$R/var/lib/rehearsal"
RUN="$R/run/rehearsal"
HERE="${0%/*}"
DEFAULT_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# fault NAME: true when that fault is switched on.
fault() { [ -e "$STATE/faults/$1" ]; }

# folded: true where the device has one real user id only; users and owners are then recorded names.
folded() { [ -e "$STATE/folded" ]; }

# real_tool NAME: path of the computer's own tool that a stand-in covers.
real_tool() {
  for real_dir in /opt/rehearsal/usr/bin /opt/rehearsal/usr/sbin /usr/bin /bin /usr/sbin /sbin; do
    [ "$real_dir" -ef "$HERE" ] && continue
    [ -x "$real_dir/$1" ] && { printf '%s\n' "$real_dir/$1"; return 0; }
  done
  return 1
}

# current_user: who runs this, as the device sees it.
current_user() {
  if folded; then printf '%s\n' "${MUSTER_REHEARSAL_USER:-root}"; else id -un; fi
}

is_root() {
  if folded; then [ "${MUSTER_REHEARSAL_USER:-root}" = root ]; else [ "$(id -u)" = 0 ]; fi
}

# passwd_field NAME N: field N of that user's passwd line; fails when there is no such user.
passwd_field() {
  awk -F: -v name="$1" -v field="$2" \
    '$1 == name || $3 == name { print $field; found = 1; exit } END { exit !found }' "$R/etc/passwd"
}

# device_path: PATH for things the device starts; in prefix mode the stand-ins and node stay reachable.
device_path() { printf '%s\n' "${MUSTER_REHEARSAL_PATH:-$DEFAULT_PATH}"; }

# as_user NAME COMMAND…: replaces this process by the command, run as that user.
as_user() {
  as_name="$1"
  shift
  if folded; then
    MUSTER_REHEARSAL_USER="$as_name"
    export MUSTER_REHEARSAL_USER
    exec "$@"
  fi
  exec setpriv --reuid "$(passwd_field "$as_name" 3)" --regid "$(passwd_field "$as_name" 4)" --init-groups \
    --inh-caps=-all --ambient-caps=-all -- "$@"
}

hash_text() {
  if command -v sha256sum >/dev/null 2>&1; then printf %s "$1" | sha256sum; else printf %s "$1" | shasum -a 256; fi |
    cut -d' ' -f1
}

# OWN_SESSION: words that start a command in a session and process group of its own, without another process.
if command -v setsid >/dev/null 2>&1; then
  OWN_SESSION=setsid
else
  OWN_SESSION='perl -MPOSIX -e POSIX::setsid();exec(@ARGV)'
fi
