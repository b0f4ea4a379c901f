// What is kept of a VM: one folder with its disk, keys, console and a record of how it was made.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../setup/paths.mjs';
import { SetupProblem } from '../setup/report.mjs';
import { fingerprint, freshKeyPair, knownHostsLine } from './keys.ts';

export const sshUser = 'pi';
export const sshHost = '127.0.0.1';

const recordShape = z.object({
  image: z.object({ file: z.string(), format: z.enum(['qcow2', 'raw']) }),
  port: z.number(),
  instanceId: z.string(),
  hostKey: z.string(),
  sudoPassword: z.string().optional(),
});

/** How a VM was made; enough to start it again. */
export type VmRecord = Readonly<z.infer<typeof recordShape>>;

/** The files of one VM. */
export class VmFolder {
  readonly name: string;
  readonly path: string;
  readonly disk: string;
  readonly seed: string;
  readonly variables: string;
  readonly console: string;
  readonly privateKey: string;
  readonly knownHosts: string;
  readonly #record: string;
  readonly #owner: string;

  constructor(name: string) {
    this.name = name;
    this.path = path.join(machinesFolder(), name);
    const inside = (file: string): string => path.join(this.path, file);
    this.disk = inside('disk.qcow2');
    this.seed = inside('seed.img');
    this.variables = inside('uefi-variables.fd');
    this.console = inside('console.log');
    this.privateKey = inside('id_ed25519');
    this.knownHosts = inside('known_hosts');
    this.#record = inside('vm.json');
    this.#owner = inside('running');
  }

  /** The record of a VM that is complete; nothing when there is none, or its making was interrupted. */
  record(): VmRecord | undefined {
    if (!fs.existsSync(this.#record)) return undefined;
    const parsed = recordShape.safeParse(jsonOrNothing(fs.readFileSync(this.#record, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new SetupProblem(`${this.#record} cannot be read.`, `npm run vm -- --name ${this.name} --fresh`);
  }

  writeRecord(record: VmRecord): void {
    writePrivately(this.#record, `${JSON.stringify(record, null, 2)}\n`);
    fs.writeFileSync(this.knownHosts, knownHostsLine(sshHost, record.port, record.hostKey));
  }

  /** Makes the key that may log in, and gives its public half. */
  makeLoginKey(): string {
    const pair = freshKeyPair(`muster-vm-${this.name}`);
    writePrivately(this.privateKey, pair.privateKey);
    fs.writeFileSync(`${this.privateKey}.pub`, `${pair.publicKey}\n`);
    return pair.publicKey;
  }

  /** Removes everything but the claim on the folder. */
  empty(): void {
    for (const name of fs.readdirSync(this.path)) {
      const file = path.join(this.path, name);
      if (file !== this.#owner) fs.rmSync(file, { recursive: true, force: true });
    }
  }

  /**
   * Takes the VM for this process; at its end the VM is free again.
   * @throws {SetupProblem} when another process has it
   */
  claim(): { release(): void } {
    fs.mkdirSync(this.path, { recursive: true, mode: 0o700 });
    if (this.owner() !== undefined) throw this.#alreadyRuns();
    fs.rmSync(this.#owner, { force: true }); // What a killed process left.
    try {
      fs.writeFileSync(this.#owner, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw this.#alreadyRuns();
      throw error;
    }
    const release = (): void => fs.rmSync(this.#owner, { force: true });
    process.once('exit', release);
    return {
      release: () => {
        process.off('exit', release);
        release();
      },
    };
  }

  /** The living process that runs this VM. */
  owner(): number | undefined {
    if (!fs.existsSync(this.#owner)) return undefined;
    const pid = Number(fs.readFileSync(this.#owner, 'utf8'));
    return Number.isInteger(pid) && pid > 1 && isAlive(pid) ? pid : undefined;
  }

  #alreadyRuns(): SetupProblem {
    return new SetupProblem(
      `The VM ${this.name} runs already (process ${this.owner() ?? 'unknown'}).`,
      `npm run vm -- stop --name ${this.name}`,
    );
  }
}

/** Names of the VMs there are, in order. */
export function vmNames(): readonly string[] {
  const folder = machinesFolder();
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).sort();
}

function machinesFolder(): string {
  return cacheFolder('vm', 'machines');
}

/** What distinguishes one making of a VM from the next. */
export function freshInstanceId(): string {
  return `muster-${randomBytes(8).toString('hex')}`;
}

/** Twelve letters and digits that are hard to take for another. */
export function freshPassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  return Array.from(randomBytes(12), (byte) => letters[byte % letters.length]).join('');
}

/** One line about a VM, for `list`. */
export function describeVm(folder: VmFolder): string {
  const record = folder.record();
  if (record === undefined) return `${folder.name}  not finished`;
  const owner = folder.owner();
  const state = owner === undefined ? 'stopped' : `running (process ${owner})`;
  const target = `ssh://${sshUser}@${sshHost}:${record.port}`;
  return [folder.name, state, target, path.basename(record.image.file), fingerprint(record.hostKey)].join(
    '  ',
  );
}

/** Writes a file that only its owner may read, from its first byte on. */
export function writePrivately(file: string, content: string | Uint8Array): void {
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, content, { mode: 0o600, flag: 'wx' });
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Cut off while it was written; the caller says what to do.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
