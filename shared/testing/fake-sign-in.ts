import { waitUnlessAborted } from '../engine/limits.ts';
import {
  type Clock,
  type DeviceCodePrompt,
  type SignInClient,
  type TokenCache,
  type TokenCheck,
  type TokenSet,
  UNKNOWN_END,
} from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { Secret } from '../model/secret.ts';

/** Text that is part of every token. It may be in a cache and nowhere else. */
export const TOKEN_CANARY = 'canary-token';
const TOKEN_LIFE_MS = 600_000;

/** Device-code sign-in whose approval the test gives. */
export class FakeSignInClient implements SignInClient {
  readonly #clock: Clock;
  #approval: { resolve(tokens: TokenSet): void; reject(reason: unknown): void } | undefined;
  #count = 0;
  refreshes = 0;
  /** Life of the tokens it gives from now on. */
  tokenLifeMs = TOKEN_LIFE_MS;
  readonly revoked: TokenSet[] = [];
  /** Thrown by revocations while set. */
  revokeFailsWith: Error | undefined;
  /** Thrown by refreshes while set. */
  refreshFailsWith: Error | undefined;
  /** Thrown by the next refreshes, one each. */
  readonly refreshFailures: Error[] = [];
  /** Refreshes wait for this. */
  refreshGate: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  tokens(): TokenSet {
    this.#count += 1;
    return {
      accessToken: new Secret(`${TOKEN_CANARY}-access-${this.#count}`),
      refreshToken: new Secret(`${TOKEN_CANARY}-refresh-${this.#count}`),
      expiresAt: this.#clock.nowMs() + this.tokenLifeMs,
      subject: '4711',
      account: 'operator@line.example',
      organisation: undefined,
    };
  }

  /** The person at the browser approves. */
  approve(): void {
    this.#approval?.resolve(this.tokens());
  }

  deny(reason: unknown): void {
    this.#approval?.reject(reason);
  }

  signIn(onPrompt: (prompt: DeviceCodePrompt) => void, signal: AbortSignal): Promise<TokenSet> {
    return new Promise((resolve, reject) => {
      this.#approval = { resolve, reject };
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      onPrompt({
        userCode: 'BCDF-GHJK',
        verificationUri: 'https://id.example/device',
        verificationUriComplete: 'https://id.example/device?user_code=BCDF-GHJK',
        expiresAt: this.#clock.nowMs() + 300_000,
        intervalSeconds: 5,
      });
    });
  }

  async refresh(tokens: TokenSet, signal: AbortSignal): Promise<TokenSet> {
    if (signal.aborted) throw signal.reason;
    if (tokens.refreshToken === undefined) throw new EnrollmentError('IDENTITY_SESSION_ENDED');
    this.refreshes += 1;
    await this.refreshGate;
    const failure = this.refreshFailures.shift() ?? this.refreshFailsWith;
    if (failure !== undefined) throw failure;
    return this.tokens();
  }

  revoke(tokens: TokenSet): Promise<void> {
    if (this.revokeFailsWith !== undefined) return Promise.reject(this.revokeFailsWith);
    this.revoked.push(tokens);
    return Promise.resolve();
  }
}

/** A provider that knows one token by heart. */
export class FakeTokenCheck implements TokenCheck {
  /** Thrown for every token while set. */
  failsWith: Error | undefined;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();
  expiresAt = UNKNOWN_END;

  async check(token: Secret, signal: AbortSignal): Promise<TokenSet> {
    await waitUnlessAborted(this.gate, signal);
    if (this.failsWith !== undefined) throw this.failsWith;
    return {
      ...{ accessToken: token, refreshToken: undefined, expiresAt: this.expiresAt },
      ...{ subject: '4712', account: 'muster-admin', organisation: 'Plant East' },
    };
  }
}

/** A keychain in memory that can be missing. */
export class FakeTokenCache implements TokenCache {
  readonly place = 'Test keychain';
  readonly deletedByHand = 'Delete the entry of the test.';
  notShared: string | undefined;
  tokens: TokenSet | undefined;
  failsWith: Error | undefined;
  /** Thrown by removals alone. */
  removeFailsWith: Error | undefined;
  /** Another station has the turn for as long as this takes. */
  othersTurn: Promise<void> | undefined;

  async load(): Promise<TokenSet | undefined> {
    this.#requireThere();
    return this.tokens;
  }

  async save(tokens: TokenSet, _signal: AbortSignal): Promise<void> {
    this.#requireThere();
    this.tokens = tokens;
  }

  async remove(): Promise<void> {
    this.#requireThere();
    if (this.removeFailsWith !== undefined) throw this.removeFailsWith;
    this.tokens = undefined;
  }

  async exclusively<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.othersTurn !== undefined) await waitUnlessAborted(this.othersTurn, signal);
    return await work();
  }

  whileSigningIn<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  #requireThere(): void {
    if (this.failsWith !== undefined) throw this.failsWith;
  }
}
