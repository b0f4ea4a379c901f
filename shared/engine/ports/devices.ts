import type { DeviceCommand, ElevationMethod } from '../../device/device-command.ts';
import type { Secret } from '../../model/secret.ts';
import type { Target } from '../../model/target.ts';

export interface CommandResult {
  readonly exitStatus: number;
  /** Everything printed, at most the transport's limit; longer output ends the command with an error. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly elevation: ElevationMethod;
  /** Bytes the script reads from its standard input. The only way a secret reaches a device. */
  readonly payload?: Secret;
  /** Called for every line as it arrives, without its newline. */
  readonly onLine?: (stream: 'stdout' | 'stderr', line: string) => void;
  /** Of the whole. */
  readonly limitMs: number;
  /** Of a stretch in which nothing is printed and no input is taken; without it only the whole counts. */
  readonly quietLimitMs?: number;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  readonly elevation: ElevationMethod;
  /** Bytes of the file sent so far, uncompressed. */
  readonly onProgress?: (sentBytes: number) => void;
  /** As for a command. */
  readonly limitMs: number;
  readonly quietLimitMs?: number;
}

/** One open connection to one device. */
export interface DeviceSession {
  /** `SHA256:…` as OpenSSH prints it. Undefined where there is no SSH: on this computer itself. */
  readonly hostKeyFingerprint: string | undefined;
  readonly loginUser: string;
  /** Runs a script; a non-zero exit status is a result, not an error. One call is one round trip. */
  run(command: DeviceCommand, options: RunOptions): Promise<CommandResult>;
  /** Like `run`, with the file in parts (`device/receive.ts`) on the script's standard input. */
  upload(command: DeviceCommand, file: AgentBinary, options: UploadOptions): Promise<CommandResult>;
  close(): void;
}

/** What an operator can give for a login. Keys are found by the connector, as the profile says. */
export interface DeviceCredential {
  /** Login name where neither the target nor an SSH configuration gives one. */
  readonly user: string;
  readonly password?: Secret;
  /** Opens the station's private key. */
  readonly keyPassphrase?: Secret;
}

/** A host key as it is remembered: fingerprint as OpenSSH prints it, and type (`ssh-ed25519`) where it is known. */
export interface PinnedHostKey {
  readonly fingerprint: string;
  readonly keyType: string | undefined;
}

/** Host keys by place, `host` or `host:port`. */
export interface HostKeyPins {
  hostKey(place: string): PinnedHostKey | undefined;
  pinHostKey(place: string, key: PinnedHostKey, at: number): void;
}

export interface DeviceConnector {
  /** Whether this computer itself can be a device. */
  readonly reachesThisComputer: boolean;
  /**
   * Connects and logs in, or opens a session on this computer. Every host on the way must show the key it has in
   * `hostKeys`; a key that may be trusted at first contact is pinned there once the login is complete.
   * `onNote` gets what the device's log should tell about the way there.
   * @throws DEVICE_UNREACHABLE, DEVICE_LOGIN_REFUSED, DEVICE_LOGIN_UNSUITABLE, DEVICE_KEY_NEEDED, DEVICE_KEY_REFUSED,
   * DEVICE_LOGIN_BLOCKED, DEVICE_HOST_KEY_CHANGED, _UNKNOWN, _REVOKED, DEVICE_CONNECTION_LOST, DEVICE_SSH_OUTDATED, DEVICE_SSH_MISBEHAVES, DEVICE_JUMP_FAILED, STATION_KEY_PASSPHRASE_NEEDED,
   * _WRONG, STATION_KEY_UNUSABLE, STATION_SSH_AGENT_UNAVAILABLE, STATION_SSH_CONFIG_UNUSABLE
   */
  connect(
    target: Target,
    options: {
      readonly credential: DeviceCredential;
      readonly hostKeys: HostKeyPins;
      readonly signal: AbortSignal;
      readonly onNote?: (text: string) => void;
    },
  ): Promise<DeviceSession>;
}

/** An agent binary on the station's disk, opened once: hash, size and bytes come from the same descriptor. */
export interface AgentBinary {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly architecture: string;
  /** The bytes, in chunks, from the start. May be called once per device. A chunk holds until the next but one is asked for. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface AgentBinaryStore {
  /**
   * Opens and checks the file of an architecture; the same file is hashed once.
   * @throws AGENT_BINARY_MISSING, AGENT_BINARY_NOT_ELF, AGENT_BINARY_WRONG_ARCHITECTURE
   */
  open(path: string, architecture: string, signal: AbortSignal): Promise<AgentBinary>;
}
