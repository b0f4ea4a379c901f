import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { removeCgroups } from '../cgroups.ts';
import type { FarmDevice } from '../farm.ts';

/** One device of a standing farm, as others may know it. */
export type StandingDevice = Pick<
  FarmDevice,
  | 'name'
  | 'suite'
  | 'packages'
  | 'conditions'
  | 'address'
  | 'addressV6'
  | 'sshPort'
  | 'user'
  | 'password'
  | 'privateKeyFile'
  | 'hostKey'
> & { readonly hostKeyFingerprint: string };

/** What is written down about a farm that stands: enough to find it, to use it and to end it. */
export interface StandingFarm {
  /** Process that holds everything: with it ends the rest. */
  readonly pid: number;
  /** When that process began, in the kernel's clock ticks: tells it from a later one of the same number. */
  readonly startedTicks: string;
  readonly devices: readonly StandingDevice[];
}

/** Folder of state, log and socket; one farm stands on a machine at a time. */
export function standingFolder(): string {
  return process.env.MUSTER_FARM_FOLDER ?? '/run/muster-standing-farm';
}

export const stateFile = (): string => path.join(standingFolder(), 'state.json');
export const socketFile = (): string => path.join(standingFolder(), 'socket');
export const logFile = (): string => path.join(standingFolder(), 'log');
export const knownHostsFile = (): string => path.join(standingFolder(), 'known_hosts');

/** The farm that is written down, whether or not it still stands. */
export function readStanding(): StandingFarm | undefined {
  if (!fs.existsSync(stateFile())) return undefined;
  return JSON.parse(fs.readFileSync(stateFile(), 'utf8')) as StandingFarm;
}

/** Writes the state so that nobody reads half of it; it holds a password, so it is for root only. */
export function writeStanding(farm: StandingFarm): void {
  const draft = `${stateFile()}.new`;
  fs.writeFileSync(draft, `${JSON.stringify(farm, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(draft, stateFile());
  const lines = farm.devices.flatMap(({ address, addressV6, sshPort, hostKey }) =>
    [address, addressV6].map((host) => `${sshPort === 22 ? host : `[${host}]:${sshPort}`} ${hostKey}\n`),
  );
  fs.writeFileSync(knownHostsFile(), lines.join(''));
}

/** True while the process that holds the farm lives. */
export function stands({ pid, startedTicks }: StandingFarm): boolean {
  return startTicks(pid) === startedTicks;
}

/** When a process began, in clock ticks since the machine's boot (proc(5), stat, field 22); undefined when it is gone. */
export function startTicks(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; everything after it does not.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; who should take note of it has not, yet or ever.
    return state === 'Z' || state === 'X' ? undefined : rest[18];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/**
 * First process inside the farm's namespaces, as seen from here: the child of `unshare`, which is the child of the
 * process that holds the farm.
 */
export function innermost(farm: StandingFarm): number {
  const [unshare] = childrenOf(farm.pid);
  const [first] = unshare === undefined ? [] : childrenOf(unshare);
  if (first === undefined) throw new Error('The farm is ending.');
  return first;
}

function childrenOf(pid: number): readonly number[] {
  const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** To end in order; then the kernel is asked to. */
const politeMs = 30_000;
/** Until the kernel has cleared up what it was asked to end. */
const emptyWithinMs = 120_000;

/**
 * Ends a farm and everything it had; fine when it is over already, or was killed.
 * @returns whether one stood
 */
export async function takeDown(): Promise<boolean> {
  const farm = readStanding();
  const stood = farm !== undefined && stands(farm);
  if (farm && stood) {
    process.kill(farm.pid, 'SIGTERM');
    const hardAt = Date.now() + politeMs;
    while (stands(farm)) {
      // Processes, mounts and networks live in its namespaces: the kernel ends them with it.
      if (Date.now() > hardAt) process.kill(farm.pid, 'SIGKILL');
      await pause(50);
    }
  }
  const emptyBy = Date.now() + emptyWithinMs;
  while (farm && !removeCgroups(String(farm.pid)) && Date.now() < emptyBy) await pause(50);
  fs.rmSync(standingFolder(), { recursive: true, force: true });
  return stood;
}
