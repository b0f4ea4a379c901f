import { type DeviceCommand, defineCommand } from './device-command.ts';

/** Tenths of a second a process has between being asked to end and being ended. */
const GRACE_TENTHS = 20;

/**
 * Ends a process group of root: asks first, so that scripts clear up their temporary files, and insists after two
 * seconds. Succeeds when nothing of it is left.
 * @param id the group's number
 */
export function endProcessGroup(id: number): DeviceCommand {
  // Group 0 is the script's own, and 1 would mean every process there is.
  if (!Number.isSafeInteger(id) || id < 2) throw new RangeError(`No process group: ${id}`);
  return defineCommand(
    `kill -- -${id}`,
    `kill -s TERM -- -${id} 2>/dev/null || exit 0
i=0
while kill -s 0 -- -${id} 2>/dev/null && [ "$i" -lt ${GRACE_TENTHS} ]; do i=$((i + 1)); sleep 0.1; done
kill -s KILL -- -${id} 2>/dev/null || true
`,
    { asRoot: true },
  );
}
