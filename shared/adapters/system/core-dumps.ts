import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Keeps memory out of core files of a process, this one unless told otherwise, and of those it starts from now on: tokens,
 * keys and passwords pass through it. Linux takes the kinds of memory to dump from this file and hands the choice on; other systems
 * write no core files of apps by default.
 */
export function keepMemoryOutOfCoreFiles(platform: NodeJS.Platform, pid: number | 'self' = 'self'): void {
  if (platform !== 'linux') return;
  try {
    writeFileSync(`/proc/${pid}/coredump_filter`, '0');
  } catch {
    // A container may not allow it, and a sandboxed process writes no core file; then its own limits decide.
  }
}

/** Processes that a process has started and that are there still; none on a system that does not tell. */
export function childrenOf(platform: NodeJS.Platform, pid: number): readonly number[] {
  if (platform !== 'linux') return [];
  try {
    // Each thread has children of its own.
    const lists = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'),
    );
    return lists.join(' ').split(' ').filter(Boolean).map(Number);
  } catch {
    // A thread has ended meanwhile, or the kernel was built without this list.
    return [];
  }
}
