import type { DeviceId } from '../../model/device-id.ts';
import type { Secret } from '../../model/secret.ts';

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
