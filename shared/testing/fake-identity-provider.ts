import { createHash } from 'node:crypto';
import type {
  AccessTokenSource,
  DeviceAccount,
  FoundMachineUser,
  IdentityProvider,
  LoginChallenge,
  LoginProof,
  MachineKeyEntry,
  MintedKey,
  RegisteredKey,
} from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { type DeviceId, machineUserName } from '../model/device-id.ts';
import { Secret } from '../model/secret.ts';

export type IdentityCall =
  | 'requireProject'
  | 'ensureAccount'
  | 'findMachineUser'
  | 'listKeys'
  | 'mintKey'
  | 'registerKey'
  | 'provesLogin'
  | 'logsIn'
  | 'deleteKey'
  | 'deleteMachineUser';

interface Fault {
  readonly call: IdentityCall;
  /** `before`: nothing happened. `after`: it happened, and the reply got lost. */
  readonly when: 'before' | 'after';
  readonly error: EnrollmentError;
}

/** Text that is part of every private key it mints. It may be on a device and nowhere else. */
export const KEY_CANARY = 'canary-private-key';

/** What a device signs with a pair that is not the registered one. */
export const WRONG_SIGNATURE = 'V1JPTkc=';

/** Users, grants and keys in memory, with replies that can fail or get lost. */
export class FakeIdentityProvider implements IdentityProvider {
  readonly users = new Map<string, string>();
  readonly grants = new Set<string>();
  readonly keys = new Map<string, Set<string>>();
  /** Expiry of every key ever minted, by its id. */
  readonly expiries = new Map<string, number>();
  readonly calls: IdentityCall[] = [];
  /** Keys that searches do not show yet, as those of a provider that lags. */
  readonly unlisted = new Set<string>();
  tokens: AccessTokenSource | undefined;
  /** The provider wants a pause. */
  onPause: ((ms: number) => void) | undefined;
  #faults: Fault[] = [];
  #count = 0;

  /** The next call of this kind fails. */
  failNext(
    call: IdentityCall,
    when: 'before' | 'after',
    error = new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'https://id.example' } }),
  ): void {
    this.#faults.push({ call, when, error });
  }

  get mutatingCalls(): number {
    return (
      this.calls.filter((call) => call === 'mintKey' || call === 'registerKey' || call === 'deleteKey')
        .length + this.created
    );
  }

  /** Users and grants that were made, keys not counted. */
  created = 0;

  userId(deviceId: string): string | undefined {
    return this.users.get(machineUserName(deviceId as DeviceId));
  }

  liveKeys(deviceId: string): readonly string[] {
    return [...(this.keys.get(this.userId(deviceId) ?? '') ?? [])];
  }

  isLive(keyId: string): boolean {
    return [...this.keys.values()].some((keys) => keys.has(keyId));
  }

  /** How often a sign-in was forgotten. */
  forgotten = 0;

  forgetSignIn(): void {
    this.forgotten += 1;
  }

  requireProject(signal: AbortSignal): Promise<void> {
    return this.#answer('requireProject', signal, () => undefined);
  }

  ensureAccount(
    deviceId: DeviceId,
    _expected: 'new' | 'unknown',
    signal: AbortSignal,
  ): Promise<DeviceAccount> {
    return this.#answer('ensureAccount', signal, () => {
      const name = machineUserName(deviceId);
      const known = this.users.get(name);
      const userId = known ?? this.#newId();
      const granted = !this.grants.has(userId);
      this.users.set(name, userId);
      this.grants.add(userId);
      this.created += (known === undefined ? 1 : 0) + (granted ? 1 : 0);
      return { userId, created: known === undefined, granted };
    });
  }

  findMachineUser(deviceId: DeviceId, signal: AbortSignal): Promise<FoundMachineUser | undefined> {
    return this.#answer('findMachineUser', signal, () => {
      const userId = this.users.get(machineUserName(deviceId));
      return userId === undefined
        ? undefined
        : { userId, hasJwtTokens: true, hasGrant: this.grants.has(userId) };
    });
  }

  listKeys(userId: string, signal: AbortSignal): Promise<readonly MachineKeyEntry[]> {
    return this.#answer('listKeys', signal, () =>
      [...(this.keys.get(userId) ?? [])]
        .filter((keyId) => !this.unlisted.has(keyId))
        .map((keyId) => ({ keyId, expiresAt: this.expiries.get(keyId) })),
    );
  }

  mintKey(userId: string, expiresAt: number, signal: AbortSignal): Promise<MintedKey> {
    return this.#answer('mintKey', signal, () => {
      const keyId = this.#newId();
      const keys = this.keys.get(userId) ?? new Set();
      keys.add(keyId);
      this.expiries.set(keyId, expiresAt);
      this.keys.set(userId, keys);
      const file = JSON.stringify({ type: 'serviceaccount', keyId, key: `${KEY_CANARY}-${keyId}`, userId });
      const sha256 = createHash('sha256').update(file).digest('hex');
      return { keyId, userId, file: new Secret(file), sizeBytes: Buffer.byteLength(file), sha256 };
    });
  }

  /** What the provider makes of a public key; `keys-that-fail` is zitadel/zitadel#7948. */
  publicKeys: 'refused' | 'keys-that-fail' | 'accepted' = 'accepted';
  /** Public halves that were registered, by key id. */
  readonly registered = new Map<string, string>();

  takesPublicKeys = true;
  machineTokensLastMs: number | undefined;

  registerKey(
    userId: string,
    publicKeyPem: string,
    expiresAt: number,
    signal: AbortSignal,
  ): Promise<RegisteredKey | undefined> {
    return this.#answer('registerKey', signal, () => {
      if (this.publicKeys === 'refused') {
        this.takesPublicKeys = false;
        return undefined;
      }
      const keyId = this.#newId();
      const keys = this.keys.get(userId) ?? new Set();
      this.keys.set(userId, keys.add(keyId));
      this.expiries.set(keyId, expiresAt);
      this.registered.set(keyId, publicKeyPem);
      return { ...this.challengeLogin(userId, keyId), publicKeyPem };
    });
  }

  challengeLogin(userId: string, keyId: string): LoginChallenge {
    return { keyId, userId, signingInput: `header.${keyId}` };
  }

  provesLogin(
    { keyId }: LoginChallenge | RegisteredKey,
    signature: string,
    signal: AbortSignal,
  ): Promise<LoginProof> {
    return this.#answer('provesLogin', signal, () => {
      if (signature === WRONG_SIGNATURE) return 'not-its-signature';
      const isRefused = this.registered.has(keyId) && this.publicKeys !== 'accepted';
      if (!this.isLive(keyId) || isRefused) return 'refused';
      this.machineTokensLastMs = 12 * 3_600_000;
      return 'logs-in';
    });
  }

  /** Logins are refused that should work, whatever the key. */
  refusesAllLogins = false;

  /** It has seen enough after the next login of a minted key. */
  turnsOffBy: 'logsIn' | undefined;

  logsIn({ keyId }: MintedKey, signal: AbortSignal): Promise<boolean> {
    return this.#answer('logsIn', signal, () => {
      if (this.turnsOffBy === 'logsIn') this.takesPublicKeys = false;
      return !this.refusesAllLogins && this.isLive(keyId);
    });
  }

  deleteKey(userId: string, keyId: string, signal: AbortSignal): Promise<void> {
    return this.#answer('deleteKey', signal, () => {
      this.keys.get(userId)?.delete(keyId);
    });
  }

  deleteMachineUser(userId: string, signal: AbortSignal): Promise<void> {
    return this.#answer('deleteMachineUser', signal, () => {
      for (const [name, known] of this.users) if (known === userId) this.users.delete(name);
      this.grants.delete(userId);
      this.keys.delete(userId);
    });
  }

  #newId(): string {
    this.#count += 1;
    return String(390_000_000_000 + this.#count);
  }

  async #answer<T>(call: IdentityCall, signal: AbortSignal, act: () => T): Promise<T> {
    if (signal.aborted) throw signal.reason;
    await this.tokens?.accessToken(signal);
    this.calls.push(call);
    const index = this.#faults.findIndex((fault) => fault.call === call);
    const [fault] = index < 0 ? [] : this.#faults.splice(index, 1);
    if (fault?.when === 'before') throw fault.error;
    const value = act();
    if (fault?.when === 'after') throw fault.error;
    return value;
  }
}
