import { execFileSync } from 'node:child_process';

/**
 * Whether programs that are started from here write core files: as large as they let themselves, or none. A page of Chromium has
 * a terabyte of addresses; whoever waits for its output waits until the kernel has been through all of them. Linux.
 */
export function letWriteCoreFiles(wanted: boolean): void {
  if (process.platform !== 'linux') return;
  // Without the colon the hard limit goes down too, and never up again.
  execFileSync('prlimit', [wanted ? '--core=unlimited' : '--core=0:', '--pid', String(process.pid)]);
}
