import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Companion, startCompanion } from '../../scripts/setup/companions.mjs';
import { capture, type Outcome } from '../../scripts/setup/processes.mjs';
import { createCgroup, removeCgroup } from './cgroups.ts';
import { patienceMs } from './commands.ts';
import { insideLanVariable } from './lan.ts';

export interface ContainerOptions {
  readonly name: string;
  readonly root: string;
  /** Path of the network namespace it lives in. */
  readonly namespace: string;
  /** The port of its SSH server: open means up. */
  readonly sshPort: number;
  /** Further options of systemd-nspawn. */
  readonly nspawn: readonly string[];
}

/** Limit of a boot on a machine that boots many at once. */
const bootLimitMs = 120_000;

/** What systemd-nspawn ends with when the system inside wants to be booted again (systemd-nspawn(1), EXIT STATUS). */
const rebootStatus = 133;

/** Shell: moves itself into the control groups before `--`, then becomes systemd-nspawn; all it says is stderr. */
const enterGroups =
  'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs"; shift; done; shift; exec systemd-nspawn "$@" >&2';

/** A Debian booted by systemd-nspawn; one that reboots comes back by itself. */
export class Container {
  readonly #options: ContainerOptions;
  #companion: Companion | undefined;

  constructor(options: ContainerOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#leader() !== undefined;
  }

  /**
   * Boots and waits until it is up.
   * @throws {Error} when it is not in time, with its console output
   */
  async start(): Promise<void> {
    if (this.#companion) throw new Error(`${this.#options.name} is running already.`);
    await bootGate.run(async () => {
      this.#spawn();
      await this.#up();
    });
  }

  /** Boots it anew from inside, in order; resolves when it is up again. */
  async reboot(): Promise<void> {
    const before = this.#leader();
    // The answer may not arrive: what sends it is going down.
    await this.exec('systemctl reboot');
    await this.#until('did not go down', () => this.#leader() !== before, bootLimitMs);
    await this.#up();
  }

  /** Ends it like a pulled plug: no process of it gets to say a word. */
  async kill(): Promise<void> {
    const companion = this.#companion;
    if (!companion) return;
    this.#companion = undefined;
    const leader = leaderOf(companion.process.pid);
    // The kernel ends all of a container with its first process; systemd-nspawn then tidies up and ends too.
    if (leader) endNow(Number(leader));
    else companion.process.kill('SIGKILL');
    await companion.stop({ graceMs: 10_000 });
    removeCgroup(runId(), this.#options.name);
  }

  async exec(command: string, { limitMs = patienceMs } = {}): Promise<Outcome> {
    const leader = this.#leader();
    if (!leader) throw new Error(`${this.#options.name} is not running: ${this.#messages()}`);
    const spaces = ['--target', leader, '--mount', '--uts', '--ipc', '--net', '--pid'];
    return await capture('nsenter', [...spaces, '--', '/bin/sh', '-c', command], { limitMs });
  }

  #spawn(): void {
    const { name, root, namespace, nspawn } = this.#options;
    const groups = createCgroup(runId(), name);
    const args = [
      '--quiet',
      '--boot',
      '--register=no',
      '--keep-unit',
      '--link-journal=no',
      '--resolv-conf=off',
      '--timezone=off',
      '--suppress-sync=yes',
      `--directory=${root}`,
      `--machine=${name}`,
      `--network-namespace-path=${namespace}`,
      ...nspawn,
    ];
    // A current Debian knows only the one hierarchy, also where this machine still has several.
    const env = { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: 'yes' };
    const companion = startCompanion('sh', ['-c', enterGroups, 'sh', ...groups, '--', ...args], { env });
    this.#companion = companion;
    companion.process.once('exit', (code) => {
      if (code === rebootStatus && this.#companion === companion) this.#spawn();
    });
  }

  async #up(): Promise<void> {
    const { sshPort } = this.#options;
    await this.#until('did not start', () => listens(this.#leader(), sshPort), bootLimitMs);
    await this.exec('systemctl is-system-running --wait', { limitMs: bootLimitMs });
  }

  async #until(what: string, done: () => boolean, limitMs: number): Promise<void> {
    const giveUpAt = Date.now() + limitMs;
    while (!done()) {
      const ended = this.#companion?.process.exitCode;
      if ((ended ?? rebootStatus) !== rebootStatus || Date.now() > giveUpAt) {
        throw new Error(`${this.#options.name} ${what}: ${this.#messages()}`);
      }
      await pause(20);
    }
  }

  #leader(): string | undefined {
    return leaderOf(this.#companion?.process.pid);
  }

  #messages(): string {
    return this.#companion?.messages() || 'it gave no reason';
  }
}

function runId(): string {
  return process.env[insideLanVariable] ?? 'nobody';
}

/** Process id of the container's init as seen from here: the only child of systemd-nspawn. */
function leaderOf(pid: number | undefined): string | undefined {
  if (!pid) return undefined;
  const children = readIfThere(`/proc/${pid}/task/${pid}/children`);
  return children?.trim().split(' ').at(-1) || undefined;
}

/** Whether somebody listens on a port in the network of a process (proc_net_tcp: state 0A). */
function listens(pid: string | undefined, port: number): boolean {
  if (!pid) return false;
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const pattern = new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `, 'm');
  return ['tcp', 'tcp6'].some((table) => pattern.test(readIfThere(`/proc/${pid}/net/${table}`) ?? ''));
}

/** What a file of /proc says; undefined when its process has gone. */
function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Lets a few boots run at a time: more of them only get slower, until each is over its limit. */
const bootGate = {
  free: 6,
  waiting: [] as (() => void)[],
  async run(work: () => Promise<void>): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  },
};
