import type { Secret } from '#shared/model/secret.ts';
import type { RehearsalFault } from './faults.ts';

/** How a device's root is made: its own Linux namespaces, or a folder every path is prefixed with. */
export type SandboxMode = 'namespace' | 'prefix';

/** What one device shall be called and which faults it starts with. */
export interface RehearsalDeviceRequest {
  readonly name: string;
  readonly faults?: readonly RehearsalFault[];
}

/** What {@link startRehearsalDevices} needs to know. */
export interface RehearsalDevicesOptions {
  /** How many devices, called bench-01 and so on. Ignored when `devices` is given. Default 12. */
  readonly count?: number;
  readonly devices?: readonly RehearsalDeviceRequest[];
  /** Address to listen on; each device gets a free port. Default 127.0.0.1. */
  readonly host?: string;
  /** Folder for the devices' roots. Made if missing; only folders named like a device are replaced. */
  readonly dir: string;
  /** OpenSSH public key text (`ssh-ed25519 AAAA… comment`) that may sign in. */
  readonly authorizedKey: string;
  /** Login name. Default `pi`. */
  readonly user?: string;
  /** Password of that user. Without one, sign-in by password is refused. */
  readonly password?: Secret;
  /** Keep the devices' folders and host keys at stop, and go on with them at the next start. */
  readonly keep?: boolean;
  /** File that keeps each device's port and host key across starts. Without one both are new each time. */
  readonly addressBook?: string;
  /** How the root is made. Default: namespaces where the computer allows them, else a prefix. */
  readonly mode?: SandboxMode;
  /** How long installing packages takes, in seconds. Default 1.2. */
  readonly aptSeconds?: number;
  /** Folder of the stand-in scripts; needed only when this code was bundled elsewhere. */
  readonly standInsDir?: string;
  /** Aborting stops every device. */
  readonly signal?: AbortSignal;
}

/** One process that runs in a device's sandbox; `pid` is the one the host sees. */
export interface RehearsalProcess {
  readonly pid: number;
  readonly command: string;
}

/** A running rehearsal device. */
export interface RehearsalDevice {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** `SHA256:…`, as OpenSSH prints it. With `changed-host-key` on, still the one from before. */
  readonly hostKeyFingerprint: string;
  /** Where the device's files are on the host, e.g. `<root>/etc/fleet-agent`. */
  readonly root: string;
  readonly mode: SandboxMode;
  /**
   * Environment in which a command of this computer acts on the device: how a program that takes this computer itself
   * as its target practises. Undefined in namespaces.
   */
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** Switches a fault on or off; new connections and commands see it at once. */
  setFault(fault: RehearsalFault, on: boolean): Promise<void>;
  /** The faults that are on now. */
  faults(): readonly RehearsalFault[];
  /** Everything that runs in the sandbox, except the process that holds it open. */
  processes(): Promise<readonly RehearsalProcess[]>;
  /** Ends every process and connection of the device and removes its folder (unless kept). */
  stop(): Promise<void>;
}
