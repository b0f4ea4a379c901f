import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { HOLDER_MARK } from './sandbox.ts';

const HOLDER_ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  [HOLDER_MARK]: '1',
};

/** The process that keeps one sandbox open for as long as this process lives. */
export interface Holder {
  /** Host pid of the first process inside; 0 in prefix mode. */
  readonly innerPid: number;
  /** Closes the sandbox: the kernel (or the guard) ends everything in it. */
  close(): Promise<void>;
}

/**
 * Starts a holder script and waits until it says `ready <pid>`.
 * @throws Error with the script's own words when the sandbox could not be made.
 */
export async function startHolder(command: string, args: readonly string[]): Promise<Holder> {
  const child = spawn(command, args, { env: HOLDER_ENV, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const gone = once(child, 'close').catch(() => undefined);
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // The holder never reads anything; a write error after its end has nothing to tell.
  child.stdin.on('error', () => undefined);
  const innerPid = await readyPid(child, errors);
  child.unref();
  return {
    innerPid,
    async close() {
      if (innerPid > 0) killQuietly(innerPid);
      child.stdin.end();
      const limit = setTimeout(() => child.pid !== undefined && killQuietly(child.pid), 5_000);
      await gone;
      clearTimeout(limit);
    },
  };
}

async function readyPid(child: ChildProcessWithoutNullStreams, errors: readonly Buffer[]): Promise<number> {
  const lines = createInterface({ input: child.stdout });
  return await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      reject(
        new Error(
          `The rehearsal sandbox did not start (${code}): ${Buffer.concat(errors).toString('utf8').trim()}`,
        ),
      ),
    );
    lines.once('line', (line) => {
      const pid = /^ready (\d+)$/.exec(line)?.[1];
      if (pid === undefined)
        reject(new Error(`The rehearsal sandbox said "${line}" instead of being ready.`));
      else resolve(Number(pid));
    });
  });
}

/** Sends SIGKILL to a process (or, negative, a group) that may have ended already. */
export function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
