import { setTimeout as wait } from 'node:timers/promises';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';

/** Waits until something is true, asking again and again. @throws Error naming it after `limitMs`. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  limitMs = HANGS_AFTER_MS,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await wait(20);
  }
}
