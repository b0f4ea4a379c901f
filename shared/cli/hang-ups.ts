import { readFileSync } from 'node:fs';

/** Bit of SIGHUP, signal 1, in the masks of `/proc/PID/status`. */
const SIGHUP_BIT = 1n;
/** How a descriptor was opened, in the flags of `/proc/PID/fdinfo/FD`. */
const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;

/**
 * Whether this program was started so that it outlives a hang-up. Node gives every signal its default back before a line of
 * JavaScript runs, so what `nohup` has set cannot be asked for any more. Two traces of it are left on Linux: a standard input
 * in place of the terminal that can be written only, and, for what runs in a script, a parent that ignores the signal itself.
 * @param read the text of a file
 */
export function isHangUpIgnored(
  parentPid: number,
  read = (path: string): string => readFileSync(path, 'utf8'),
): boolean {
  const field = (path: string, name: RegExp): string | undefined => {
    try {
      return name.exec(read(path))?.[1];
    } catch {
      return undefined; // Another system, or nothing to be seen of the parent: then a hang-up counts.
    }
  };
  const flags = field('/proc/self/fdinfo/0', /^flags:\s*([0-7]+)$/m);
  if (flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) === WRITE_ONLY) return true;
  const ignored = field(`/proc/${parentPid}/status`, /^SigIgn:\s*([0-9a-f]+)$/m);
  return ignored !== undefined && (BigInt(`0x${ignored}`) & SIGHUP_BIT) !== 0n;
}
