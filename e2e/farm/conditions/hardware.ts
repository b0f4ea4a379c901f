import type { DeviceFiles } from '../device-files.ts';
import { type Condition, farmFilesOnDevice } from './condition.ts';

const model = 'Raspberry Pi 4 Model B Rev 1.5';
const serial = '10000000a3b4c5d6';

const cpuinfo = `processor	: 0
BogoMIPS	: 108.00
Features	: fp asimd evtstrm crc32 cpuid
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x0
CPU part	: 0xd08
CPU revision	: 3

Revision	: d03115
Serial		: ${serial}
Model		: ${model}
`;

/** The marks are mounted from inside: /proc and /sys of a container are its own. */
async function markAsRaspberryPi(files: DeviceFiles): Promise<void> {
  const folder = `${farmFilesOnDevice}/raspberry-pi`;
  await files.write(`${folder}/cpuinfo`, cpuinfo);
  await files.write(`${folder}/firmware/devicetree/base/model`, `${model}\0`);
  await files.write(`${folder}/firmware/devicetree/base/serial-number`, `${serial}\0`);
  await files.write('/etc/rpi-issue', 'Raspberry Pi reference 2025-05-13\nGenerated using pi-gen, stage2\n');
  await files.enableUnit(
    'raspberry-pi-marks.service',
    `[Unit]
Description=Shows the marks of a Raspberry Pi
DefaultDependencies=no
Before=ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/mount --bind ${folder}/cpuinfo /proc/cpuinfo
ExecStart=/bin/mount --bind ${folder}/firmware /sys/firmware
`,
  );
}

/** Answers for one question, and passes all others on to the real program. */
const answer = (program: string, question: string, reply: string) => `#!/bin/sh
# Stand-in of the device farm: this machine has another processor.
case "$*" in
  '${question}') echo '${reply}' ;;
  *) exec ${program} "$@" ;;
esac
`;

const armUname = `#!/bin/sh
# Stand-in of the device farm: this machine has another processor.
case "$*" in
  -m) echo armv7l ;;
  -nm) echo "$(/bin/uname -n) armv7l" ;;
  *) exec /bin/uname "$@" ;;
esac
`;

/** On a Debian of another architecture dpkg is a package of that one, and so are most others. */
const armPackages = `#!/bin/sh
# Stand-in of the device farm: this machine has another processor.
said=$(/usr/bin/dpkg-query "$@")
status=$?
[ -z "$said" ] || printf '%s\\n' "$said" | sed 's/^dpkg amd64/dpkg armhf/'
exit "$status"
`;

const clockFile = `${farmFilesOnDevice}/clock-offset`;

/**
 * \`date\` with an offset: the kernel's clock is the machine's and no container may set it. Setting it changes the
 * offset, as root only, as with the real one.
 */
const offsetDate = `#!/bin/sh
# Stand-in of the device farm: a container cannot set the kernel's clock, so the offset in a file is the clock.
now() { echo $(($(/bin/date +%s) + $(cat ${clockFile}))); }
set_to=
given=
fixed=
utc=
next=
for word in "$@"; do
  if [ -n "$next" ]; then set_to=$word; next=; given=yes; continue; fi
  case "$word" in
    -s | --set) next=yes ;;
    -s*) set_to=\${word#-s}; given=yes ;;
    --set=*) set_to=\${word#--set=}; given=yes ;;
    -u | --utc | --universal) utc=-u ;;
    -us) utc=-u; next=yes ;;
    -d* | --date* | -r* | --reference* | -f* | --file* | --help | --version) fixed=yes ;;
  esac
done
if [ -n "$given" ]; then
  [ "$(id -u)" = 0 ] || { echo "date: cannot set date: Operation not permitted" >&2; exit 1; }
  wanted=$(/bin/date $utc -d "$set_to" +%s) || exit 1
  printf '%+d' $((wanted - $(/bin/date +%s))) > ${clockFile}
  exec /bin/date $utc -d "@$wanted"
fi
[ -n "$fixed" ] && exec /bin/date "$@"
exec /bin/date -d "@$(now)" "$@"
`;

async function setClockOff(files: DeviceFiles): Promise<void> {
  const threeDaysBack = '-259200';
  await files.write(clockFile, threeDaysBack);
  await files.write('/usr/local/bin/date', offsetDate, { mode: 0o755 });
  const library = (await files.run('sh', '-c', 'ls /usr/lib/*/faketime/libfaketime.so.1')).trim();
  await files.write(
    '/etc/systemd/system/fleet-agent.service.d/90-farm-clock.conf',
    `[Service]
Environment=LD_PRELOAD=${library} FAKETIME_TIMESTAMP_FILE=${clockFile} FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
`,
  );
}

/** What the machine itself is, and what it believes. */
export const hardwareConditions = {
  'raspberry-pi': {
    about: `shows the marks of a ${model}: cpuinfo, device tree model and serial number, /etc/rpi-issue`,
    prepare: markAsRaspberryPi,
  },
  armv7: {
    about: 'STAND-IN: uname and dpkg say 32-bit ARM; the processor is not, and ARM programs do not run',
    prepare: async (files) => {
      await files.write('/usr/local/bin/uname', armUname, { mode: 0o755 });
      await files.write('/usr/local/bin/dpkg-query', armPackages, { mode: 0o755 });
      await files.write('/usr/local/bin/dpkg', answer('/usr/bin/dpkg', '--print-architecture', 'armhf'), {
        mode: 0o755,
      });
    },
  },
  'clock-off': {
    about: `STAND-IN: date is three days back (${clockFile}, which date -s changes), and so is the agent's clock by libfaketime; apt and the kernel go right`,
    packages: ['libfaketime'],
    prepare: setClockOff,
  },
} as const satisfies Record<string, Condition>;
