import type { PlaceName } from '../model/facts.ts';

/** What the station puts on a device, and where. The paths are the fleet's, also for its other tools. */
export const agentUserName = 'fleet-agent';
export const agentHome = '/var/lib/fleet-agent';
export const binaryPath = '/usr/local/bin/fleet-agent';
export const configDirectory = '/etc/fleet-agent';
export const configPath = '/etc/fleet-agent/config.toml';
export const keyPath = '/etc/fleet-agent/zitadel-key.json';
/** There while binary, key, config or unit have changed and the agent was not started anew since. */
export const restartMarkPath = '/etc/fleet-agent/.restart-needed';
/**
 * The private half of a key that was made on the device and has no id yet, for root alone. In memory: a pair that waits
 * when the device goes down is of no use after that.
 * @param pair its name, which no other station gives to one of its own
 */
export const bornKeyPath = (pair: string): string => `/run/fleet-agent-key.${pair}.pem`;
/** How often the device was given a key, for root alone: a station that looked before and comes late is refused. */
export const epochPath = '/etc/fleet-agent/enrollment-epoch';
/** Locked while a script of a station changes the device. In memory: a lock outlives no boot. */
export const lockPath = '/run/fleet-agent.lock';
export const unitName = 'fleet-agent.service';

/**
 * Matches for journalctl(1): what the agent says, and what systemd says of it. `-u` misses what systemd's own child
 * says where it cannot start the agent: such a child ends so soon that the journal may not know its unit any more, and
 * its reason is in no other line (systemd.journal-fields(7), UNIT=).
 */
export const unitMessages = `_SYSTEMD_UNIT=${unitName} + UNIT=${unitName} _UID=0`;
export const unitPath = '/etc/systemd/system/fleet-agent.service';

/**
 * Packages the agent needs. All but the first two are only recommended by podman, and a minimal image without
 * them has no user bus, no id ranges and no network for rootless containers.
 */
export const requiredPackages = [
  'podman',
  'systemd-container',
  'uidmap',
  'slirp4netns',
  'dbus-user-session',
] as const;

/** How long a held lock of the package manager is waited for, seconds. */
export const aptLockLimitSeconds = 300;

/** How long the first start of a device is waited for, seconds. */
export const firstBootLimitSeconds = 300;

/** The directories an enrollment writes to, by what for. Each may be a file system of its own. */
export const writtenPlaces = {
  binary: '/usr/local/bin',
  config: '/etc/fleet-agent',
  programs: '/usr',
  archives: '/var/cache/apt/archives',
  state: '/var/lib/dpkg',
} as const satisfies Readonly<Record<PlaceName, string>>;

const MEBI = 1024 * 1024;

/** Room the packages with their dependencies take, by place. Bytes. */
export const packagesBytes = { programs: 280 * MEBI, archives: 100 * MEBI, state: 20 * MEBI } as const;
/** The same where podman is there already, which is nearly all of it. */
export const otherPackagesBytes = { programs: 16 * MEBI, archives: 8 * MEBI, state: 4 * MEBI } as const;
/** Room for config, key and unit. Bytes. */
export const filesBytes = MEBI;
/** Room that stays free where packages or the binary go. Bytes. */
export const reserveBytes = 64 * MEBI;
