import { EXIT_APT_LOCKED } from './exit-status.ts';
import { defineFragment, type Fragment } from './fragment.ts';
import { aptLockLimitSeconds } from './paths.ts';
import { shellQuote } from './quote.ts';

const aptOptions = ['-y', '-o Dpkg::Options::=--force-confdef', '-o Dpkg::Options::=--force-confold'].join(
  ' ',
);

/** Seconds between two tries where a tool does not wait for a lock by itself. */
const TRY_AGAIN_SECONDS = 2;

/**
 * Shell functions for tools that a held lock stops. `watched COMMAND…` runs one, hands every line on at once (file
 * descriptor 3) and keeps in `$seen` what it recognised in the words (4): only they tell a lock from a missing
 * package. `patiently COMMAND…` tries again while somebody holds a lock, up to the limit; apt waits by itself for
 * dpkg's locks, but not for those of its lists and its archives. A lock is never removed.
 *
 * Who holds it is told once, in apt's own words; an empty line at every try ends the script when nobody listens
 * any more.
 */
function patience(limitSeconds: number): string {
  return `exec 3>&1
told=
watched() {
  seen=$( {
    { "$@" 2>&1 3>&- 4>&- || echo failed >&4; } |
      while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in
          'E: Could not get lock '* | 'dpkg: error: dpkg '*' lock was locked by '*)
            echo locked >&4
            by=$(holder "$line")
            line="Waiting for cache lock: Could not get lock. It is held by $by"
            echo "by=$by" >&4
            [ "$by" != "$told" ] || continue ;;
          'E: '*'is another process using it'* | 'E: Unable to lock '*) echo locked >&4; continue ;;
          'E: dpkg was interrupted'* | *'--fix-broken install'*) echo broken >&4 ;;
        esac
        printf '%s\\n' "$line" >&3
      done
  } 4>&1 )
  case "$seen" in *failed*) return 1 ;; esac
}
holder() {
  case "$1" in
    *'held by process '*) printf '%s' "\${1##*held by }" ;;
    *' with pid '*)
      pid="\${1##* with pid }"
      pid="\${pid%%[!0-9]*}"
      printf 'process %s (%s)' "$pid" "$(cat "$R/proc/$pid/comm" 2>/dev/null || echo unknown)" ;;
    *) printf 'another process' ;;
  esac
}
now() { date +%s; }
began=$(now)
left() {
  left=$((began + ${limitSeconds} - $(now)))
  # A clock that is set meanwhile must not lengthen the wait.
  [ "$left" -le ${limitSeconds} ] || left=${limitSeconds}
  [ "$left" -ge 0 ] || left=0
  printf %s "$left"
}
patiently() {
  while ! watched "$@"; do
    case "$seen" in *locked*) ;; *) return 1 ;; esac
    told=$(printf '%s\\n' "$seen" | sed -n 's/^by=//p' | tail -n 1)
    if [ "$(left)" = 0 ]; then
      echo "apt-lock: waited ${limitSeconds} s, held by \${told:-another process}"
      exit ${EXIT_APT_LOCKED}
    fi
    printf '\\n' >&3
    sleep ${TRY_AGAIN_SECONDS}
  done
}
apt() { apt-get -o DPkg::Lock::Timeout="$(left)" ${aptOptions} "$@"; }`;
}

/**
 * Installs packages without a question. What an install that was cut off left half done is completed first. Lists
 * are fetched only when the install fails without them: on most devices they are there, and fetching is the slow
 * part. Everything waits for locks, up to one limit for all of it.
 */
export function installPackages(
  names: readonly string[],
  lockLimitSeconds: number = aptLockLimitSeconds,
): Fragment {
  const packages = names.map(shellQuote).join(' ');
  return defineFragment(
    `apt-get install ${names.join(' ')}`,
    `DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a; export DEBIAN_FRONTEND NEEDRESTART_MODE
# A /tmp that runs nothing or takes nothing must not matter: apt checks signatures and runs scripts there.
TMPDIR="$R/var/tmp"; export TMPDIR
${patience(lockLimitSeconds)}
install() { patiently apt --no-install-recommends install ${packages}; }
# Somebody else's broken package is no reason to stop: apt has the last word.
patiently dpkg --configure -a || true
install || {
  case "$seen" in *broken*) patiently apt --fix-broken install || true ;; esac
  patiently apt update || true
  install || exit 100
}`,
  );
}
