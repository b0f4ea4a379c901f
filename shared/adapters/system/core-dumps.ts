import { writeFileSync } from 'node:fs';

/**
 * Keeps memory out of core files of this process and of those it starts: tokens, keys and passwords pass through it. Linux
 * takes the kinds of memory to dump from this file and hands the choice on; other systems write no core files of apps by
 * default.
 */
export function keepMemoryOutOfCoreFiles(platform: NodeJS.Platform): void {
  if (platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // A container may not allow it; then its own limits decide about core files.
  }
}
