import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { FarmDevice } from './farm.ts';

export interface Watched {
  readonly samples: number;
  readonly seconds: number;
  /** Every command line and every environment that was seen, parts apart by NUL. */
  readonly texts: readonly string[];
}

/** The /proc of a device as seen from here: through the root of its first process. */
async function procOf(device: FarmDevice): Promise<string> {
  const space = (await device.exec('readlink /proc/self/ns/pid')).stdout.trim();
  for (const pid of fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (fs.readlinkSync(`/proc/${pid}/ns/pid`) !== space) continue;
      const numbers = /^NSpid:\s+(.*)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (numbers?.split(/\s+/).at(-1) === '1') return `/proc/${pid}/root/proc`;
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`There is no first process of ${device.name}.`);
}

/**
 * Watches all processes of a device while something happens there.
 * @param work is given a way to ask whether one of the words was seen by now
 */
export async function watchProcesses(
  device: FarmDevice,
  work: (hasSeen: (word: string) => boolean) => Promise<void>,
  words: readonly string[] = [],
): Promise<Watched> {
  const program = path.join(import.meta.dirname, 'process-watcher.mjs');
  const watcher = spawn(process.execPath, [program, await procOf(device), '0', ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  watcher.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(watcher, 'close');
  await once(watcher.stdout, 'data');
  const startedAt = performance.now();
  try {
    await work((word) => said.split('\n').includes(word));
  } finally {
    watcher.stdin.end();
    await ended;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { samples, texts } = JSON.parse(said.slice(said.lastIndexOf('\n') + 1)) as Omit<Watched, 'seconds'>;
  return { samples, texts, seconds };
}
