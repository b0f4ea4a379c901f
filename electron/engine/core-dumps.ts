import fs from 'node:fs';

/**
 * Keeps memory out of core files: tokens and keys pass through this process. Linux takes the list of memory kinds
 * to dump from this file; other systems write no core files of apps by default.
 */
export function keepMemoryOutOfCoreFiles(platform: NodeJS.Platform): void {
  if (platform !== 'linux') return;
  try {
    fs.writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // A container may not allow it; then its own limits decide about core files.
  }
}
