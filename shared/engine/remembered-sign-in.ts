import { describeThrown, EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import type { Lamp } from '../model/station-state.ts';
import { asEnrollmentError, withLimit } from './limits.ts';
import { isReplaced } from './not-forgotten.ts';
import type { Clock, Logger, TokenCache, TokenSet } from './ports.ts';

const KEYCHAIN_LIMIT_MS = 10_000;

/** Where a sign-in is kept, and what the operator reads about it. */
export interface RememberedPlace {
  readonly where: 'keychain' | 'memory';
  /** Name of the place, or why the sign-in is in memory only. */
  readonly note: string;
}

/** What the memory answered, or why it did not. */
type Answer<T> = { readonly value: T } | { readonly error: EnrollmentError };

/**
 * What is remembered of sign-ins, and whose turn it is to change it. A keychain that fails costs the memory of a sign-in,
 * never the sign-in itself.
 */
export class RememberedSignIn {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #cache: TokenCache;
  readonly #onKeychain: (lamp: Lamp) => void;
  #calls: Promise<unknown> = Promise.resolve();
  #problem: string | undefined;
  /** Something is there, as far as the last answer told. */
  #isHeld = false;
  /** What is there, as far as the last answer told. */
  #last: Secret | undefined;
  /** What is still there because it could not be replaced: its refresh token may be used already. */
  #outdated: Secret | undefined;
  #locked: EnrollmentError | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly logger: Logger; readonly cache: TokenCache },
    onKeychain: (lamp: Lamp) => void,
  ) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#cache = ports.cache;
    this.#onKeychain = onKeychain;
  }

  get place(): RememberedPlace {
    const note = this.notShared;
    return note === undefined ? { where: 'keychain', note: this.#cache.place } : { where: 'memory', note };
  }

  /** Why other stations of this computer do not see what is remembered; undefined where they do. */
  get notShared(): string | undefined {
    return this.#problem ?? this.#cache.notShared;
  }

  /** STATION_KEYCHAIN_LOCKED while that is why nothing was found: there may be a sign-in in it. */
  get locked(): EnrollmentError | undefined {
    return this.#locked;
  }

  /** What is remembered; not what only stayed because it could not be replaced. */
  async load(signal: AbortSignal): Promise<TokenSet | undefined> {
    const answer = await this.#ask(signal, (limited) => this.#cache.load(limited));
    if ('error' in answer) return undefined;
    const found = answer.value;
    this.#isHeld = found !== undefined;
    if (found !== undefined && this.#outdated?.equals(found.accessToken) === true) return undefined;
    this.#last = found?.accessToken;
    this.#outdated = undefined;
    return found;
  }

  async save(tokens: TokenSet, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(signal, (limited) => this.#cache.save(tokens, limited));
    if ('error' in answer) {
      this.#outdated ??= this.#last;
      return;
    }
    this.#isHeld = true;
    this.#last = tokens.accessToken;
    this.#outdated = undefined;
  }

  /**
   * @returns why something may still be there. Where no keychain has ever answered, nothing is: what could not be saved
   *   needs not be removed
   */
  async remove(): Promise<EnrollmentError | undefined> {
    const answer = await this.#ask(new AbortController().signal, (limited) => this.#cache.remove(limited));
    if ('value' in answer) {
      this.#isHeld = false;
      return undefined;
    }
    if (isReplaced(answer.error)) {
      this.#isHeld = false;
      return undefined;
    }
    // What a locked one holds, nobody can tell.
    return this.#isHeld || this.#locked !== undefined ? answer.error : undefined;
  }

  /** Work that reads and writes what is remembered, while no other station does. */
  inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#orWithoutTurn(work, signal, (begin) => this.#cache.exclusively(begin, signal));
  }

  /** Work that asks a person to sign in, while no other station does; it waits for one that does. */
  whileSigningIn<T>(work: () => Promise<T>, onWaiting: () => void, signal: AbortSignal): Promise<T> {
    return this.#orWithoutTurn(work, signal, (begin) => this.#cache.whileSigningIn(begin, onWaiting, signal));
  }

  /** Where no turn can be had, the sign-in is nobody else's either. */
  async #orWithoutTurn<T>(
    work: () => Promise<T>,
    signal: AbortSignal,
    take: (begin: () => Promise<T>) => Promise<T>,
  ): Promise<T> {
    let isBegun = false;
    const begin = (): Promise<T> => {
      isBegun = true;
      return work();
    };
    try {
      return await take(begin);
    } catch (thrown) {
      if (isBegun || signal.aborted) throw thrown;
      this.#logger.log('warn', 'no-turn-for-the-sign-in', { error: describeThrown(thrown) });
      return begin();
    }
  }

  /** One call after the other: what is removed for an old sign-in must not take a new one with it. */
  #ask<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
    const call = this.#calls.then(() => this.#askNow(signal, work));
    this.#calls = Promise.allSettled([call]);
    return call;
  }

  async #askNow<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE', { details: { problem: 'it does not answer.' } });
    try {
      const value = await withLimit(
        { clock: this.#clock, limitMs: KEYCHAIN_LIMIT_MS, signal, onLimit },
        work,
      );
      this.#problem = undefined;
      this.#locked = undefined;
      const { place, notShared } = this.#cache;
      this.#onKeychain(
        notShared === undefined
          ? { state: 'ok', word: 'ok', detail: place }
          : { state: 'attention', word: 'not used', detail: notShared },
      );
      return { value };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const error = asEnrollmentError(thrown);
      const view = toErrorView(error);
      this.#locked = error.code === 'STATION_KEYCHAIN_LOCKED' ? error : undefined;
      this.#logger.log('warn', 'keychain-unavailable', { code: view.code, evidence: view.evidence });
      this.#problem = view.says;
      this.#onKeychain({
        state: 'attention',
        word: this.#locked !== undefined ? 'locked' : 'not available',
        detail: `${view.says} ${view.operatorDoes}`,
      });
      return { error };
    }
  }
}
