import { execFile, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { setFaultMark } from './fault-marks.ts';
import type { RehearsalFault } from './faults.ts';
import { type Holder, killQuietly, startHolder } from './holder.ts';
import type { RehearsalProcess } from './model.ts';
import type { Sandbox, SandboxOptions } from './sandbox.ts';

const run = promisify(execFile);

/** Starts the sandbox of one device as a folder that every path is prefixed with. */
export async function openPrefixSandbox(options: SandboxOptions): Promise<Sandbox> {
  const holder = await startHolder('/bin/sh', [join(options.standIns.holders, 'prefix.sh'), options.root]);
  return new PrefixSandbox(options, holder);
}

class PrefixSandbox implements Sandbox {
  readonly mode = 'prefix';
  readonly #options: SandboxOptions;
  readonly #holder: Holder;
  /** Process groups of the commands that run now; each was started as the leader of its own. */
  readonly #commandGroups = new Set<number>();

  constructor(options: SandboxOptions, holder: Holder) {
    this.#options = options;
    this.#holder = holder;
  }

  get environment(): Readonly<Record<string, string>> {
    const { root, user, standIns, nodePath } = this.#options;
    const path = `${standIns.tree}/bin:${standIns.tree}/sbin:${dirname(nodePath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
    return {
      PATH: path,
      HOME: join(root, 'home', user),
      USER: user,
      LOGNAME: user,
      SHELL: '/bin/sh',
      TMPDIR: join(root, 'tmp'),
      MUSTER_DEVICE_ROOT: root,
      MUSTER_REHEARSAL_PATH: path,
      MUSTER_REHEARSAL_USER: user,
    };
  }

  spawn(command: string, env: Readonly<Record<string, string>>) {
    const { root, user } = this.#options;
    const child = spawn('/bin/sh', ['-c', command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      cwd: join(root, 'home', user),
      env: { ...env, ...this.environment },
    });
    const group = child.pid;
    if (group !== undefined) {
      this.#commandGroups.add(group);
      child.once('close', () => this.#commandGroups.delete(group));
    }
    return child;
  }

  async setFault(fault: RehearsalFault, on: boolean): Promise<void> {
    if (fault === 'disk-full' && on) {
      throw new Error('The fault disk-full needs a file system of its own: it works in namespace mode only.');
    }
    await setFaultMark(this.#options.root, fault, on);
  }

  async #groups(): Promise<Set<number>> {
    const recorded = await readdir(join(this.#options.root, 'run/rehearsal/groups')).catch(() => []);
    // Group 1 and below would mean every process of the computer.
    return new Set([...this.#commandGroups, ...recorded.map(Number).filter((group) => group > 1)]);
  }

  async processes(): Promise<readonly RehearsalProcess[]> {
    const groups = await this.#groups();
    if (groups.size === 0) return [];
    const { stdout } = await run('ps', ['-A', '-o', 'pid=,pgid=,stat=,args='], {
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    });
    return stdout.split('\n').flatMap((line) => {
      // A zombie has ended; only its parent has not looked yet.
      const [, pid, group, command] = /^\s*(\d+)\s+(\d+)\s+[^Z\s]\S*\s+(.*)$/.exec(line) ?? [];
      return command !== undefined && groups.has(Number(group)) ? [{ pid: Number(pid), command }] : [];
    });
  }

  async close(): Promise<void> {
    for (const group of await this.#groups()) killQuietly(-group);
    await this.#holder.close();
  }
}
