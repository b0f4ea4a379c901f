import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export interface SeenProcesses {
  readonly samples: number;
  /** Every command line and every environment that was seen, parts apart by NUL. */
  readonly texts: readonly string[];
}

const PAUSE_MS = 5;

/** Watches command lines and environments of all processes of this computer until it is told to stop; more than once is the same. Linux. */
export async function watchProcessTable(): Promise<{ stop(): Promise<SeenProcesses> }> {
  const program = path.resolve(import.meta.dirname, '../farm/process-watcher.mjs');
  const watcher = spawn(process.execPath, [program, '/proc', String(PAUSE_MS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  watcher.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(watcher, 'close');
  await once(watcher.stdout, 'data');
  let stopped: Promise<SeenProcesses> | undefined;
  const stop = async (): Promise<SeenProcesses> => {
    watcher.stdin.end();
    await ended;
    return JSON.parse(said.slice(said.indexOf('\n') + 1)) as SeenProcesses;
  };
  return {
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
