import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AwkwardBatch, enrollAwkward } from './awkward-batch.ts';
import { farmAvailable } from './farm.ts';

/** Longer than anybody waits: what holds a lock is stopped once the station has said that it waits. */
const HELD_SECONDS = 3_600;

/** Holds a lock as apt takes it, a record lock of fcntl(2). Ready when it is held. */
const holdLock = (file: string, unit: string): string =>
  `mkdir -p $(dirname ${file}); cat > /run/hold.pl <<'END'
use Fcntl qw(:DEFAULT F_SETLKW F_WRLCK SEEK_SET);
$0 = "apt.systemd.dai";
sysopen(my $f, "${file}", O_RDWR | O_CREAT, 0640) or die $!;
my $whole = pack("s s x4 q q i x4", F_WRLCK, SEEK_SET, 0, 0, 0);
fcntl($f, F_SETLKW, $whole) or die $!;
system('systemd-notify', '--ready', "--pid=$$");
sleep ${HELD_SECONDS};
END
systemd-run --quiet --collect --unit=${unit} --service-type=notify --property=NotifyAccess=all perl /run/hold.pl`;

/** What unattended-upgrades, a power cut and a lost mirror leave of a package system. Here apt is the point. */
const devices = {
  'apt-locked': {
    conditions: ['apt-locked'],
    before: `echo ${HELD_SECONDS} > /var/lib/muster-farm/apt-lock-seconds; systemctl restart apt-lock`,
    onceShown: { text: 'waits for unattended-upgr', run: 'systemctl stop apt-lock' },
  },
  'lists-locked': {
    suite: 'trixie',
    conditions: ['no-apt-lists'],
    before: holdLock('/var/lib/apt/lists/lock', 'hold-lists'),
    onceShown: { text: 'waits for apt.systemd.dai', run: 'systemctl stop hold-lists' },
  },
  'half-configured': { conditions: ['half-configured', 'noexec-tmp'] },
  'no-mirror': {
    before: `rm -rf /var/lib/apt/lists /etc/apt/sources.list.d; echo 'deb http://10.83.0.1:9/debian bookworm main' > /etc/apt/sources.list`,
  },
  'early-release': {
    before: `rm -rf /var/lib/apt/lists
cd /var/lib/muster-packages && sed -i '/^Date:/d' Release && echo "Date: $(date -u -d '+2 days' '+%a, %d %b %Y %H:%M:%S UTC')" >> Release`,
  },
} as const;

describe.skipIf(!farmAvailable().ok)('the package system of a real Debian', () => {
  let batch: AwkwardBatch<keyof typeof devices>;

  beforeAll(async () => {
    batch = await enrollAwkward(devices, AbortSignal.timeout(900_000));
  }, 900_000);
  afterAll(() => batch?.stop(), 300_000);

  test('a lock that unattended-upgrades holds is waited for, says so on the board, and is never removed', async () => {
    await batch.expectEnrolled('apt-locked');
    expect(batch.shown('apt-locked').includes('waits for unattended-upgr')).toBe(true);
    expect(await batch.inside('apt-locked', 'ls /var/lib/dpkg/lock-frontend')).not.toBe('');
    expect(batch.row('apt-locked').roundTrips).toBeLessThanOrEqual(5);
  });

  test('a lock of the lists, for which apt itself does not wait, is waited for as well', async () => {
    await batch.expectEnrolled('lists-locked');
    expect(batch.shown('lists-locked').includes('waits for apt.systemd.dai')).toBe(true);
    expect(await batch.inside('lists-locked', 'ls /var/lib/apt/lists | grep -c Packages')).not.toBe('0');
  });

  test('what a power cut left half configured is completed, and no /tmp is needed', async () => {
    await batch.expectEnrolled('half-configured');
    expect(await batch.inside('half-configured', 'dpkg --audit; ls /var/lib/dpkg/updates')).toBe('');
  });

  test('a mirror that does not answer is told in the words of apt', async () => {
    await batch.expectRefused('no-mirror', 'DEVICE_APT_FAILED');
    expect(batch.row('no-mirror').error?.says).toMatch(/Failed to fetch http:.*10\.83\.0\.1/);
  });

  test('a release from the future is told as what it is: the clock is off', async () => {
    await batch.expectRefused('early-release', 'DEVICE_CLOCK_OFF');
    expect(batch.row('early-release').error).toMatchObject({ offer: 'set-clock', stepId: 'packages' });
  });
});
