import type { DeviceCommand, ElevationMethod } from '../device/device-command.ts';
import type { EnrollmentError } from '../errors/enrollment-error.ts';
import type { BoardIdentity } from '../model/board-identity.ts';
import type { DeviceId } from '../model/device-id.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { Target } from '../model/target.ts';

/**
 * Everything the core needs from the world. Composition roots hand in adapters; tests and a simulator hand in
 * their own. Every method that waits takes a signal, rejects with its reason when it is aborted, and throws
 * {@link EnrollmentError} for every failure it knows.
 */

/** Time. All instants are milliseconds since 1970, UTC. */
export interface Clock {
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls back once after `ms`, unless cancelled by the returned function. */
  after(ms: number, callback: () => void): () => void;
}

/** Chance. */
export interface Random {
  /** A random UUID (version 4). */
  uuid(): string;
  /** At least 0, below 1. For jitter, never for secrets. */
  fraction(): number;
  /** `length` random bytes of the system's generator, as lower-case hex. */
  hex(length: number): string;
}

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
  readonly limitMs: number;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  readonly elevation: ElevationMethod;
  /** Bytes of the file sent so far, uncompressed. */
  readonly onProgress?: (sentBytes: number) => void;
  readonly limitMs: number;
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
   * @throws DEVICE_UNREACHABLE, DEVICE_LOGIN_REFUSED, DEVICE_LOGIN_BLOCKED, DEVICE_HOST_KEY_CHANGED, _UNKNOWN, _REVOKED,
   * DEVICE_CONNECTION_LOST, DEVICE_SSH_OUTDATED, DEVICE_SSH_MISBEHAVES, DEVICE_JUMP_FAILED, STATION_KEY_PASSPHRASE_NEEDED,
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

// ---- identity ----

/** A device's machine user that holds the device role on the project. */
export interface DeviceAccount {
  readonly userId: string;
  /** The user was made just now, by this call: it has no key yet. */
  readonly created: boolean;
  /** The role was granted just now. */
  readonly granted: boolean;
}

export interface MachineKeyEntry {
  readonly keyId: string;
  readonly expiresAt: number | undefined;
  /** When it was made, where the provider tells. */
  readonly createdAt?: number | undefined;
}

/** A minted key. `file` is Zitadel's JSON, exactly as the device stores it. */
export interface MintedKey {
  readonly keyId: string;
  readonly userId: string;
  readonly file: Secret;
  /** Size and SHA-256 (lower-case hex) of `file` in UTF-8: the device checks what arrived. */
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A login that one of a machine user's keys is to sign: the first two parts of a JWT. It proves that the key logs in. */
export interface LoginChallenge {
  readonly keyId: string;
  readonly userId: string;
  readonly signingInput: string;
}

/** A key whose private half was born on the device: only its public half (PEM, SPKI) was ever here. */
export interface RegisteredKey extends LoginChallenge {
  readonly publicKeyPem: string;
}

/**
 * What a signed login came to. `not-its-signature`: it was not made with the key that is known to the provider, which says
 * nothing about the provider.
 */
export type LoginProof = 'logs-in' | 'refused' | 'not-its-signature';

/** A device's account as it is, for those who only look. */
export interface FoundMachineUser {
  readonly userId: string;
  /** Its access tokens are JWTs, which others can check by themselves. */
  readonly hasJwtTokens: boolean;
  /** It holds the device role on the project. */
  readonly hasGrant: boolean;
}

/** The identity provider as the pipeline uses it. All calls are find-or-create and safe to repeat. */
export interface IdentityProvider {
  /** Another person may have signed in: what the last one was shown, and whose organisation that was, is forgotten. */
  forgetSignIn(): void;
  /** @throws IDENTITY_PROJECT_NOT_VISIBLE with the projects this sign-in does see. */
  requireProject(signal: AbortSignal): Promise<void>;
  /**
   * Finds or makes the device's machine user, with JWT access tokens, and its grant of the device role.
   * @param expected `new`: nothing speaks for the user being there, so it is made without a search. A hint, no more.
   */
  ensureAccount(deviceId: DeviceId, expected: 'new' | 'unknown', signal: AbortSignal): Promise<DeviceAccount>;
  /** Looks and makes nothing: the device's machine user and grant, or undefined where there is no machine user. */
  findMachineUser(deviceId: DeviceId, signal: AbortSignal): Promise<FoundMachineUser | undefined>;
  listKeys(userId: string, signal: AbortSignal): Promise<readonly MachineKeyEntry[]>;
  /**
   * Mints a key that expires at this instant. Not retried by the adapter: a lost reply leaves a live key, which the caller finds by its snapshot.
   */
  mintKey(userId: string, expiresAt: number, signal: AbortSignal): Promise<MintedKey>;
  /**
   * False once the provider has not taken a public key; or when it has refused registered keys while those that were minted
   * in their place logged in.
   */
  readonly takesPublicKeys: boolean;
  /**
   * Registers a public key (PEM, SPKI) that was made elsewhere, with this expiry. Undefined where the provider does not
   * take public keys: a key it made instead is deleted already. Not retried, like {@link mintKey}.
   */
  registerKey(
    userId: string,
    publicKeyPem: string,
    expiresAt: number,
    signal: AbortSignal,
  ): Promise<RegisteredKey | undefined>;
  /** How long a token lasts that a machine user logs in for, ms, as the last login told; undefined before the first. */
  readonly machineTokensLastMs: number | undefined;
  /** A login of now, for a key of this user to sign. */
  challengeLogin(userId: string, keyId: string): LoginChallenge;
  /**
   * Exchanges a signed assertion (RFC 7523) for a token, which is thrown away: whether the key logs in.
   * @param signature base64
   * @throws IDENTITY_UNREACHABLE: then nothing is known
   */
  provesLogin(
    challenge: LoginChallenge | RegisteredKey,
    signature: string,
    signal: AbortSignal,
  ): Promise<LoginProof>;
  /**
   * Whether a minted key logs in, which the station finds out by itself as long as it has the key in memory.
   * @throws IDENTITY_UNREACHABLE: then nothing is known
   */
  logsIn(key: MintedKey, signal: AbortSignal): Promise<boolean>;
  /** Deleting what is gone already succeeds. */
  deleteKey(userId: string, keyId: string, signal: AbortSignal): Promise<void>;
  /** Deletes a machine user; its grants and keys go with it. Deleting what is gone already succeeds. */
  deleteMachineUser(userId: string, signal: AbortSignal): Promise<void>;
}

// ---- sign-in ----

/** When a token ends that does not tell; later than any date there is. */
export const UNKNOWN_END = Number.MAX_SAFE_INTEGER;

/** Tokens of one sign-in. */
export interface TokenSet {
  readonly accessToken: Secret;
  readonly refreshToken: Secret | undefined;
  /** {@link UNKNOWN_END} where nobody but the provider knows it. */
  readonly expiresAt: number;
  readonly subject: string;
  /** Name shown to the operator. */
  readonly account: string;
  readonly organisation: string | undefined;
  /** When it was handed out, by the station's clock. A clock that is before this now was set back since. */
  readonly receivedAt?: number;
  /**
   * An access token that a person has handed in. The station did not have it issued, so it neither renews nor revokes it.
   * `kept`: it is remembered, because somebody asked for that; `for-now`: it is in memory only.
   */
  readonly handedIn?: 'for-now' | 'kept';
}

/** Asks the provider about an access token that a person hands in. */
export interface TokenCheck {
  /**
   * Whose token it is, and whether it may enroll. Changes nothing.
   * @throws IDENTITY_TOKEN_UNUSABLE before it is sent anywhere, IDENTITY_TOKEN_REFUSED, _AUDIENCE_INVALID, _ROLE_MISSING,
   * _ORGANISATION_UNKNOWN, _PROJECT_NOT_VISIBLE, and what a provider that does not answer leads to
   */
  check(token: Secret, signal: AbortSignal): Promise<TokenSet>;
}

export interface DeviceCodePrompt {
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  readonly expiresAt: number;
  readonly intervalSeconds: number;
}

/** RFC 8628 sign-in and token upkeep. */
export interface SignInClient {
  /**
   * Signs in by device code: hands the prompt to `onPrompt`, then waits for the approval.
   * @throws IDENTITY_CLIENT_UNKNOWN, _CLIENT_NOT_ALLOWED, _SIGN_IN_DENIED, _CODE_EXPIRED, _UNREACHABLE, _ISSUER_MISMATCH,
   * _CLOCK_SKEW before there is a code
   */
  signIn(onPrompt: (prompt: DeviceCodePrompt) => void, signal: AbortSignal): Promise<TokenSet>;
  /**
   * @throws IDENTITY_SESSION_ENDED when the provider refuses or there is no refresh token, IDENTITY_UNREACHABLE when it
   * does not answer, IDENTITY_TOKEN_REFUSED for a token that was handed in and cannot be renewed. Where the refresh token is
   * known to be unused, the error says `noEffect`; in every other case it may have been rotated, and the new one lost.
   */
  refresh(tokens: TokenSet, signal: AbortSignal): Promise<TokenSet>;
  /**
   * Revokes refresh and access token.
   * @throws IDENTITY_CALL_FAILED where the provider names no place for it, and what `refresh` throws
   */
  revoke(tokens: TokenSet, signal: AbortSignal): Promise<void>;
  /** IDENTITY_CLOCK_SKEW while the provider's newest answer tells that this computer's clock is wrong. */
  clockProblem?(): EnrollmentError | undefined;
}

/** Remembered sign-ins, keyed by issuer and client id. */
export interface TokenCache {
  /** Name of the place, for the operator: `System keychain`. */
  readonly place: string;
  /** How a person takes away what is remembered here, without Muster; one or two sentences. */
  readonly deletedByHand: string;
  /** Why no other station looks into this place, as a sentence; undefined where all stations of this account do. */
  readonly notShared: string | undefined;
  /** @throws STATION_KEYCHAIN_UNAVAILABLE, STATION_KEYCHAIN_LOCKED; so do `save` and `remove` */
  load(signal: AbortSignal): Promise<TokenSet | undefined>;
  save(tokens: TokenSet, signal: AbortSignal): Promise<void>;
  remove(signal: AbortSignal): Promise<void>;
  /**
   * Runs `work` while no other station has its turn that remembers its sign-in in the same place. A refresh token can
   * be used once: whoever renews reads, renews and saves in one turn.
   * @throws STATION_KEYCHAIN_UNAVAILABLE when no turn can be had, or what `work` throws
   */
  exclusively<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * Runs `work` while no other station asks a person to sign in for the same place. A turn lasts as long as its owner
   * shows signs of life.
   * @param onWaiting called once, when another station has its turn
   * @throws STATION_KEYCHAIN_UNAVAILABLE when no turn can be had, or what `work` throws
   */
  whileSigningIn<T>(work: () => Promise<T>, onWaiting: () => void, signal: AbortSignal): Promise<T>;
}

/** Hands out a valid access token; all callers share one refresh in flight. */
export interface AccessTokenSource {
  /**
   * @param rejected a token the provider answered 401 to: refreshed once for everybody.
   * @throws IDENTITY_NOT_SIGNED_IN, IDENTITY_SESSION_ENDED
   */
  accessToken(signal: AbortSignal, rejected?: Secret): Promise<Secret>;
}

// ---- heartbeats ----

export type HeartbeatLink =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly code: 'NATS_UNREACHABLE' | 'NATS_REFUSED'; readonly evidence: string };

/** The fleet's device info, followed live. */
export interface HeartbeatWatch {
  /**
   * Follows until the signal is aborted; reconnects by itself and reports every change of the link.
   * `revision` of a heartbeat is the server's and only grows. `isNew`: it was published while this watch listened;
   * false for what the bucket held when it began to. `onRemoved`: somebody took the device's entry away.
   */
  follow(
    handlers: {
      onHeartbeat(heartbeat: Heartbeat, isNew: boolean): void;
      onRemoved?(deviceId: string): void;
      onLink(link: HeartbeatLink): void;
    },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Takes a device's entry out of the bucket: a mark that it is deleted, which every watch sees, not a purge of history.
   * @returns whether there was one
   * @throws NATS_UNREACHABLE, NATS_REFUSED while there is no link, or where this sign-in may not write the entry
   */
  removeEntry(deviceId: string, signal: AbortSignal): Promise<boolean>;
  /**
   * The newest revision there is, asked from the server now: whatever is larger was published afterwards.
   * @throws NATS_UNREACHABLE, NATS_REFUSED while there is no link
   */
  newestRevision(signal: AbortSignal): Promise<number>;
}

// ---- journal ----

/** Life of a key that may be live without a holder. */
export type KeyIntentState = 'minting' | 'minted' | 'delivering' | 'delivered' | 'deleted';

/**
 * Where a key lives: its provider, and the fleet's project there. A project belongs to one organisation, and a provider
 * tells whoever acts in another one that a live key is not there.
 */
export interface KeyRealm {
  readonly issuer: string;
  readonly projectId: string;
}

export interface KeyIntent {
  readonly intentId: string;
  readonly issuer: string;
  /** Undefined in entries from before it was noted: such a key may be of any project of its issuer. */
  readonly projectId: string | undefined;
  readonly deviceId: string;
  readonly userId: string;
  /** Keys the user had before; a key of a lost reply is one that is not among them. */
  readonly keyIdsBefore: readonly string[];
  /**
   * Expiry the key is asked for, a different one for every key: it tells this key from one that another station
   * has made for the same user.
   */
  readonly expiresAt: number;
  readonly keyId: string | undefined;
  readonly state: KeyIntentState;
  readonly createdAt: number;
}

export interface RunRecord {
  readonly batchId: string;
  readonly deviceId: string;
  readonly target: string;
  /** `decommissioned`: its account is gone; then `errorCode` names what of it could not be taken away. */
  readonly state: 'running' | 'enrolled' | 'failed' | 'stopped' | 'decommissioned';
  readonly attempt: number;
  readonly startedAt: number;
  readonly finishedAt: number | undefined;
  readonly errorCode: string | undefined;
  readonly roundTrips: number;
}

/** The board that has a device id, as it was last seen. */
export interface BoardOnRecord extends BoardIdentity {
  /** Where it was reached. */
  readonly target: string;
  /** When the id became this board's. */
  readonly givenAt: number;
}

/** Write-ahead journal of the station. Every write is on disk when the call returns. Holds no secret. */
export interface Journal extends HostKeyPins {
  /** Written before the mint call. @throws STATION_JOURNAL_FAILED: then nothing may be minted. */
  openKeyIntent(intent: Omit<KeyIntent, 'state' | 'keyId'>): void;
  settleKeyIntent(intentId: string, state: KeyIntentState, keyId?: string): void;
  /** Intents of this realm that are neither delivered nor deleted, oldest first. */
  unsettledKeyIntents(realm: KeyRealm): readonly KeyIntent[];
  recordRun(run: RunRecord): void;
  /** Newest run of every device. */
  latestRuns(): readonly RunRecord[];
  /** From now on the id is this board's, whosever it was. Written before anything is made for the id. */
  giveId(realm: KeyRealm, deviceId: string, board: BoardOnRecord): void;
  /** The board that has this id; undefined where none has, or was given it before boards were kept. */
  boardOf(realm: KeyRealm, deviceId: string): BoardOnRecord | undefined;
  /** The id is nobody's any more. */
  releaseId(realm: KeyRealm, deviceId: string): void;
  close(): void;
}

// ---- log ----

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured log. Fields are plain data; a {@link Secret} among them prints as `[redacted]`. */
export interface Logger {
  log(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What the core is composed of. */
export interface StationPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly journal: Journal;
  readonly connector: DeviceConnector;
  readonly binaries: AgentBinaryStore;
  readonly signIn: SignInClient;
  readonly tokenCache: TokenCache;
  readonly tokenCheck: TokenCheck;
  createIdentityProvider(profile: Profile, tokens: AccessTokenSource): IdentityProvider;
  createHeartbeatWatch(profile: Profile, tokens: AccessTokenSource): HeartbeatWatch | undefined;
  /** SHA-256 of text, lower-case hex; for comparing configs with what the device reports. */
  sha256(text: string): string;
  /** Opens the sign-in page; resolves false when no browser could be opened. */
  openBrowser(url: string): Promise<boolean>;
  /** Closes journal, log and open files. The ports are of no use afterwards. */
  close(): Promise<void>;
}
