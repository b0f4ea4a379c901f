import { type DeviceCommand, defineCommand } from './device-command.ts';
import { EXIT_STILL_STARTING } from './exit-status.ts';
import { firstBootLimitSeconds } from './paths.ts';

/** What is done to a device before it is enrolled, so that the enrollment finds it settled. */

/**
 * Sets the device's clock, and its hardware clock where it has one, so that the time lasts over a restart. A
 * hardware clock that cannot be set is told and is no failure: the time is right all the same.
 * @param secondsSince1970 whole seconds
 */
export function setClock(secondsSince1970: number): DeviceCommand {
  const seconds = Math.round(secondsSince1970);
  return defineCommand(
    `date -u -s @${seconds}`,
    `set -eu
LC_ALL=C; export LC_ALL
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
R="\${MUSTER_DEVICE_ROOT-}"
date -u -s @${seconds}
for clock in "$R/dev/rtc" "$R/dev/rtc0"; do
  [ -e "$clock" ] || continue
  if hwclock --systohc 2>&1; then echo 'the hardware clock is set too'; else echo 'the hardware clock was not set'; fi
  break
done
`,
    { asRoot: true },
  );
}

/**
 * Waits until cloud-init has set the device up: until then it may add users, change the clock's zone and hold the
 * package manager. A line at every look ends the script when nobody listens any more.
 */
export function awaitFirstBoot(limitSeconds: number = firstBootLimitSeconds): DeviceCommand {
  return defineCommand(
    'wait for cloud-init',
    `R="\${MUSTER_DEVICE_ROOT-}"
i=0
while [ -e "$R/run/cloud-init/status.json" ] && [ ! -e "$R/run/cloud-init/result.json" ]; do
  [ "$i" -lt ${limitSeconds} ] || { echo 'cloud-init is still running'; exit ${EXIT_STILL_STARTING}; }
  i=$((i + 1))
  sleep 1
  echo
done
`,
    { asRoot: true },
  );
}
