/** What one look at a device found. Sizes in bytes, `undefined` means: not there or not readable. */
export interface DeviceFacts {
  readonly hostname: string;
  readonly osId: string;
  readonly osVersion: string;
  readonly osName: string;
  /** Kernel's word for the machine, as `uname -m` prints it. */
  readonly machine: string;
  readonly architecture: Architecture | undefined;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly machineId: string | undefined;
  readonly bootId: string | undefined;
  readonly places: Readonly<Record<PlaceName, PlaceFacts>>;
  /** What others have left where we write, or may change there. Empty on a device that can be enrolled. */
  readonly obstacles: readonly Obstacle[];
  /** cloud-init still sets the device up, as it does at a first boot. */
  readonly firstBootRunning: boolean;
  /** Something that was installed wants the device restarted. */
  readonly rebootRequired: boolean;
  /** Device clock minus station clock, seconds; positive when the device is ahead. Good to about a second. */
  readonly clockOffsetSeconds: number;
  readonly elevation: Elevation;
  readonly loginUser: string;
  readonly missingPackages: readonly string[];
  readonly agentUser: AgentUserFacts;
  readonly binarySha256: string | undefined;
  /** The directory of key and config is root's, the agent's group may enter it, and mode is 0750. */
  readonly configDirectoryRight: boolean;
  readonly configSha256: string | undefined;
  readonly unitSha256: string | undefined;
  readonly key: MachineKeyFacts | undefined;
  /** It can make a key pair of its own. */
  readonly canMakeKeys: boolean;
  readonly unit: UnitFacts;
  /** How often the device was given a key. A script is refused when it has changed since the look. */
  readonly epoch: number;
  /** Whose script changes the device just now, and goes on doing so. */
  readonly heldBy: { readonly id: string; readonly station: string } | undefined;
}

/** Architectures an agent binary exists for, by the names `uname -m` and our file names use. */
export const architectures = ['x86_64', 'aarch64', 'armv7'] as const;
export type Architecture = (typeof architectures)[number];

/** How commands become root: already root, sudo without or with a password, or not at all. */
export type Elevation = 'root' | 'sudo' | 'sudo-password' | 'none';

/** Places the station writes to; `shared/device/paths.ts` knows where they are. */
export const placeNames = ['binary', 'config', 'programs', 'archives', 'state'] as const;
export type PlaceName = (typeof placeNames)[number];

export interface PlaceFacts {
  /** Where its file system is mounted: places of one mount share their room. */
  readonly mount: string;
  readonly freeBytes: number;
  readonly writable: boolean;
}

/** Something the station neither follows nor removes. */
export interface Obstacle {
  readonly path: string;
  /** What is wrong with it, as the rest of a sentence: `is a directory`. */
  readonly problem: string;
}

export interface AgentUserFacts {
  readonly exists: boolean;
  /** Its main group is the one of its name. */
  readonly hasOwnGroup: boolean;
  /** Its home is a directory of its own. */
  readonly hasHome: boolean;
  readonly lingering: boolean;
  /** Its user manager answers on its bus. */
  readonly managerRunning: boolean;
  readonly podmanSocketEnabled: boolean;
  readonly podmanSocketListens: boolean;
  readonly hasSubordinateIds: boolean;
}

/** The key file on the device, without its private half. */
export interface MachineKeyFacts {
  readonly keyId: string;
  readonly userId: string;
  /** Owner and group are the agent's and mode is 0640. */
  readonly protectedRight: boolean;
}

export interface UnitFacts {
  readonly enabled: boolean;
  readonly active: boolean;
  /** systemd has read an older state of the unit than is on the disk. */
  readonly needsReload: boolean;
  /** Drop-ins of others make it run something else, or as somebody else. */
  readonly hasForeignDropIns: boolean;
  /** Something the agent was started with has changed, and it was not started anew since. */
  readonly needsRestart: boolean;
}
