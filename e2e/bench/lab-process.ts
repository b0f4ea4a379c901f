import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const START_LIMIT_MS = 120_000;

export interface LabInAnotherProcess {
  readonly profilePath: string;
  stop(): Promise<void>;
}

/** Starts a lab of `devices` devices in another process. @throws when it is not ready in time. */
export async function startLabProcess(dir: string, devices: number): Promise<LabInAnotherProcess> {
  const root = path.resolve(import.meta.dirname, '../..');
  const args = ['e2e/bench/lab-child.ts', `--folder=${dir}`, `--devices=${devices}`];
  const child = spawn(process.execPath, [path.join(root, 'node_modules/tsx/dist/cli.mjs'), ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, 'line', { signal: AbortSignal.timeout(START_LIMIT_MS) }) as Promise<string[]>,
    ended.then(() => {
      throw new Error('The lab ended before it was ready.');
    }),
  ]);
  const { profilePath }: { profilePath: string } = JSON.parse(line ?? '{}');
  return { profilePath, stop };
}
