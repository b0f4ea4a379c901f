import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

export interface ServerProcessOptions {
  readonly executable: string;
  readonly configPath: string;
  /** Holds the server's log, pid file and ports file. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

export interface ServerProcess {
  readonly pid: number;
  /** Where clients connect: `nats://host:port`. */
  readonly urls: readonly string[];
  /** Settles when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Asks the server to end, insists after a few seconds, and waits until it is gone. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 5000;
const POLL_MS = 25;
const portsSchema = z.object({ nats: z.array(z.string()).min(1) });

const pidFilePath = (dir: string): string => join(dir, 'nats-server.pid');

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** The command line of a running process, or undefined when there is no such process. */
function commandLineOf(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined; // ps ends with an error when it finds nothing.
  }
}

/**
 * Ends the server an earlier lab left behind because it was killed itself. Only a process that runs with
 * this very configuration file counts, since the number in the pid file may belong to someone else by now.
 */
export async function endLeftoverServer({
  dir,
  configPath,
}: {
  dir: string;
  configPath: string;
}): Promise<void> {
  const pid = Number(readIfThere(pidFilePath(dir)));
  const isOurs = (): boolean => commandLineOf(pid)?.includes(configPath) === true;
  if (Number.isInteger(pid) && pid > 1 && isOurs()) {
    process.kill(pid, 'SIGTERM');
    for (let waitedMs = 0; waitedMs < STOP_LIMIT_MS && isOurs(); waitedMs += POLL_MS) await delay(POLL_MS);
    if (isOurs()) process.kill(pid, 'SIGKILL');
  }
  rmSync(pidFilePath(dir), { force: true });
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

async function waitForUrls(
  child: ChildProcess,
  options: ServerProcessOptions,
  logPath: string,
): Promise<string[]> {
  const portsPath = join(options.dir, `nats-server_${child.pid}.ports`);
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(START_LIMIT_MS)]);
  for (;;) {
    const ports = readIfThere(portsPath);
    // The server creates the file before it fills it.
    if (ports?.trimEnd().endsWith('}')) return portsSchema.parse(JSON.parse(ports)).nats;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`nats-server ended at once:\n${lastLines(readIfThere(logPath) ?? '', 8)}`);
    }
    options.signal.throwIfAborted();
    if (limit.aborted)
      throw new Error(`nats-server gave no port within ${START_LIMIT_MS / 1000} s; see ${logPath}`);
    await delay(POLL_MS);
  }
}

/**
 * Starts `nats-server` and waits until it listens. It ends with `stop`, with the signal, and with this
 * process; after a kill -9 of this process, {@link endLeftoverServer} ends it at the next start.
 * @throws when the server ends at once (its last log lines are in the message) or does not listen in 15 s.
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { executable, configPath, dir, signal } = options;
  signal.throwIfAborted();
  const logPath = join(dir, 'nats-server.log');
  const log = openSync(logPath, 'a', 0o600);
  const child = spawn(executable, ['-c', configPath], { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const killNow = (): void => void child.kill('SIGKILL');
  process.once('exit', killNow);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const insist = setTimeout(killNow, STOP_LIMIT_MS);
    await ended;
    clearTimeout(insist);
    process.off('exit', killNow);
    rmSync(pidFilePath(dir), { force: true });
  };
  try {
    await once(child, 'spawn');
    writeFileSync(pidFilePath(dir), `${child.pid}\n`);
    const urls = await waitForUrls(child, options, logPath);
    signal.addEventListener('abort', () => void stop(), { once: true });
    return { pid: child.pid ?? 0, urls, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
