import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { RehearsalFault } from './faults.ts';
import type { RehearsalProcess, SandboxMode } from './model.ts';

/** The place where one device's commands run. */
export interface Sandbox {
  readonly mode: SandboxMode;
  /** Runs a command line as sshd would for the login user; `env` is added to the login environment. */
  spawn(command: string, env: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams;
  /** What a command needs to act on this device from outside SSH; undefined where it needs namespaces as well. */
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** Applies a fault that lives in the file system. */
  setFault(fault: RehearsalFault, on: boolean): Promise<void>;
  processes(): Promise<readonly RehearsalProcess[]>;
  /** Ends everything in the sandbox and returns when it is gone. The folder stays. */
  close(): Promise<void>;
}

/** What both kinds of sandbox are made from. */
export interface SandboxOptions {
  readonly name: string;
  readonly user: string;
  /** The device's own folder; `root/` below it is its root. */
  readonly folder: string;
  readonly root: string;
  readonly standIns: StandIns;
  readonly nodePath: string;
}

/** Where the copied stand-ins of one lab are. */
export interface StandIns {
  /** Laid out like /usr: bin, sbin, lib/rehearsal. */
  readonly tree: string;
  readonly holders: string;
}

/** Marks the processes that hold a sandbox open, so that they are not counted as the device's. */
export const HOLDER_MARK = 'MUSTER_REHEARSAL_HOLDER';
