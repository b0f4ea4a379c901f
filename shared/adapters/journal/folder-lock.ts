import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EnrollmentError } from '../../errors/enrollment-error.ts';

/** Who holds a folder. A process id alone is given to another program sooner or later. */
const holderSchema = z.object({
  pid: z.number().int().positive(),
  /** Ticks since the boot at which the process began, where the system tells. */
  startedAt: z.string().optional(),
  bootId: z.string().optional(),
  /** Namespace the process id counts in: in another one it says nothing about us. */
  pidNamespace: z.string().optional(),
});
type Holder = z.infer<typeof holderSchema>;

/** A folder that is held until {@link FolderLock.release}, or until the process is gone. */
export interface FolderLock {
  release(): void;
}

const ENTRY_ENDING = '.json';

function readOrUndefined(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined; // Another system, or the process is gone: the caller knows what that means.
  }
}

function bootId(): string | undefined {
  return readOrUndefined(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

function pidNamespace(): string | undefined {
  return readOrUndefined(() => readlinkSync('/proc/self/ns/pid'));
}

/** Field 22 of `/proc/PID/stat`; the name before it may hold spaces and brackets. */
function startedAt(pid: number): string | undefined {
  const stat = readOrUndefined(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // Of another account: it is there.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a holder may still be working. In doubt it is: two writers would cost a key, a wrong refusal a minute. */
function isAlive(holder: Holder): boolean {
  const boot = bootId();
  if (holder.bootId !== undefined && boot !== undefined && holder.bootId !== boot) return false;
  if (holder.pidNamespace !== pidNamespace()) return true;
  if (!processExists(holder.pid)) return false;
  const began = startedAt(holder.pid);
  return holder.startedAt === undefined || began === undefined || began === holder.startedAt;
}

function readHolder(file: string): Holder | undefined {
  const text = readOrUndefined(() => readFileSync(file, 'utf8'));
  if (text === undefined) return undefined;
  // Entries are renamed into place complete, so one that cannot be read is none of ours.
  const parsed = holderSchema.safeParse(readJson(text));
  return parsed.success ? parsed.data : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Holds a folder against other processes. Everybody who wants it first puts down an entry under a name of its own and
 * then looks for others: of two at once at least one sees the other, so never both go on. An entry of a process that
 * is gone is removed by whoever meets it; its name comes never back, so nobody's living entry can be hit.
 * @throws STATION_FOLDER_IN_USE, or the file system's error
 */
export function lockFolder(folder: string): FolderLock {
  const entries = join(folder, 'lock');
  mkdirSync(entries, { recursive: true, mode: 0o700 });
  const name = `${process.pid}-${randomUUID()}`;
  const own = join(entries, `${name}${ENTRY_ENDING}`);
  const holder: Holder = {
    pid: process.pid,
    startedAt: startedAt(process.pid),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
  };
  const unfinished = join(entries, `${name}.new`);
  writeFileSync(unfinished, JSON.stringify(holder), { mode: 0o600 });
  renameSync(unfinished, own);
  try {
    for (const other of readdirSync(entries)) {
      const file = join(entries, other);
      if (file === own || !other.endsWith(ENTRY_ENDING)) continue;
      const held = readHolder(file);
      if (held !== undefined && isAlive(held)) {
        throw new EnrollmentError('STATION_FOLDER_IN_USE', {
          details: { path: folder, pid: held.pid },
          subject: folder,
          evidence: file,
        });
      }
      rmSync(file, { force: true });
    }
  } catch (thrown) {
    rmSync(own, { force: true });
    throw thrown;
  }
  return { release: () => rmSync(own, { force: true }) };
}
