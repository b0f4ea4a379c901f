import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export interface SeenProcesses {
  readonly samples: number;
  /** Every command line and every environment that was seen, parts apart by NUL. */
  readonly texts: readonly string[];
}

const PAUSE_MS = 5;

export interface ProcessTable {
  /** Resolves once a process had the word that was asked for in its command line or environment. */
  readonly sawWord: Promise<void>;
  /** Ends the watch; more than once is the same. */
  stop(): Promise<SeenProcesses>;
}

/**
 * Watches command lines and environments of all processes of this computer until it is told to stop. Linux.
 * @param word something that a process is going to have there, in letters and digits
 */
export async function watchProcessTable(word?: string): Promise<ProcessTable> {
  const program = path.resolve(import.meta.dirname, '../farm/process-watcher.mjs');
  const watcher = spawn(
    process.execPath,
    [program, '/proc', String(PAUSE_MS), ...(word === undefined ? [] : [word])],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let said = '';
  watcher.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(watcher, 'close');
  const sawWord = new Promise<void>((resolve) => {
    watcher.stdout.on('data', () => {
      if (word !== undefined && said.split('\n').includes(word)) resolve();
    });
  });
  await once(watcher.stdout, 'data');
  let stopped: Promise<SeenProcesses> | undefined;
  const stop = async (): Promise<SeenProcesses> => {
    watcher.stdin.end();
    await ended;
    return JSON.parse(said.slice(said.lastIndexOf('\n') + 1)) as SeenProcesses;
  };
  return {
    sawWord,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
