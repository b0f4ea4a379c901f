import fs from 'node:fs';

/** A process and everything it started, by id. Linux. */
export function processTree(rootPid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of fs.readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const tree = [rootPid];
  // Children are appended while the list is walked, so grandchildren are found as well.
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

/** The command line of a process, or nothing when it is gone. Linux. */
export function commandLineOf(pid: number): string {
  return readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

/** Processes whose command line holds this text, whoever started them. Linux. */
export function processesNaming(text: string): readonly number[] {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => commandLineOf(pid).includes(text));
}

/** Ends every process whose command line holds this text; one may end by itself meanwhile. Linux. */
export function endProcessesNaming(text: string): void {
  for (const pid of processesNaming(text)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

export interface Listener {
  readonly pid: number;
  /** `address:port` in the kernel's hexadecimal form. */
  readonly address: string;
}

/** TCP sockets in state LISTEN that a process of the tree holds. Linux. */
export function listenersOf(rootPid: number): readonly Listener[] {
  const listening = new Map<string, string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readIfThere(table).split('\n').slice(1)) {
      const [, address, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === '0A' && address !== undefined && inode !== undefined) listening.set(inode, address);
    }
  }
  return processTree(rootPid).flatMap((pid) =>
    socketInodes(pid).flatMap((inode) => {
      const address = listening.get(inode);
      return address === undefined ? [] : [{ pid, address }];
    }),
  );
}

function socketInodes(pid: number): readonly string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const match = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`));
      return match?.[1] === undefined ? [] : [match[1]];
    });
  } catch {
    return []; // The process has ended since it was listed.
  }
}

function parentOf(pid: number): number | undefined {
  // The name in parentheses may hold spaces and parentheses itself.
  const fields = readIfThere(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ');
  return fields?.[1] === undefined ? undefined : Number(fields[1]);
}

function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
