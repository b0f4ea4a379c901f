import type { ElevationMethod } from '../../device/device-command.ts';

/** Standard input of a running command. */
export interface CommandInput {
  /** False when nobody reads any more. */
  readonly isOpen: boolean;
  /** Of the bytes written so far, how many the far side is known to have taken: that tells how fast the way is. */
  readonly arrivedBytes: number;
  /** Resolves when more is wanted, so that little of it waits in memory; also when nobody reads any more. */
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
}

/** What one started command reports. After `closed` or `failed` nothing more counts. */
export interface CommandEvents {
  /** It runs; this is its standard input. */
  opened(input: CommandInput): void;
  stdout(bytes: Buffer): void;
  stderr(bytes: Buffer): void;
  /** It ended and all its output has come. Undefined: it ended without a status, because the way to it broke. */
  closed(exitStatus: number | undefined): void;
  /** It could not be started, or the way to it broke. */
  failed(evidence: string, cause: unknown): void;
}

export interface StartedCommand {
  /** Program and arguments. Holds no secret; every word is safe between single quotes of any shell. */
  readonly argv: readonly string[];
  /** How it becomes root; what must be ended later needs the same way. */
  readonly elevation: ElevationMethod;
}

/** A way to where commands run: a connection to a device, or this computer. */
export interface CommandTransport {
  start(command: StartedCommand, events: CommandEvents): void;
  /** Ends everything that was started, at once. Safe to call again. */
  breakOff(): void;
}
