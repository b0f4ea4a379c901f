import type { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import type { AgentBinaryStore, DeviceConnector } from './ports/devices.ts';
import type { HeartbeatWatch } from './ports/heartbeats.ts';
import type { IdentityProvider } from './ports/identity.ts';
import type { Journal } from './ports/journal.ts';
import type { AccessTokenSource, SignInClient, TokenCache, TokenCheck } from './ports/sign-in.ts';

/**
 * Everything the core needs from the world. Composition roots hand in adapters; tests and a simulator hand in
 * their own. Every method that waits takes a signal, rejects with its reason when it is aborted, and throws
 * {@link EnrollmentError} for every failure it knows.
 */
export * from './ports/devices.ts';
export * from './ports/heartbeats.ts';
export * from './ports/identity.ts';
export * from './ports/journal.ts';
export * from './ports/sign-in.ts';

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
  /** @param onPause the provider wants a pause that somebody will notice: every call waits for so many milliseconds */
  createIdentityProvider(
    profile: Profile,
    tokens: AccessTokenSource,
    onPause?: (ms: number) => void,
  ): IdentityProvider;
  createHeartbeatWatch(profile: Profile, tokens: AccessTokenSource): HeartbeatWatch | undefined;
  /** SHA-256 of text, lower-case hex; for comparing configs with what the device reports. */
  sha256(text: string): string;
  /** Opens the sign-in page; resolves false when no browser could be opened. */
  openBrowser(url: string): Promise<boolean>;
  /** Closes journal, log and open files. The ports are of no use afterwards. */
  close(): Promise<void>;
}
