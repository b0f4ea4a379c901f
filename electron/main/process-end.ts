import process from 'node:process';

/** Between two looks; a page ends within a few of them. */
const LOOK_MS = 10;

/**
 * Waits until a process of ours is gone, and ends it when it is not after `limitMs`. False when it had to be ended.
 * For a process whose end nobody reports, as that of a page whose window is gone.
 */
export async function endOfProcess(pid: number, limitMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + limitMs;
  while (isThere(pid)) {
    if (performance.now() >= giveUpAt) {
      signal(pid, 'SIGKILL');
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
}

function isThere(pid: number): boolean {
  return signal(pid, 0);
}

/** False when there is no such process any more. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
