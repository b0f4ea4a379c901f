import { EnrollmentError } from '../errors/enrollment-error.ts';
import { printable } from '../model/printable.ts';
import { type DeviceCommand, defineCommand } from './device-command.ts';
import { unitMessages, unitName } from './paths.ts';
import { shellQuote } from './quote.ts';

/** A server the device has to reach by itself. */
export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** How a device sees a server: what it said first, or why it could not be reached. */
export type Reach =
  | { readonly kind: 'reached'; readonly greeting: string }
  | { readonly kind: 'not-reached'; readonly why: string }
  | { readonly kind: 'not-tried' };

/** What a probe finds beyond the look, for a person who asks what is wrong. */
export interface ProbeFacts {
  /** Process that holds a lock of the package system, as `1234 unattended-upgr`. */
  readonly aptLockHolder: string | undefined;
  /** What `dpkg --audit` complains about. */
  readonly brokenPackages: string | undefined;
  /** Packages no known source offers. */
  readonly unavailablePackages: readonly string[];
  readonly unitState: string | undefined;
  readonly unitRestarts: number | undefined;
  readonly journalLines: readonly string[];
  readonly reach: ReadonlyMap<string, Reach>;
}

const JOURNAL_LINES = 6;
const REACH_LIMIT_SECONDS = 4;
const HOST = /^[A-Za-z0-9._:%-]{1,253}$/;

/**
 * Reads what the look does not: the package system's locks, the unit's life, and whether the device reaches its servers.
 * It writes nothing: apt keeps its caches in memory, locks are asked for and never taken.
 */
export function probeCommand(
  nonce: string,
  wanted: { readonly packages: readonly string[]; readonly endpoints: readonly Endpoint[] },
): DeviceCommand {
  const endpoints = wanted.endpoints.filter(({ host }) => HOST.test(host));
  const script = `
LC_ALL=C; export LC_ALL
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
R="\${MUSTER_DEVICE_ROOT-}"
fact() { printf '@${nonce} %s %s\\n' "$1" "$(printf '%s' "$2" | tr '\\n' ' ' | tr -d '\\000-\\037' | cut -c1-400)"; }
holder() {
  perl -e '
    use Fcntl qw(F_GETLK F_WRLCK F_UNLCK SEEK_SET);
    for (@ARGV) {
      open(my $f, "<", $_) or next;
      my $l = pack("s s x4 q q l x4", F_WRLCK, SEEK_SET, 0, 0, 0);
      fcntl($f, F_GETLK, $l) or next;
      my ($type, $whence, $start, $length, $pid) = unpack("s s x4 q q l x4", $l);
      next if $type == F_UNLCK;
      open(my $c, "<", "/proc/$pid/comm"); my $name = $c ? <$c> : ""; chomp $name;
      print "$pid $name"; exit;
    }' "$R/var/lib/dpkg/lock-frontend" "$R/var/lib/dpkg/lock" "$R/var/lib/apt/lists/lock" "$R/var/cache/apt/archives/lock" 2>/dev/null
}
fact apt-lock "$(holder)"
audit=$(dpkg --audit 2>/dev/null)
[ $? -lt 2 ] && fact broken-packages "$audit"
for p in ${wanted.packages.map(shellQuote).join(' ')}; do
  case "$(apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy "$p" 2>/dev/null)" in *'Candidate: '[!\\(]*) ;; *) fact "unavailable-$p" yes ;; esac
done
fact unit-state "$(systemctl show ${unitName} -p ActiveState --value 2>/dev/null)"
fact unit-restarts "$(systemctl show ${unitName} -p NRestarts --value 2>/dev/null)"
journalctl -n ${JOURNAL_LINES} --no-pager -o cat ${unitMessages} 2>/dev/null | cut -c1-400 | while IFS= read -r line; do fact journal "$line"; done
# Without its start files: with a socket as standard input it takes itself for a remote shell and reads them.
if command -v bash >/dev/null && command -v timeout >/dev/null; then
${endpoints
  .map(
    ({
      name,
      host,
      port,
    }) => `  if said=$(timeout ${REACH_LIMIT_SECONDS} bash --norc --noprofile -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1; echo connected; timeout 1 head -c 5 <&3' ${shellQuote(host)} ${port} 2>&1); then :; fi
  fact ${shellQuote(`reach-${name}`)} "\${said:-no answer within ${REACH_LIMIT_SECONDS} s}"`,
  )
  .join('\n')}
  :
fi
fact end ok
`;
  return defineCommand('Probe the device', script, { asRoot: true });
}

/** @throws DEVICE_FACTS_UNREADABLE when the probe did not come to its end */
export function parseProbe(stdout: string, nonce: string): ProbeFacts {
  const found = new Map<string, string>();
  const journalLines: string[] = [];
  for (const line of stdout.split('\n')) {
    const match = /^@(\S+) (\S+) ?(.*)$/.exec(line.replace(/\r$/, ''));
    if (match?.[1] !== nonce || match[2] === undefined) continue;
    const text = printable(match[3] ?? '').trim();
    if (match[2] === 'journal') journalLines.push(text);
    else found.set(match[2], text);
  }
  if (found.get('end') !== 'ok')
    throw new EnrollmentError('DEVICE_FACTS_UNREADABLE', {
      details: { problem: 'the probe was cut off' },
      phase: 'check',
    });
  const text = (name: string): string | undefined => found.get(name) || undefined;
  const restarts = text('unit-restarts');
  return {
    aptLockHolder: text('apt-lock'),
    brokenPackages: text('broken-packages'),
    unavailablePackages: namesAfter(found, 'unavailable-'),
    unitState: text('unit-state'),
    unitRestarts: restarts !== undefined && /^\d{1,9}$/.test(restarts) ? Number(restarts) : undefined,
    journalLines,
    reach: new Map(
      namesAfter(found, 'reach-').map((name) => [name, readReach(found.get(`reach-${name}`) ?? '')]),
    ),
  };
}

function namesAfter(found: ReadonlyMap<string, string>, prefix: string): string[] {
  return [...found.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

function readReach(said: string): Reach {
  const match = /^connected ?(.*)$/.exec(said);
  if (match) return { kind: 'reached', greeting: match[1] ?? '' };
  return { kind: 'not-reached', why: said.replace(/^.*?bash: (line \d+: )?/, '').slice(0, 300) };
}
